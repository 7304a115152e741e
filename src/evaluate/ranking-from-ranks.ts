import type { Ranking } from './metrics/metric.js'

/**
 * The ranking of one query, cut at k, from the ranks of its relevant documents.
 *
 * @param ranks rank of each positive, from 1, in the order of `positives`
 * @param positives document row -> grade
 */
export function rankingFromRanks(ranks: Uint32Array, positives: ReadonlyMap<number, number>, k: number): Ranking {
  const relevant = [...positives.values()]
  const grades = new Array<number>(k).fill(0)
  relevant.forEach((grade, i) => {
    if (ranks[i] <= k) grades[ranks[i] - 1] = grade
  })
  return { grades, relevant: relevant.sort((a, b) => b - a) }
}
