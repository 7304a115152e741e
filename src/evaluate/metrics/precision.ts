import type { Metric } from './metric.js'

/** Share of the first k ranks that hold a relevant document; always divided by k (trec_eval's P_k). */
export const precision: Metric = {
  name: 'precision',
  description: 'share of the first k ranks that hold a relevant document',
  score: ({ grades }, k) => grades.slice(0, k).filter(grade => grade > 0).length / k,
}
