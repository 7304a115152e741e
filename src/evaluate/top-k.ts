import { type Matrix, matrix, normalizedRows } from '../math/matrix.js'
import { multiplyTransposed } from '../math/product.js'

/** Best k documents of every query, best first. */
export interface TopK {
  readonly k: number
  /** [queries * k] document rows. */
  readonly rows: Uint32Array
  /** [queries * k] cosine similarities. */
  readonly scores: Float32Array
}

const QUERY_BLOCK = 64
const DOCUMENT_BLOCK = 2048

/**
 * Finds the k documents with the highest cosine similarity for every query, exactly, in blocks of queries and documents.
 * @param queries [n, d], of any length
 * @param units [m, d] documents of unit length
 * @param tieRank [m] the lower comes first among equal scores
 * @param allows true if a document may be among a query's; places that none fills have the score -Infinity
 */
export function topK(
  queries: Matrix,
  units: Matrix,
  k: number,
  tieRank: Uint32Array,
  allows?: (queryRow: number, documentRow: number) => boolean,
): TopK {
  const { top, listOf } = emptyTopK(queries.rows, Math.min(k, units.rows), tieRank, allows)
  const buffer = new Float32Array(QUERY_BLOCK * Math.min(DOCUMENT_BLOCK, units.rows))
  for (let q0 = 0; q0 < queries.rows; q0 += QUERY_BLOCK) {
    const nq = Math.min(QUERY_BLOCK, queries.rows - q0)
    const Q = normalizedRows(slice(queries, q0, nq))
    const lists = Array.from({ length: nq }, (_, i) => listOf(q0 + i))
    for (let d0 = 0; d0 < units.rows; d0 += DOCUMENT_BLOCK) {
      const nd = Math.min(DOCUMENT_BLOCK, units.rows - d0)
      const S = matrix(nq, nd, buffer.subarray(0, nq * nd))
      multiplyTransposed(Q, slice(units, d0, nd), S)
      for (let i = 0; i < nq; i++) lists[i].offer(S.data, i * nd, nd, d0)
    }
  }
  return top
}

/** Makes room for the best k documents of every query, and a list that fills that of each. */
export function emptyTopK(
  queries: number,
  k: number,
  tieRank: Uint32Array,
  allows?: (queryRow: number, documentRow: number, score: number) => boolean,
) {
  const rows = new Uint32Array(queries * k)
  const scores = new Float32Array(queries * k).fill(allows ? Number.NEGATIVE_INFINITY : 0)
  const listOf = (query: number): BestList => {
    const [from, to] = [query * k, (query + 1) * k]
    const allowed = allows && ((document: number, score: number) => allows(query, document, score))
    return createBestList(rows.subarray(from, to), scores.subarray(from, to), tieRank, allowed)
  }
  return { top: { k, rows, scores }, listOf }
}

/** Ranks document ids in descending order of their UTF-16 code units: trec_eval's order among equal scores. */
export function tieRankOf(docIds: readonly string[]): Uint32Array {
  const order = docIds.map((_, i) => i).sort((a, b) => (docIds[a] < docIds[b] ? 1 : docIds[a] > docIds[b] ? -1 : a - b))
  const rank = new Uint32Array(docIds.length)
  for (const [position, doc] of order.entries()) rank[doc] = position
  return rank
}

function slice(m: Matrix, start: number, count: number): Matrix {
  return matrix(count, m.cols, m.data.subarray(start * m.cols, (start + count) * m.cols))
}

/** Sorted list of the best documents of one query. */
export interface BestList {
  /** Takes the documents that are allowed and better than the worst entry. */
  offer(scores: Float32Array, from: number, count: number, firstRow: number): void
}

/** Makes an empty list of as many entries as the arrays hold; `allows` is asked only of those good enough. */
export function createBestList(
  rows: Uint32Array,
  scores: Float32Array,
  tieRank: Uint32Array,
  allows?: (document: number, score: number) => boolean,
): BestList {
  const k = rows.length
  let size = 0
  return {
    offer(block, from, count, firstRow) {
      for (let j = 0; j < count; j++) {
        const score = block[from + j]
        if (size === k && score < scores[k - 1]) continue
        const doc = firstRow + j
        if (allows && !allows(doc, score)) continue
        let at = size
        while (at > 0 && (score > scores[at - 1] || (score === scores[at - 1] && tieRank[doc] < tieRank[rows[at - 1]]))) at--
        if (at === k) continue
        if (size < k) size++
        rows.copyWithin(at + 1, at, size - 1)
        scores.copyWithin(at + 1, at, size - 1)
        rows[at] = doc
        scores[at] = score
      }
    },
  }
}
