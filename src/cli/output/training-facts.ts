import type { Adapter } from '../../adapters/adapter.js'
import type { EmbeddedTrainingReport } from '../../pipeline/embedded-training-report.js'
import type { TrainingReport } from '../../pipeline/run-training.js'
import type { ReportFacts } from './write-report.js'

/** What a training run or a sweep found. */
type Trained = EmbeddedTrainingReport &
  Partial<Pick<TrainingReport, 'cache'>> & { readonly seconds: Partial<TrainingReport['seconds']> }

/** What a report says of a training run. */
export function trainingFacts(adapter: Adapter, report: Trained, path: string, metric: string): ReportFacts {
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
      ...(cache
        ? [
            [
              'embedded',
              `${cache.misses} texts in ${cache.requests} requests, ${cache.tokens} tokens; ${cache.hits} from the cache`,
            ] as const,
          ]
        : []),
      ['seconds', secondsText(seconds)],
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

function secondsText({ embed, tune, train, total }: Trained['seconds']): string {
  const parts = { embedding: embed, tuning: tune, training: train, total }
  return Object.entries(parts)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]))
    .join(', ')
}
