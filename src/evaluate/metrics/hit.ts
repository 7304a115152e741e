import type { Metric } from './metric.js'

/** 1 if a relevant document is among the first k, else 0 (trec_eval's success_k). */
export const hit: Metric = {
  name: 'hit',
  description: 'share of queries with a relevant document among the first k',
  score: ({ grades }, k) => (grades.slice(0, k).some(grade => grade > 0) ? 1 : 0),
}
