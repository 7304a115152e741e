import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { labelledRows } from '../embed/embedded-dataset.js'
import { permutation, type Random } from '../math/random.js'
import { type Rows, rowRange } from '../math/row-source.js'
import { copiesAmong, EXCLUDED, maskedRows, slotsFor, targetRows, totalWeight } from './batch-columns.js'
import type { CandidateBatch, CandidateOptions, CandidateSource, Negatives } from './candidates.js'

/** Options of `hard`, with the values used where none are given. */
export const HARD_DEFAULTS = {
  /** Hard negatives of a query. */
  hardNegatives: 8,
  /** Share of its best positive's cosine by which a mined negative of a query has to stay below it. */
  hardMargin: 0.05,
  /** Epochs after which negatives are mined anew. */
  mineEvery: 2,
} as const

/**
 * Mined negatives: for every query the documents that the adapter, as it stands, ranks highest among those below the query's best
 * positive by a margin, beside the positives and the mined documents of the other queries in the batch.
 *
 * A document that scores nearly as high as a positive is likely relevant too and was merely not judged, hence the margin. It is
 * part of the positive's cosine, s - margin |s|, so that it also lowers a cosine below 0. Documents that were judged not relevant
 * come first and need no margin. Positives and copies of them are never negatives.
 *
 * @see https://arxiv.org/abs/2407.15831 (NV-Retriever), TopK-PercPos
 */
export const hard: Negatives = {
  name: 'hard',
  description: 'mined from all documents with the current adapter',
  create: createHardSource,
}

function createHardSource(
  data: EmbeddedDataset<Rows>,
  {
    batchSize,
    hardNegatives: count = HARD_DEFAULTS.hardNegatives,
    hardMargin: margin = HARD_DEFAULTS.hardMargin,
    mineEvery = HARD_DEFAULTS.mineEvery,
  }: CandidateOptions,
): CandidateSource {
  const { positives, docTextGroup } = data
  const queries = labelledRows(data)
  const copies = copiesAmong(data, rowRange(0, data.docs.rows))
  const judged = judgedByQuery(data, queries, original)
  const mined = new Map<number, Uint32Array>()
  const queryRows = queries.filter(query => (judged.get(query)?.length ?? 0) < count)

  /** Of documents with one text the first stands for all: as negatives they count once. */
  function original(document: number): number {
    return copies.get(docTextGroup[document])?.[0] ?? document
  }

  function allows(query: number, document: number): boolean {
    if (original(document) !== document || judged.get(query)?.includes(document)) return false
    for (const positive of positives[query].keys()) if (docTextGroup[positive] === docTextGroup[document]) return false
    return true
  }

  function negativesOf(query: number, random: Random): ArrayLike<number> {
    const own = judged.get(query) ?? []
    // Of more than are wanted, others in every epoch.
    if (own.length > count)
      return permutation(own.length, random)
        .subarray(0, count)
        .map(i => own[i])
    return [...own, ...(mined.get(query)?.subarray(0, count - own.length) ?? [])]
  }

  /** The documents of a batch: the positives of its queries, then the negatives whose text is not there yet. */
  function candidatesOf(batch: Uint32Array, random: Random): number[] {
    const rows = new Set<number>()
    for (const query of batch) for (const document of positives[query].keys()) rows.add(document)
    const texts = new Set(Array.from(rows, document => docTextGroup[document]))
    for (const query of batch) {
      for (const document of Array.from(negativesOf(query, random))) {
        if (!texts.has(docTextGroup[document])) rows.add(document)
        texts.add(docTextGroup[document])
      }
    }
    return [...rows]
  }

  function* epoch(random: Random): Iterable<CandidateBatch> {
    const order = permutation(queries.length, random).map(i => queries[i])
    const batches: Uint32Array[] = []
    for (let start = 0; start < order.length; start += batchSize) batches.push(order.subarray(start, start + batchSize))
    const candidates = batches.map(batch => candidatesOf(batch, random))
    const slots = slotsFor(candidates)
    for (const [b, batch] of batches.entries()) {
      const rows = candidates[b]
      const documentRows = new Uint32Array(slots).fill(rows[0])
      documentRows.set(rows)
      const columnOf = new Map(rows.map((row, column) => [row, column]))
      yield {
        queryRows: batch,
        documentRows,
        targets: targetRows(data, batch, columnOf),
        masked: maskedRows(data, batch, row => columnOf.get(row), copies),
        offset: new Float32Array(slots).fill(EXCLUDED, rows.length),
      }
    }
  }

  return {
    examples: queries.length,
    weight: totalWeight(data, queries),
    steps: Math.ceil(queries.length / batchSize),
    mining: {
      queryRows,
      count,
      due: number => queryRows.length > 0 && (number - 1) % mineEvery === 0,
      ceiling(cosines) {
        const best = Array.from(cosines).reduce((max, cosine) => Math.max(max, cosine), -1)
        return best - margin * Math.abs(best)
      },
      allows,
      accept: (query, documents) => mined.set(query, documents),
    },
    epoch,
  }
}

/** Query row -> documents judged not relevant, each text once, without those that have a positive's text. */
function judgedByQuery(
  { judgedNegatives, positives, docTextGroup }: EmbeddedDataset<Rows>,
  queries: Uint32Array,
  original: (document: number) => number,
): Map<number, readonly number[]> {
  const judged = new Map<number, readonly number[]>()
  for (const query of queries) {
    const documents = judgedNegatives?.[query]
    if (!documents?.length) continue
    const relevant = new Set(Array.from(positives[query].keys(), document => docTextGroup[document]))
    const distinct = new Set(documents.filter(document => !relevant.has(docTextGroup[document])).map(original))
    judged.set(query, [...distinct])
  }
  return judged
}
