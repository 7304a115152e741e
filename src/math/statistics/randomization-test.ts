import { checkDeltas, checkSamples, createWordSource, defaultSamples, RANDOMIZATION_SAMPLES } from './resampling.js'

export interface RandomizationOptions {
  readonly seed: number
  /**
   * Random assignments; by default 10,000, fewer for more than 20,000 values (see `RANDOMIZATION_SAMPLES`). Not used
   * where the test is exact.
   */
  readonly samples?: number
}

/** Up to so many differences that are not 0, all 2^16 assignments of signs are gone through instead of a sample. */
const EXACT_UP_TO = 16
/** Tolerance of equality, relative to the sum of absolute differences: the order of summation must not break ties. */
const ROUNDING = 1e-12

/**
 * Two-sided p of Fisher's randomisation test on paired differences: if both systems were alike, every difference could as well have
 * the other sign; p is the share of assignments of signs whose mean is at least as far from 0 as the observed one.
 *
 * Of a sample of assignments p = (1 + count) / (1 + samples): the observed assignment is one of the possible ones too, and without
 * it p could come out as 0, which rejects too often. 1 where nothing differs or nothing is given.
 * @see Smucker, Allan and Carterette, A comparison of statistical significance tests for information retrieval evaluation, 2007
 * @see Phipson and Smyth, Permutation p-values should never be zero, 2010
 */
export function randomizationTest(delta: ArrayLike<number>, options: RandomizationOptions): number {
  return randomizationTests([delta], options)[0]
}

/** The same for several metrics of the same queries at once, deltas [metrics][queries], with the same random signs. */
export function randomizationTests(deltas: readonly ArrayLike<number>[], options: RandomizationOptions): number[] {
  const n = checkDeltas(deltas)
  const { seed, samples = defaultSamples(n, RANDOMIZATION_SAMPLES) } = options
  checkSamples(samples)
  // The sign of a difference of 0 changes nothing.
  const nonzero = deltas.map(delta => Float64Array.from(Array.from(delta).filter(value => value !== 0)))
  const large = deltas.filter((_, m) => nonzero[m].length > EXACT_UP_TO)
  const sampled = sampledTests(large, samples, seed)
  let next = 0
  return nonzero.map(values => {
    if (values.length > EXACT_UP_TO) return sampled[next++]
    const sums = new Float64Array(2 ** values.length)
    subsetSums(values, sums)
    return countExtreme(sums, values) / sums.length
  })
}

function sampledTests(deltas: readonly ArrayLike<number>[], samples: number, seed: number): number[] {
  const n = deltas[0]?.length ?? 0
  const rows = Uint32Array.from({ length: n }, (_, i) => i).filter(i => deltas.some(delta => delta[i] !== 0))
  const values = deltas.map(delta => Float64Array.from(rows, i => delta[i]))
  const sums = deltas.map(() => new Float64Array(samples))
  const fill = createWordSource(seed)
  const words = new Uint32Array(samples)
  const tables = Array.from({ length: 4 }, () => new Float64Array(256))
  // 32 rows at a time: a random word holds their signs in one sample, and each of its bytes picks a sum of 8 rows from a table.
  for (let first = 0; first < rows.length; first += 32) {
    fill(words)
    values.forEach((value, m) => {
      tables.forEach((table, t) => {
        subsetSums(value.subarray(first + 8 * t, first + 8 * t + 8), table)
      })
      addSubsets(sums[m], words, tables)
    })
  }
  return values.map((value, m) => (1 + countExtreme(sums[m], value)) / (1 + samples))
}

/** sums[s] += the sum of the rows whose bit is set in words[s]. */
function addSubsets(sums: Float64Array, words: Uint32Array, [t0, t1, t2, t3]: readonly Float64Array[]): void {
  for (let s = 0; s < sums.length; s++) {
    const w = words[s]
    sums[s] += t0[w & 255] + t1[(w >>> 8) & 255] + t2[(w >>> 16) & 255] + t3[w >>> 24]
  }
}

/** out[mask] = sum of values[j] over the bits j of mask; values beyond the end count as 0. */
function subsetSums(values: Float64Array, out: Float64Array): void {
  out[0] = 0
  for (let j = 0, size = 1; size < out.length; j++, size *= 2) {
    const value = j < values.length ? values[j] : 0
    for (let mask = 0; mask < size; mask++) out[size + mask] = out[mask] + value
  }
}

/**
 * Counts assignments at least as extreme as the observed one.
 * @param sums of the values that keep their sign; the others change it, so that the sum of all is 2 sum - total
 */
function countExtreme(sums: Float64Array, values: Float64Array): number {
  let [total, size] = [0, 0]
  for (const value of values) {
    total += value
    size += Math.abs(value)
  }
  const bound = Math.abs(total) - ROUNDING * size
  let count = 0
  for (const sum of sums) if (Math.abs(2 * sum - total) >= bound) count++
  return count
}
