import { type EmbeddedDataset, labelledRows, ownDocumentOf } from '../embed/embedded-dataset.js'
import { permutation, type Random } from '../math/random.js'
import { type Rows, rowRange } from '../math/row-source.js'
import {
  copiesAmong,
  documentsOf,
  EXCLUDED,
  epochSize,
  maskedRows,
  shuffledBatches,
  slotsFor,
  targetRows,
} from './batch-columns.js'
import type { BatchSource, Negatives, SourceOptions, TrainingBatch } from './batch-source.js'

/**
 * Mined negatives: per query the documents the current adapter ranks highest among those below the query's best positive by a
 * margin, with the positives and mined documents of the other queries in the batch.
 *
 * A document that scores nearly as high as a positive is likely an unjudged positive, hence the margin s - margin |s| below its
 * cosine s, which also lowers a negative one. Documents judged not relevant come first and need no margin. Positives and copies of
 * them are never negatives.
 * @see https://arxiv.org/abs/2407.15831 (NV-Retriever), TopK-PercPos
 */
export const hard: Negatives = {
  name: 'hard',
  description: 'mined from all documents with the current adapter',
  create: createHardSource,
}

function createHardSource(
  data: EmbeddedDataset<Rows>,
  { batchSize, hardNegatives: count, hardMargin: margin, mineEvery }: SourceOptions,
): BatchSource {
  const { positives, docTextGroup } = data
  const ownDocument = ownDocumentOf(data)
  const queries = labelledRows(data)
  const copies = copiesAmong(data, rowRange(0, data.docs.rows))
  const judged = new Map(Array.from(queries, query => [query, judgedOf(query)]))
  const mined = new Map<number, Uint32Array>()
  const queryRows = queries.filter(query => judged.get(query)!.length < count)

  /** Returns the first document with the same text: as negatives, copies count once. */
  function original(document: number): number {
    return copies.get(docTextGroup[document])?.[0] ?? document
  }

  /** True for the text of a positive, and for the query itself. */
  function isAnswer(query: number, document: number): boolean {
    if (ownDocument(query) === document) return true
    for (const positive of positives[query].keys()) if (docTextGroup[positive] === docTextGroup[document]) return true
    return false
  }

  /** Lists the documents judged not relevant to a query, each text once. */
  function judgedOf(query: number): readonly number[] {
    const documents = data.judgedNegatives?.[query] ?? []
    return [...new Set(documents.filter(document => !isAnswer(query, document)).map(original))]
  }

  function allows(query: number, document: number): boolean {
    return original(document) === document && !judged.get(query)!.includes(document) && !isAnswer(query, document)
  }

  function negativesOf(query: number, random: Random): ArrayLike<number> {
    const own = judged.get(query)!
    // Of more than are wanted, others in every epoch.
    if (own.length > count) return Array.from(permutation(own.length, random).subarray(0, count), i => own[i])
    return [...own, ...(mined.get(query)?.subarray(0, count - own.length) ?? [])]
  }

  /** Lists the documents of a batch: the positives of its queries, then the negatives whose text is new. */
  function candidatesOf(batch: Uint32Array, random: Random): number[] {
    const rows = documentsOf(data, batch)
    const texts = new Set(Array.from(rows, document => docTextGroup[document]))
    for (const query of batch) {
      for (const document of Array.from(negativesOf(query, random))) {
        if (!texts.has(docTextGroup[document])) rows.add(document)
        texts.add(docTextGroup[document])
      }
    }
    return [...rows]
  }

  function* epoch(random: Random): Iterable<TrainingBatch> {
    const batches = shuffledBatches(queries, batchSize, random)
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
    ...epochSize(data, queries, batchSize),
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
