import type { Adapter } from '../adapters/adapter.js'
import type { TrainingReport } from '../pipeline/run-training.js'
import type { ReportFacts } from './write-report.js'

/** What a report says of a training run. */
export function trainingFacts(adapter: Adapter, report: TrainingReport, path: string, metric: string): ReportFacts {
  const { metrics, kFold, cache, engine, engineDescription, engineReason, seconds, data } = report
  const split = metrics?.split
  const queries = split === undefined ? undefined : split === 'k-fold' ? kFold!.queries : data[split]?.queries
  const { sha256 } = adapter.training.data as { readonly sha256?: string }
  return {
    ...report,
    metric,
    queries,
    measuredOn: split && (split === 'k-fold' ? `${kFold!.folds} folds, held out in turn` : `the ${split} set`),
    facts: [
      ['adapter', path],
      ['engine', `${engine}${engineDescription ? ` (${engineDescription})` : ''}: ${engineReason}`],
      [
        'embedded',
        `${cache.misses} texts in ${cache.requests} requests, ${cache.tokens} tokens; ${cache.hits} from the cache`,
      ],
      [
        'seconds',
        `embedding ${seconds.embed}, tuning ${seconds.tune}, training ${seconds.train}, total ${seconds.total}`,
      ],
      ...(sha256 ? [['data, SHA-256', sha256] as const] : []),
      [
        'options',
        Object.entries(adapter.training.options)
          .map(([name, value]) => `${name} ${value}`)
          .join(', '),
      ],
    ],
  }
}
