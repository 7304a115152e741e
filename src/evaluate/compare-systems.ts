import { usageError } from '../errors.js'
import { type Interval, pairedBootstraps } from '../math/statistics/bootstrap.js'
import { holm, SIGNIFICANCE } from '../math/statistics/moments.js'
import { randomizationTest } from '../math/statistics/randomization-test.js'
import { BOOTSTRAP_SAMPLES, defaultSamples, RANDOMIZATION_SAMPLES } from '../math/statistics/resampling.js'
import { type Comparison, comparedMetric, type Difference, deltaOf } from './compare.js'
import type { Evaluation } from './evaluator.js'

/** Random assignments per pair, so that Holm's correction leaves the smallest possible p at 1 / 200 or below. */
const SAMPLES_PER_PAIR = 200

/** Retrieval system with its scores on queries that all systems share. */
export type System = { readonly name: string; readonly evaluation: Evaluation }

/** Difference of two systems: first minus second on the main metric. */
export interface PairDifference extends Difference {
  /** The better one, or the earlier if their means are equal. */
  readonly first: string
  readonly second: string
  /** p after Holm's correction for the number of pairs. */
  readonly holm: number
}

export interface SystemsComparison {
  readonly metric: string
  readonly queries: number
  /** Names by the mean of the metric, best first; equals in the order given. */
  readonly order: readonly string[]
  /** Systems without a significant difference to the best: Holm's p is 0.05 or more. */
  readonly tied: readonly string[]
  /** system -> metric -> mean over queries with its 95% CI */
  readonly scores: Readonly<Record<string, Readonly<Record<string, Interval>>>>
  /** Every pair once, in the order of the systems. */
  readonly pairs: readonly PairDifference[]
  readonly samples: Comparison['samples']
}

/**
 * Compares systems on the same queries: the mean of every metric with the percentile interval of the bootstrap over queries, and
 * every pair on the main metric by a paired randomisation test, with Holm's correction for all pairs. Up to 10 systems the p of a
 * pair before correction does not depend on the others; for more, more signs are drawn.
 * @param options.metric default `ndcg@10`, or the first metric if that was not measured
 */
export function compareSystems(
  systems: readonly System[],
  options: { readonly seed: number; readonly metric?: string },
): SystemsComparison {
  if (systems.length === 0) throw usageError('nothing to compare: no system was given')
  const { seed } = options
  const [{ evaluation: one }] = systems
  const metric = comparedMetric(one, one, options.metric)
  for (const { evaluation } of systems) comparedMetric(one, evaluation, metric)
  const queries = one.firstRank.length
  const ordered = [...systems].sort((a, b) => b.evaluation.mean[metric] - a.evaluation.mean[metric])
  const duels = ordered.flatMap((first, i) =>
    ordered.slice(i + 1).map(second => {
      return { first: first.name, second: second.name, delta: deltaOf(second.evaluation, first.evaluation, metric) }
    }),
  )
  const samples = {
    bootstrap: defaultSamples(queries, BOOTSTRAP_SAMPLES),
    randomization: Math.max(defaultSamples(queries, RANDOMIZATION_SAMPLES), SAMPLES_PER_PAIR * duels.length),
  }
  const deltas = duels.map(({ delta }) => delta)
  const intervals = pairedBootstraps(deltas, { seed, samples: samples.bootstrap })
  const tested = duels.map(({ first, second, delta }, i) => {
    return { first, second, ...intervals[i], p: randomizationTest(delta, { seed, samples: samples.randomization }) }
  })
  const adjusted = holm(tested.map(({ p }) => p))
  const pairs = tested.map((pair, i) => ({ ...pair, holm: adjusted[i] }))
  const best = ordered[0].name
  const intervalsOf = ({ perQuery }: Evaluation) => {
    const found = pairedBootstraps(Object.values(perQuery), { seed, samples: samples.bootstrap })
    return Object.fromEntries(Object.keys(perQuery).map((spec, m) => [spec, found[m]]))
  }
  return {
    metric,
    queries,
    samples,
    pairs,
    order: ordered.map(({ name }) => name),
    tied: pairs.filter(pair => pair.first === best && pair.holm >= SIGNIFICANCE).map(({ second }) => second),
    scores: Object.fromEntries(ordered.map(({ name, evaluation }) => [name, intervalsOf(evaluation)])),
  }
}
