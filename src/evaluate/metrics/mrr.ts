import type { Metric } from './metric.js'

/** 1 / rank of the first relevant document if it is among the first k, else 0 (trec_eval's recip_rank, cut at k). */
export const mrr: Metric = {
  name: 'mrr',
  description: 'mean reciprocal rank of the first relevant document',
  score({ grades }, k) {
    const first = grades.slice(0, k).findIndex(grade => grade > 0)
    return first < 0 ? 0 : 1 / (first + 1)
  },
}
