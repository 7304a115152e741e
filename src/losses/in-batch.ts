import { type EmbeddedDataset, ownDocumentOf } from '../embed/embedded-dataset.js'
import { getOrInsert } from '../maps.js'
import { type Rows, rowRange } from '../math/row-source.js'
import { epochSize, shuffledBatches } from './batch-columns.js'
import type { Negatives, TrainingBatch } from './batch-source.js'

/**
 * In-batch negatives: every (query, positive) pair is an example, and the positives of the other pairs in its batch are its
 * negatives, except positives of the same query, copies of them (same document or text), and the query itself.
 * @see https://arxiv.org/abs/1705.00652 (Henderson et al.), called MultipleNegativesRankingLoss in sentence-transformers
 */
export const inBatch: Negatives = {
  name: 'in-batch',
  description: 'the documents of the other pairs in the batch',
  create(data, { batchSize }) {
    const pairs = listPairs(data)
    return {
      ...epochSize(data, pairs.queries, batchSize),
      *epoch(random) {
        const batches = shuffledBatches(rowRange(0, pairs.queries.length), batchSize, random)
        for (const batch of batches) yield inBatchCandidates(data, pairs, batch)
      },
    }
  },
}

/** (Query row, document row) pairs with a positive grade. */
export type Pairs = { readonly queries: Uint32Array; readonly documents: Uint32Array }

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

/** Makes the batch of the given pairs: query i's target is column i. */
export function inBatchCandidates(data: EmbeddedDataset<Rows>, pairs: Pairs, members: Uint32Array): TrainingBatch {
  const queryRows = members.map(m => pairs.queries[m])
  const documentRows = members.map(m => pairs.documents[m])
  const columnsOfText = new Map<number, number[]>()
  documentRows.forEach((document, column) => {
    getOrInsert(columnsOfText, data.docTextGroup[document], () => []).push(column)
  })
  const { weights } = data
  const offsets = new Uint32Array(members.length + 1)
  const masked: number[] = []
  const ownDocument = ownDocumentOf(data)
  for (let i = 0; i < members.length; i++) {
    const texts = new Set(Array.from(data.positives[queryRows[i]].keys(), document => data.docTextGroup[document]))
    for (const text of texts) {
      for (const column of columnsOfText.get(text) ?? []) if (column !== i) masked.push(column)
    }
    const own = ownDocument(queryRows[i])
    if (own !== undefined && !texts.has(data.docTextGroup[own]))
      documentRows.forEach((document, column) => {
        if (document === own) masked.push(column)
      })
    offsets[i + 1] = masked.length
  }
  return {
    queryRows,
    documentRows,
    // Row i holds column i.
    targets: {
      offsets: rowRange(0, members.length + 1),
      columns: rowRange(0, members.length),
      ...(weights && { values: Float32Array.from(queryRows, query => weights[query]) }),
    },
    masked: { offsets, columns: Uint32Array.from(masked) },
  }
}
