import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/math/random.js'
import { bootstrapP, pairedBootstrap, pairedBootstraps } from '../../src/math/statistics/bootstrap.js'
import {
  holm,
  mean,
  populationStandardDeviation,
  quantile,
  sampleStandardDeviation,
  standardError,
} from '../../src/math/statistics/moments.js'
import { randomizationTest, randomizationTests } from '../../src/math/statistics/randomization-test.js'
import {
  BOOTSTRAP_SAMPLES,
  createWordSource,
  defaultSamples,
  RANDOMIZATION_SAMPLES,
} from '../../src/math/statistics/resampling.js'
import { rounds } from '../helpers/rounds.js'

interface Delta {
  readonly name: string
  readonly delta: number[]
  readonly p: number
}

/** Made by statistics.py with NumPy and SciPy. */
const reference = JSON.parse(readFileSync(new URL('../fixtures/statistics.json', import.meta.url), 'utf8')) as {
  moments: { values: number[]; mean: number; population: number; sample: number | null; standardError: number | null }[]
  shares: number[]
  quantiles: { values: number[]; expected: number[] }[]
  bootstrap: (Delta & { mean: number; low: number; high: number; standardError: number })[]
  exact: Delta[]
  sampled: Delta[]
}

/** Values around a mean, such as a metric's differences. */
function normals(n: number, center: number, seed: number): Float64Array {
  const random = createRandom(seed)
  return Float64Array.from({ length: n }, () => center + random.normal())
}

/** Relative to the size of the values, as NumPy sums in another order. */
const near = (actual: number, expected: number, size = Math.abs(expected)) =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-13 * size)

describe('moments', () => {
  test.each(reference.moments)('are NumPy’s (case %#)', ({ values, ...expected }) => {
    const size = Math.max(...values.map(Math.abs))
    near(mean(values), expected.mean, size)
    near(populationStandardDeviation(values), expected.population, size)
    if (expected.sample === null) expect(sampleStandardDeviation(values)).toBeNaN()
    else near(sampleStandardDeviation(values), expected.sample, size)
    if (expected.standardError === null) expect(standardError(values)).toBeNaN()
    else near(standardError(values), expected.standardError, size)
  })

  test('tell the spread of these values from that of where they were drawn from', () => {
    // Squared deviations of 2, 4, 4, 4, 5, 5, 7, 9 from 5 add up to 32.
    const values = [2, 4, 4, 4, 5, 5, 7, 9]
    expect(populationStandardDeviation(values)).toBe(2)
    expect(sampleStandardDeviation(values)).toBe(Math.sqrt(32 / 7))
    expect(standardError(values)).toBe(Math.sqrt(32 / 7) / Math.sqrt(8))
  })

  test('of nothing are not a number', () => {
    for (const moment of [mean, populationStandardDeviation, sampleStandardDeviation, standardError]) {
      expect(moment([])).toBeNaN()
    }
  })
})

describe('quantile', () => {
  test.each(reference.quantiles)('is NumPy’s, to the bit (case %#)', ({ values, expected }) => {
    expect(reference.shares.map(q => quantile(values, q))).toEqual(expected)
  })

  test('refuses no values and shares that are none', () => {
    expect(() => quantile([], 0.5)).toThrow('at least one value')
    for (const q of [-0.1, 1.1, Number.NaN]) expect(() => quantile([1], q)).toThrow(RangeError)
  })
})

