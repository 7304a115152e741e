import { type Matrix, matrix, normalizedRows } from '../math/matrix.js'
import { multiplyTransposed } from '../math/product.js'
import { createBestList } from './best-list.js'

/** The best k documents of every query, best first. */
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
 * Exact search: the k documents with the highest cosine similarity, for every query.
 *
 * Works through blocks of queries and documents, so that memory does not grow with queries x documents. Equal scores are
 * ordered by `tieRank`, as trec_eval orders them by document id.
 *
 * @param queries [n, d], any length of row
 * @param units [m, d] documents, rows of length 1 (see `normalizedRows`)
 * @param k at most m are returned
 * @param tieRank [m] of two documents with equal scores the one with the lower rank comes first
 */
export function topK(queries: Matrix, units: Matrix, k: number, tieRank: Uint32Array): TopK {
  const kept = Math.min(k, units.rows)
  const rows = new Uint32Array(queries.rows * kept)
  const scores = new Float32Array(queries.rows * kept)
  const buffer = new Float32Array(QUERY_BLOCK * Math.min(DOCUMENT_BLOCK, units.rows))
  for (let q0 = 0; q0 < queries.rows; q0 += QUERY_BLOCK) {
    const nq = Math.min(QUERY_BLOCK, queries.rows - q0)
    const Q = normalizedRows(slice(queries, q0, nq))
    const lists = Array.from({ length: nq }, (_, i) => {
      const from = (q0 + i) * kept
      return createBestList(rows.subarray(from, from + kept), scores.subarray(from, from + kept), tieRank)
    })
    for (let d0 = 0; d0 < units.rows; d0 += DOCUMENT_BLOCK) {
      const nd = Math.min(DOCUMENT_BLOCK, units.rows - d0)
      const S = matrix(nq, nd, buffer.subarray(0, nq * nd))
      multiplyTransposed(Q, slice(units, d0, nd), S)
      for (let i = 0; i < nq; i++) lists[i].offer(S.data, i * nd, nd, d0)
    }
  }
  return { k: kept, rows, scores }
}

/** Ranks of document ids in descending order of their UTF-16 code units: trec_eval's order among equal scores. */
export function tieRankOf(docIds: readonly string[]): Uint32Array {
  const order = docIds.map((_, i) => i).sort((a, b) => (docIds[a] < docIds[b] ? 1 : docIds[a] > docIds[b] ? -1 : a - b))
  const rank = new Uint32Array(docIds.length)
  order.forEach((doc, position) => {
    rank[doc] = position
  })
  return rank
}

function slice(m: Matrix, start: number, count: number): Matrix {
  return matrix(count, m.cols, m.data.subarray(start * m.cols, (start + count) * m.cols))
}
