import { resampledMeans } from './bootstrap.js'
import { mean, populationStandardDeviation } from './moments.js'
import { checkDeltas, checkSamples } from './resampling.js'

export interface RealityCheckOptions {
  /** Any safe integer. */
  readonly seed: number
  /** Default: 2,000. */
  readonly samples?: number
}

/** What counts as equal, relative to the statistic: sums of rounded values. */
const ROUNDING = 1e-12

/**
 * One-sided bootstrap p of the gain of a candidate that was chosen among several on the same queries:
 *
 *   p = share of resamples with max over k of (mean*_k - mean_k) / s_k >= mean_0 / s_0
 *
 * The best of several candidates gains by chance alone; the maximum over all of them allows for that. p is at least
 * 2^-(differences of the chosen one that are not 0), the chance that so few all come out for the better. 1 where nothing gains.
 *
 * @param deltas [candidates][queries] candidate minus base, the chosen candidate first
 * @see White, A reality check for data snooping, 2000; with standard deviations: Hansen, A test for superior predictive ability, 2005
 */
export function realityCheckP(deltas: readonly ArrayLike<number>[], options: RealityCheckOptions): number {
  const { seed, samples = 2000 } = options
  checkSamples(samples)
  if (checkDeltas(deltas) === 0) return 1
  const changed = Array.from(deltas[0]).filter(value => value !== 0).length
  const gain = mean(deltas[0])
  if (!(gain > 0)) return 1
  // A candidate whose differences are all the same cannot gain by chance.
  const noisy = deltas.filter(delta => populationStandardDeviation(delta) > ROUNDING * gain)
  const deviations = noisy.map(populationStandardDeviation)
  const statistic = gain / populationStandardDeviation(deltas[0])
  const highest = new Float64Array(samples).fill(Number.NEGATIVE_INFINITY)
  resampledMeans(noisy, samples, seed).forEach((means, k) => {
    const center = mean(noisy[k])
    for (let s = 0; s < samples; s++) highest[s] = Math.max(highest[s], (means[s] - center) / deviations[k])
  })
  const reached = highest.filter(value => value >= statistic * (1 - ROUNDING)).length
  return Math.max(reached, Math.floor(samples * 2 ** -changed)) / samples
}