describe('pairedBootstrap', () => {
  const samples = 20_000
  test.each(reference.bootstrap)('gives SciPy’s percentile interval of $name', ({ delta, ...expected }) => {
    const interval = pairedBootstrap(delta, { seed: 1, samples })
    near(interval.mean, expected.mean, 1)
    // Standard deviation of a 2.5 % quantile of so many draws: sqrt(q (1 - q) / samples) / density; SciPy's are 100,000.
    const error = Math.sqrt(0.025 * 0.975 * (1 / samples + 1 / 100_000)) / 0.0584
    expect(Math.abs(interval.low - expected.low)).toBeLessThan(4 * error * expected.standardError)
    expect(Math.abs(interval.high - expected.high)).toBeLessThan(4 * error * expected.standardError)
  })

  test('is a point where nothing varies', () => {
    expect(pairedBootstrap([0, 0, 0], { seed: 1 })).toEqual({ mean: 0, low: 0, high: 0 })
    expect(pairedBootstrap([0.5], { seed: 1 })).toEqual({ mean: 0.5, low: 0.5, high: 0.5 })
  })

  test('draws every value equally often, with replacement', () => {
    // Of two values, both, the first twice and the second twice come up in 1/2, 1/4 and 1/4 of the resamples.
    const shareBelow = (q: number) => pairedBootstrap([0, 1], { seed: 3, confidence: 1 - 2 * q, samples: 40_000 }).low
    expect([0.01, 0.24, 0.26, 0.49].map(shareBelow)).toEqual([0, 0, 0.5, 0.5])
    expect(pairedBootstrap([0, 1], { seed: 3, confidence: 0.49, samples: 40_000 })).toMatchObject({
      low: 0.5,
      high: 0.5,
    })
    expect(pairedBootstrap([0, 1], { seed: 3, confidence: 0.51, samples: 40_000 })).toMatchObject({ low: 0, high: 1 })
  })

  test('is wider at a higher confidence and narrower with more values', () => {
    const width = (n: number, confidence?: number) => {
      const { low, high } = pairedBootstrap(normals(n, 0, 5), { seed: 1, confidence })
      return high - low
    }
    expect(width(100, 0.99)).toBeGreaterThan(1.2 * width(100))
    expect(width(100, 0.8)).toBeLessThan(0.75 * width(100))
    expect(width(6400) / width(100)).toBeCloseTo(1 / 8, 1)
  })

  test('covers the true mean in about 95 of 100 data sets', () => {
    const sets = rounds(300)
    let covered = 0
    for (let seed = 0; seed < sets; seed++) {
      const { low, high } = pairedBootstrap(normals(60, 0.2, 1000 + seed), { seed, samples: 500 })
      if (low <= 0.2 && 0.2 <= high) covered++
    }
    expect(covered / sets).toBeGreaterThan(0.9)
    expect(covered / sets).toBeLessThan(0.985)
  })

  test('gives several metrics the same resamples, each as if it stood alone', () => {
    const deltas = [normals(50, 0.1, 1), normals(50, -0.2, 2), new Float64Array(50), [...normals(50, 0, 3)]]
    const together = pairedBootstraps(deltas, { seed: 7, samples: 300 })
    deltas.forEach((delta, m) => {
      const alone = pairedBootstrap(delta, { seed: 7, samples: 300 })
      for (const end of ['mean', 'low', 'high'] as const) expect(together[m][end]).toBeCloseTo(alone[end], 12)
    })
    const [one, twice] = pairedBootstraps([deltas[0], deltas[0].map(x => 2 * x)], { seed: 7, samples: 300 })
    expect(twice.low).toBeCloseTo(2 * one.low, 12)
  })

  test('gives the same for the same seed, and something else for another', () => {
    const delta = normals(40, 0, 1)
    expect(pairedBootstrap(delta, { seed: 1 })).toEqual(pairedBootstrap(delta, { seed: 1 }))
    expect(pairedBootstrap(delta, { seed: 2 })).not.toEqual(pairedBootstrap(delta, { seed: 1 }))
  })

  test.each([
    ['nothing', [], {}, 'at least one difference'],
    ['a value that is not a number', [0.1, Number.NaN], {}, 'found NaN at index 1'],
    ['an infinite value', [Number.POSITIVE_INFINITY], {}, 'found Infinity at index 0'],
    ['no samples', [0.1], { samples: 0 }, '"samples"'],
    ['a fraction of a sample', [0.1], { samples: 1.5 }, '"samples"'],
    ['a confidence of 95', [0.1], { confidence: 95 }, '"confidence"'],
  ])('refuses %s', (_, delta, options, message) => {
    expect(() => pairedBootstrap(delta, { seed: 1, ...options })).toThrow(message)
  })

  test('refuses metrics of different queries', () => {
    expect(() => pairedBootstraps([[1, 2], [1]], { seed: 1 })).toThrow('2 and 1 values')
    expect(pairedBootstraps([], { seed: 1 })).toEqual([])
  })
})

