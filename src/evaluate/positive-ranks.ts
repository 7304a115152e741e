import type { Engine, Tensor } from '../engines/engine.js'
import type { MetricSpec, Ranking } from './metrics.js'

/** Most scores read from the engine at once: 32 MiB as float32. */
const MAX_SCORES = 8 * 1024 * 1024

/** Relevant documents by query row: document row -> grade. */
export type Positives = readonly ReadonlyMap<number, number>[]

/**
 * Computes the exact rank of every relevant document of every query, by cosine similarity, in blocks of queries.
 * @param queries [n, d] on the engine, of any length
 * @param units [m, d] on the engine, of unit length
 * @param tieRank [m] the lower comes first among equal scores
 * @param ownDocument document that a query's ranking leaves out
 * @returns per query the ranks of its positives, in the order of its map
 */
export async function positiveRanks(
  engine: Engine,
  queries: Tensor,
  units: Tensor,
  positives: Positives,
  tieRank: Uint32Array,
  ownDocument?: (query: number) => number | undefined,
): Promise<Uint32Array[]> {
  const m = units.rows
  const block = Math.max(1, Math.min(queries.rows, Math.floor(MAX_SCORES / m)))
  const ranks: Uint32Array[] = []
  const [S, U, norms] = [engine.alloc(block, m), engine.alloc(block, queries.cols), engine.alloc(block, 1)]
  for (let start = 0; start < queries.rows; start += block) {
    const n = Math.min(block, queries.rows - start)
    const [s, u, lengths] = n === block ? [S, U, norms] : [S, U, norms].map(t => engine.view(t, 0, n))
    engine.normalizeRows(engine.view(queries, start, n), u, lengths)
    engine.gemm(u, units, s, { transposeB: true })
    const scores = await engine.read(s)
    for (let i = 0; i < n; i++) {
      const row = scores.subarray(i * m, (i + 1) * m)
      const own = ownDocument?.(start + i)
      if (own !== undefined) row[own] = Number.NEGATIVE_INFINITY
      ranks.push(Uint32Array.from(positives[start + i].keys(), document => rankOf(row, document, tieRank)))
    }
  }
  for (const t of [S, U, norms]) engine.free(t)
  return ranks
}

/** Counts the documents with a higher score than `document`, or an equal score and a lower `tieRank`, and adds 1. */
export function rankOf(scores: Float32Array, document: number, tieRank: Uint32Array): number {
  const own = scores[document]
  const ownTie = tieRank[document]
  let before = 0
  for (let j = 0; j < scores.length; j++) {
    if (scores[j] > own) before++
    else if (scores[j] === own && tieRank[j] < ownTie) before++
  }
  return before + 1
}

/** Scores the ranking of all documents by their scores for one query. */
export function scoreRanking(
  scores: Float32Array,
  positives: ReadonlyMap<number, number>,
  tieRank: Uint32Array,
  { metric, k }: Pick<MetricSpec, 'metric' | 'k'>,
): number {
  const ranks = Uint32Array.from(positives.keys(), document => rankOf(scores, document, tieRank))
  return metric.score(rankingFromRanks(ranks, positives, k), k)
}

/** Makes the ranking of one query, cut at k, from the ranks of its relevant documents. */
export function rankingFromRanks(ranks: Uint32Array, positives: ReadonlyMap<number, number>, k: number): Ranking {
  const relevant = [...positives.values()]
  const grades = new Array<number>(k).fill(0)
  for (const [i, grade] of relevant.entries()) if (ranks[i] <= k) grades[ranks[i] - 1] = grade
  return { grades, relevant: relevant.sort((a, b) => b - a) }
}
