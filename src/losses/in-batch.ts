import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { SparseRows } from '../engines/engine.js'
import { permutation, type Random } from '../math/random.js'
import type { Rows } from '../math/row-source.js'
import { totalWeight } from './batch-columns.js'
import type { CandidateBatch, CandidateSource, Negatives } from './candidates.js'

/**
 * In-batch negatives: every (query, positive) pair is an example, and the positives of the other pairs in its batch are its
 * negatives, but for those that are positives of the query too or equal to one of them (same document or same text).
 *
 * @see https://arxiv.org/abs/1705.00652 (Henderson et al.), called MultipleNegativesRankingLoss in sentence-transformers
 */
export const inBatch: Negatives = {
  name: 'in-batch',
  description: 'the documents of the other pairs in the batch',
  create(data, { batchSize }): CandidateSource {
    const pairs = listPairs(data)
    const examples = pairs.queries.length
    return {
      examples,
      weight: totalWeight(data, pairs.queries),
      steps: Math.ceil(examples / batchSize),
      *epoch(random: Random) {
        const order = permutation(examples, random)
        for (let start = 0; start < examples; start += batchSize) {
          yield inBatchCandidates(data, pairs, order.subarray(start, start + batchSize))
        }
      },
    }
  },
}

/** All (query row, document row) pairs with a positive grade. */
export interface Pairs {
  readonly queries: Uint32Array
  readonly documents: Uint32Array
}

export function listPairs(data: EmbeddedDataset<Rows>): Pairs {
  const queries: number[] = []
  const documents: number[] = []
  data.positives.forEach((positives, query) => {
    for (const document of positives.keys()) {
      queries.push(query)
      documents.push(document)
    }
  })
  return { queries: Uint32Array.from(queries), documents: Uint32Array.from(documents) }
}

/** The batch of the given pairs: query i's target is column i. */
export function inBatchCandidates(data: EmbeddedDataset<Rows>, pairs: Pairs, members: Uint32Array): CandidateBatch {
  const queryRows = members.map(m => pairs.queries[m])
  const documentRows = members.map(m => pairs.documents[m])
  const columnsOfText = new Map<number, number[]>()
  documentRows.forEach((document, column) => {
    const text = data.docTextGroup[document]
    const columns = columnsOfText.get(text)
    if (columns) columns.push(column)
    else columnsOfText.set(text, [column])
  })

  const weightsOf = (rows: Uint32Array) => Float32Array.from(rows, query => data.weights![query])
  const offsets = new Uint32Array(members.length + 1)
  const masked: number[] = []
  for (let i = 0; i < members.length; i++) {
    const texts = new Set<number>()
    for (const document of data.positives[queryRows[i]].keys()) texts.add(data.docTextGroup[document])
    for (const text of texts) {
      for (const column of columnsOfText.get(text) ?? []) if (column !== i) masked.push(column)
    }
    offsets[i + 1] = masked.length
  }
  return {
    queryRows,
    documentRows,
    targets: { ...diagonal(members.length), ...(data.weights && { values: weightsOf(queryRows) }) },
    masked: { offsets, columns: Uint32Array.from(masked) },
  }
}

/** Row i holds column i. */
function diagonal(n: number): SparseRows {
  const offsets = Uint32Array.from({ length: n + 1 }, (_, i) => i)
  return { offsets, columns: offsets.slice(0, n) }
}
