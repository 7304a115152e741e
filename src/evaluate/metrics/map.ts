import type { Metric } from './metric.js'

/**
 * Average precision cut at k (trec_eval's map_cut_k): the sum of precision at the rank of every relevant document among the first
 * k, divided by the number of all relevant documents.
 */
export const map: Metric = {
  name: 'map',
  description: 'mean average precision',
  score({ grades, relevant }, k) {
    let found = 0
    let sum = 0
    for (let r = 0; r < Math.min(k, grades.length); r++) {
      if (grades[r] > 0) sum += ++found / (r + 1)
    }
    return sum / relevant.length
  },
}