describe('bootstrapP', () => {
  test.each(reference.bootstrap)('is NumPy’s share of resampled means not above 0, of $name', ({ delta, p }) => {
    const samples = 20_000
    const error = Math.sqrt(p * (1 - p) * (1 / samples + 1 / 100_000))
    expect(Math.abs(bootstrapP(delta, { seed: 1, samples }) - p)).toBeLessThan(4 * error)
  })

  test('is 1 where nothing was measured or nothing changed, so that a gate stays shut', () => {
    expect(bootstrapP([], { seed: 1 })).toBe(1)
    expect(bootstrapP([0, 0, 0], { seed: 1 })).toBe(1)
  })

  test('is 0 where all gain and 1 where all lose', () => {
    expect(bootstrapP([0.1, 0.2, 0.1], { seed: 1 })).toBe(0)
    expect(bootstrapP([-0.1, -0.2, -0.1], { seed: 1 })).toBe(1)
  })

  test('counts a mean of 0 as no gain, however it is rounded', () => {
    // 0.1 and 0.2 against -0.3 do not cancel in binary; a resample of these three is 0 or not above with probability 17/27.
    const p = bootstrapP([0.1, 0.2, -0.3], { seed: 1, samples: 100_000 })
    const draws = [0.1, 0.2, -0.3].flatMap(a => [0.1, 0.2, -0.3].flatMap(b => [0.1, 0.2, -0.3].map(c => a + b + c)))
    expect(p).toBeCloseTo(draws.filter(sum => sum < 1e-9).length / 27, 2)
  })

  test('refuses what is not a number instead of calling it significant', () => {
    expect(() => bootstrapP([0.1, Number.NaN], { seed: 1 })).toThrow(RangeError)
  })
})

describe('randomizationTest', () => {
  test.each(reference.exact)('is exactly SciPy’s for $name', ({ delta, p }) => {
    expect(randomizationTest(delta, { seed: 1 })).toBe(p)
    // Queries without a difference change nothing, and neither does the seed.
    expect(randomizationTest([...delta, ...new Array(50).fill(0)], { seed: 2, samples: 10 })).toBe(p)
  })

  test.each(reference.sampled)('samples close to SciPy’s exact p for $name', ({ delta, p }) => {
    const samples = 100_000
    const sampled = randomizationTest(delta, { seed: 1, samples })
    expect(Math.abs(sampled - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / samples) + 2 / samples)
    expect(Number.isInteger(Math.round(sampled * (samples + 1) * 1e6) / 1e6)).toBe(true)
  })

  test('is the share of assignments as extreme as the observed one', () => {
    // Means of +-1 +-2 +-4 are all different: only 7 and -7 are as far from 0 as 7; 5, 7 and their opposites as far as 5.
    expect(randomizationTest([1, 2, 4], { seed: 1 })).toBe(2 / 8)
    expect(randomizationTest([-1, 2, 4], { seed: 1 })).toBe(4 / 8)
    expect(randomizationTest([4], { seed: 1 })).toBe(1)
  })

  test('is 1 where nothing was measured or nothing changed', () => {
    expect(randomizationTest([], { seed: 1 })).toBe(1)
    expect(randomizationTest(new Float64Array(100), { seed: 1 })).toBe(1)
    expect(randomizationTests([], { seed: 1 })).toEqual([])
  })

  test('is never 0: the smallest is one assignment, the observed one, of those looked at', () => {
    expect(randomizationTest(new Float64Array(200).fill(0.1), { seed: 1, samples: 999 })).toBe(1 / 1000)
  })

  test('takes means that differ by rounding alone for equal', () => {
    // Gains and losses of one size cancel: every assignment is at least as extreme.
    const delta = Array.from({ length: 40 }, (_, i) => (i % 2 ? 0.1 : -0.1))
    expect(randomizationTest(delta, { seed: 1 })).toBe(1)
  })

  test('is uniform where there is no difference, and small where there is one', () => {
    const p = (center: number) =>
      Array.from({ length: 400 }, (_, s) => randomizationTest(normals(45, center, s), { seed: s, samples: 400 }))
    const none = p(0)
    for (const level of [0.05, 0.2, 0.5, 0.8]) {
      const share = none.filter(value => value <= level).length / none.length
      expect(Math.abs(share - level)).toBeLessThan(4 * Math.sqrt((level * (1 - level)) / none.length))
    }
    expect(p(0.7).filter(value => value <= 0.05).length).toBeGreaterThan(360)
  })

  test('is the same for a gain and a loss, and for any unit', () => {
    const delta = normals(30, 0.3, 1)
    const options = { seed: 1, samples: 5000 }
    const p = randomizationTest(delta, options)
    expect(p).toBeLessThan(0.5)
    expect(
      randomizationTest(
        delta.map(x => -x),
        options,
      ),
    ).toBe(p)
    expect(
      randomizationTest(
        delta.map(x => x * 1024),
        options,
      ),
    ).toBe(p)
  })

  test('tests several metrics at once, with few changes and with many', () => {
    const many = normals(70, 0.3, 1)
    const few = new Float64Array(70)
    few.set([1, 2, 4], 31)
    const options = { seed: 1, samples: 5000 }
    const [p, exact, same, none] = randomizationTests([many, few, many, new Float64Array(70)], options)
    expect(exact).toBe(1 / 4)
    expect(none).toBe(1)
    expect(same).toBe(p)
    expect(randomizationTest(many, options)).toBe(p)
  })

  test('refuses values that are not finite, and metrics of different queries', () => {
    expect(() => randomizationTest([1, Number.NaN], { seed: 1 })).toThrow('found NaN at index 1')
    expect(() => randomizationTests([[1, 2], [1]], { seed: 1 })).toThrow('2 and 1 values')
    expect(() => randomizationTest([1], { seed: 1, samples: -1 })).toThrow('"samples"')
  })
})

