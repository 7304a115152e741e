import { AdapterTrainError } from '../../errors.js'
import { hit } from './hit.js'
import { map } from './map.js'
import type { Metric } from './metric.js'
import { mrr } from './mrr.js'
import { ndcg } from './ndcg.js'
import { precision } from './precision.js'
import { recall } from './recall.js'

/** Every metric. A new metric is one file and one entry here. */
const METRICS = {
  hit,
  mrr,
  ndcg,
  recall,
  precision,
  map,
} satisfies Record<string, Metric>

export const METRIC_NAMES = Object.keys(METRICS)

/** What `evaluate` reports. */
export const DEFAULT_METRICS: readonly string[] = [
  'hit@1',
  'hit@3',
  'hit@5',
  'hit@10',
  'mrr@10',
  'ndcg@10',
  'recall@10',
  'precision@10',
  'map@100',
]

export interface MetricSpec {
  /** As given, such as `ndcg@10`. */
  readonly spec: string
  readonly metric: Metric
  readonly k: number
}

/**
 * Reads `name@k`.
 * @throws USAGE when it is not a known metric with a positive cut-off
 */
export function parseMetric(spec: string): MetricSpec {
  const [name, cut, ...rest] = spec.split('@')
  const k = Number(cut)
  if (!Object.hasOwn(METRICS, name) || rest.length > 0 || !/^[1-9]\d*$/.test(cut ?? '') || !Number.isSafeInteger(k)) {
    throw new AdapterTrainError(
      'USAGE',
      `"${spec}" is not a metric; expected name@k, such as ndcg@10, with one of ${METRIC_NAMES.join(', ')}`,
    )
  }
  return { spec, metric: METRICS[name as keyof typeof METRICS], k }
}
