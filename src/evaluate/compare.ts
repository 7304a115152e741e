import { usageError } from '../errors.js'
import { type Interval, pairedBootstraps } from '../math/statistics/bootstrap.js'
import { randomizationTests } from '../math/statistics/randomization-test.js'
import { BOOTSTRAP_SAMPLES, defaultSamples, RANDOMIZATION_SAMPLES } from '../math/statistics/resampling.js'
import type { Evaluation } from './evaluator.js'

/** Adapted minus base: mean over queries, its bootstrap interval, and the two-sided p of the randomisation test. */
export interface Difference extends Interval {
  readonly p: number
}

/** Differences between adapted and base vectors on the same queries and documents. */
export interface Comparison {
  /** Scored queries. */
  readonly queries: number
  /** By metric spec, such as `ndcg@10`; p is not corrected for the number of metrics. */
  readonly difference: Readonly<Record<string, Difference>>
  /** Metric of wins, ties and losses. */
  readonly metric: string
  readonly wins: number
  readonly ties: number
  readonly losses: number
  /** Share of resampled means inside the intervals. */
  readonly confidence: number
  /** Resamples behind the intervals and behind p, which is exact for 16 changed queries or fewer. */
  readonly samples: { readonly bootstrap: number; readonly randomization: number }
}

/** Options of the resampling. */
export interface CompareOptions {
  /** Metric of wins and losses. Default: `ndcg@10`, or the first metric if that was not measured. */
  readonly metric?: string
  /** Any safe integer. */
  readonly seed: number
  /** Resamples; by default 10,000, fewer for many queries (see `BOOTSTRAP_SAMPLES`, `RANDOMIZATION_SAMPLES`). */
  readonly samples?: number
  /** Default: 0.95. */
  readonly confidence?: number
}

/** Difference of a query below which it is a tie. */
export const TIE = 1e-12

/**
 * Compares two evaluations of one evaluator: percentile intervals of the paired bootstrap over queries, p of the paired
 * randomisation test, wins and losses.
 * @throws USAGE unless both were scored on the same queries by the same metrics, `metric` among them
 */
export function compareRankings(base: Evaluation, adapted: Evaluation, options: CompareOptions): Comparison {
  const { seed, confidence = 0.95 } = options
  const metric = comparedMetric(base, adapted, options.metric)
  const specs = Object.keys(base.perQuery)
  const deltas = specs.map(spec => deltaOf(base, adapted, spec))
  const queries = base.firstRank.length
  const samples = {
    bootstrap: options.samples ?? defaultSamples(queries, BOOTSTRAP_SAMPLES),
    randomization: options.samples ?? defaultSamples(queries, RANDOMIZATION_SAMPLES),
  }
  const intervals = pairedBootstraps(deltas, { seed, samples: samples.bootstrap, confidence })
  const p = randomizationTests(deltas, { seed, samples: samples.randomization })
  const chosen = deltas[specs.indexOf(metric)]
  const wins = chosen.filter(delta => delta >= TIE).length
  const losses = chosen.filter(delta => delta <= -TIE).length
  return {
    queries,
    difference: Object.fromEntries(specs.map((spec, m) => [spec, { ...intervals[m], p: p[m] }])),
    metric,
    wins,
    ties: queries - wins - losses,
    losses,
    confidence,
    samples,
  }
}

/** Returns adapted minus base per query, for a metric of both. */
export function deltaOf(base: Evaluation, adapted: Evaluation, spec: string): Float64Array {
  return adapted.perQuery[spec].map((value, i) => value - base.perQuery[spec][i])
}

/** Checks that two evaluations can be compared query by query. Returns the metric to compare by. */
export function comparedMetric(base: Evaluation, adapted: Evaluation, metric?: string): string {
  const [specs, others] = [base, adapted].map(evaluation => Object.keys(evaluation.perQuery))
  const [queries, otherQueries] = [base, adapted].map(evaluation => evaluation.firstRank.length)
  if (specs.join() !== others.join() || queries !== otherQueries) {
    throw usageError(
      `cannot compare ${specs.join(', ')} of ${queries} queries with ${others.join(', ')} of ${otherQueries}: ` +
        'evaluate both with one evaluator',
    )
  }
  const chosen = metric ?? (specs.includes('ndcg@10') ? 'ndcg@10' : specs[0])
  if (specs.includes(chosen)) return chosen
  throw usageError(
    chosen === undefined
      ? 'nothing to compare: no metric was measured'
      : `expected a metric that was measured, one of ${specs.join(', ')}; found "${chosen}"`,
  )
}
