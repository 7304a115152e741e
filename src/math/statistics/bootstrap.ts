import { getOrInsert } from '../../maps.js'
import { createRandom } from '../random.js'
import { mean, populationStandardDeviation, quantile } from './moments.js'
import { BOOTSTRAP_SAMPLES, checkDeltas, checkSamples, createWordSource, defaultSamples } from './resampling.js'

/** A mean with its confidence interval. */
export interface Interval {
  readonly mean: number
  readonly low: number
  readonly high: number
}

export interface BootstrapOptions {
  readonly seed: number
  /** Resamples; by default 10,000, fewer for more than 2,000 values (see `BOOTSTRAP_SAMPLES`). */
  readonly samples?: number
  /** Share of the resampled means between `low` and `high`. Default: 0.95. */
  readonly confidence?: number
}

/**
 * Mean of paired differences with its percentile bootstrap interval: the differences are drawn n times with
 * replacement, again and again, and the middle 95 % of the means are the interval.
 * @see Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3
 */
export function pairedBootstrap(delta: ArrayLike<number>, options: BootstrapOptions): Interval {
  return pairedBootstraps([delta], options)[0]
}

/** The same for several metrics of the same queries at once, deltas [metrics][queries], with the same resamples. */
export function pairedBootstraps(deltas: readonly ArrayLike<number>[], options: BootstrapOptions): Interval[] {
  const n = checkDeltas(deltas)
  const { seed, samples = defaultSamples(n, BOOTSTRAP_SAMPLES), confidence = 0.95 } = options
  checkSamples(samples)
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`expected "confidence" to be between 0 and 1, found ${confidence}`)
  if (deltas.length === 0) return []
  if (n === 0) throw new RangeError('expected at least one difference, found none')
  const tail = (1 - confidence) / 2
  return resampledMeans(deltas, samples, seed).map((means, m) => {
    const sorted = means.sort()
    return { mean: mean(deltas[m]), low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) }
  })
}

/** Largest sum of rounded values that counts as zero, and tolerance of equal statistics, relative to the values. */
const ROUNDING = 1e-12

/** One-sided bootstrap p: the share of resampled means that are not above 0. 1 where nothing differs or nothing is given. */
export function bootstrapP(delta: ArrayLike<number>, options: Omit<BootstrapOptions, 'confidence'>): number {
  const { seed, samples = 2000 } = options
  checkSamples(samples)
  if (checkDeltas([delta]) === 0) return 1
  let largest = 0
  for (let i = 0; i < delta.length; i++) largest = Math.max(largest, Math.abs(delta[i]))
  const [means] = resampledMeans([delta], samples, seed)
  return means.filter(value => value <= ROUNDING * largest).length / samples
}

/** [vectors][samples] means of n values drawn with replacement, the same draws for every vector. */
export function resampledMeans(deltas: readonly ArrayLike<number>[], samples: number, seed: number): Float64Array[] {
  if (deltas.length === 0) return []
  const n = deltas[0].length
  const { groupOf, firsts } = groupEqualRows(deltas, seed)
  const values = deltas.map(delta => Float64Array.from(firsts, i => delta[i]))
  const means = deltas.map(() => new Float64Array(samples))
  const counts = new Uint32Array(firsts.length)
  const words = new Uint32Array(n)
  const fill = createWordSource(seed)
  // Scaling instead of rejection: an index is more probable than another by at most n / 2^32.
  const scale = n / 2 ** 32
  for (let s = 0; s < samples; s++) {
    fill(words)
    counts.fill(0)
    for (let i = 0; i < n; i++) counts[groupOf[Math.floor(words[i] * scale)]]++
    for (let m = 0; m < values.length; m++) means[m][s] = weightedSum(counts, values[m]) / n
  }
  return means
}

/**
 * Rows that are equal in every vector form a group, so that a resample is summed over groups: metrics take few values where a query
 * has one relevant document.
 *
 * Rows are told apart by a random combination of their values: equal rows have equal ones, and others by an accident of 2^-50.
 */
function groupEqualRows(deltas: readonly ArrayLike<number>[], seed: number) {
  const n = deltas[0].length
  const random = createRandom(seed)
  const weights = deltas.map(() => random.normal())
  const groups = new Map<number, number>()
  const firsts: number[] = []
  const groupOf = new Uint32Array(n)
  for (let i = 0; i < n; i++) {
    let key = 0
    for (let m = 0; m < deltas.length; m++) key += weights[m] * deltas[m][i]
    groupOf[i] = getOrInsert(groups, key, () => firsts.push(i) - 1)
  }
  return { groupOf, firsts }
}

/** Four sums at a time, which the processor adds in parallel. */
function weightedSum(weights: Uint32Array, values: Float64Array): number {
  const n4 = values.length - (values.length % 4)
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  for (let i = 0; i < n4; i += 4) {
    s0 += weights[i] * values[i]
    s1 += weights[i + 1] * values[i + 1]
    s2 += weights[i + 2] * values[i + 2]
    s3 += weights[i + 3] * values[i + 3]
  }
  for (let i = n4; i < values.length; i++) s0 += weights[i] * values[i]
  return s0 + s1 + s2 + s3
}

/**
 * One-sided bootstrap p of the gain of a candidate that was chosen among several on the same queries:
 *
 *   p = share of resamples with max over k of (mean*_k - mean_k) / s_k >= mean_0 / s_0
 *
 * The best of several candidates gains by chance alone; the maximum over all of them allows for that. p is at least
 * 2^-(differences of the chosen one that are not 0), the chance that so few all come out for the better. 1 where nothing gains.
 * @param level of significance for `provable`
 * @param options by default 2,000 samples
 * @returns p, and the gain of the chosen candidate that is reached by chance in a share `level` of resamples: `provable`, from which
 * it would have been significant; absent if nothing varies, or in too few differences
 * @see White, A reality check for data snooping, 2000; with standard deviations: Hansen, A test for superior predictive ability, 2005
 */
export function realityCheck(
  deltas: readonly ArrayLike<number>[],
  level: number,
  options: Omit<BootstrapOptions, 'confidence'>,
): { readonly p: number; readonly provable?: number } {
  const { seed, samples = 2000 } = options
  checkSamples(samples)
  if (checkDeltas(deltas) === 0) return { p: 1 }
  const changed = Array.from(deltas[0]).filter(value => value !== 0).length
  const gain = mean(deltas[0])
  const deviation = populationStandardDeviation(deltas[0])
  // A candidate whose differences are all the same cannot gain by chance.
  const noisy = deltas.filter(delta => populationStandardDeviation(delta) > ROUNDING * Math.abs(gain))
  const deviations = noisy.map(populationStandardDeviation)
  const statistic = gain / deviation
  const highest = new Float64Array(samples).fill(Number.NEGATIVE_INFINITY)
  resampledMeans(noisy, samples, seed).forEach((means, k) => {
    const center = mean(noisy[k])
    for (let s = 0; s < samples; s++) highest[s] = Math.max(highest[s], (means[s] - center) / deviations[k])
  })
  const reached = highest.filter(value => value >= statistic * (1 - ROUNDING)).length
  const p = gain > 0 ? Math.max(reached, Math.floor(samples * 2 ** -changed)) / samples : 1
  return { p, ...(deviation > 0 && 2 ** -changed < level && { provable: quantile(highest.sort(), 1 - level) * deviation }) }
}
