import type { Metric } from './metric.js'

/** Share of the relevant documents that are among the first k (trec_eval's recall_k). */
export const recall: Metric = {
  name: 'recall',
  description: 'share of the relevant documents found among the first k',
  score: ({ grades, relevant }, k) => grades.slice(0, k).filter(grade => grade > 0).length / relevant.length,
}
