import type { Metric } from './metric.js'

/**
 * Normalised discounted cumulative gain (trec_eval's ndcg_cut): DCG = sum over ranks r <= k of grade_r / log2(r + 1), divided by
 * the DCG of the ideal ranking.
 *
 * @see Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002
 */
export const ndcg: Metric = {
  name: 'ndcg',
  description: 'normalised discounted cumulative gain',
  score: ({ grades, relevant }, k) => dcg(grades, k) / dcg(relevant, k),
}

function dcg(grades: readonly number[], k: number): number {
  let sum = 0
  for (let r = 0; r < Math.min(k, grades.length); r++) sum += grades[r] / Math.log2(r + 2)
  return sum
}