describe('holm', () => {
  test('multiplies the smallest by the number of tests, the next by one less, and never falls below the one before', () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005])
    ;[0.03, 0.06, 0.06, 0.02].forEach((expected, i) => {
      expect(adjusted[i]).toBeCloseTo(expected, 15)
    })
  })

  test('stays at most 1, leaves one test alone and keeps equal values equal', () => {
    expect(holm([0.5, 0.9, 0.6])).toEqual([1, 1, 1])
    expect(holm([0.03])).toEqual([0.03])
    expect(holm([0.25, 0.25])).toEqual([0.5, 0.5])
    expect(holm([])).toEqual([])
  })

  test('refuses what is not a p-value', () => {
    for (const p of [Number.NaN, -0.1, 1.1]) expect(() => holm([0.1, p])).toThrow(`found ${p}`)
  })
})

describe('createWordSource', () => {
  test('goes on where the last buffer ended, and differs by seed', () => {
    const [whole, first, second, other] = [new Uint32Array(6), new Uint32Array(2), new Uint32Array(4), new Uint32Array(6)]
    createWordSource(9)(whole)
    const fill = createWordSource(9)
    fill(first)
    fill(second)
    expect([...first, ...second]).toEqual([...whole])
    createWordSource(10)(other)
    expect(new Set([...whole, ...other]).size).toBe(12)
  })

  test('sets every bit in half of the words, and every byte takes each value equally often', () => {
    const words = new Uint32Array(65_536)
    createWordSource(1)(words)
    for (let bit = 0; bit < 32; bit++) {
      const set = words.filter(word => (word >>> bit) & 1).length
      expect(Math.abs(set - 32_768)).toBeLessThan(5 * 128)
    }
    for (const shift of [0, 8, 16, 24]) {
      const counts = new Float64Array(256)
      for (const word of words) counts[(word >>> shift) & 255]++
      // Chi-square with 255 degrees of freedom has mean 255 and deviation 22.6.
      const chiSquare = counts.reduce((sum, count) => sum + (count - 256) ** 2 / 256, 0)
      expect(Math.abs(chiSquare - 255)).toBeLessThan(5 * 22.6)
    }
  })
})

test('the default number of resamples falls with the number of values, within bounds', () => {
  const bootstrap = [0, 1, 2000, 10_000, 40_000, 1e7].map(n => defaultSamples(n, BOOTSTRAP_SAMPLES))
  expect(bootstrap).toEqual([10_000, 10_000, 10_000, 2000, 500, 500])
  const randomization = [1, 20_000, 100_000, 200_000, 1e7].map(n => defaultSamples(n, RANDOMIZATION_SAMPLES))
  expect(randomization).toEqual([10_000, 10_000, 2000, 1000, 1000])
})
