import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/math/random.js'
import { realityCheck } from '../../src/math/statistics/bootstrap.js'

const realityCheckP = (deltas: readonly ArrayLike<number>[], options: { readonly seed: number; readonly samples?: number }) =>
  realityCheck(deltas, 0.05, options).p

const normals = (n: number, seed: number, shift = 0) => {
  const random = createRandom(seed)
  return Array.from({ length: n }, () => random.normal() + shift)
}

describe('realityCheckP', () => {
  test('of one candidate is the share of resamples that leave the mean by the gain or more', () => {
    // Draws of three of -1, 1, 3, less their mean of 1: the sum is at least 3 above in 7 of 27.
    const delta = [-1, 1, 3]
    const draws = delta.flatMap(a => delta.flatMap(b => delta.map(c => (a + b + c) / 3 - 1)))
    const share = draws.filter(mean => mean >= 1 - 1e-9).length / 27
    expect(realityCheckP([delta], { seed: 1, samples: 100_000 })).toBeCloseTo(Math.max(share, 1 / 8), 2)
  })

  test('grows with the candidates that were tried, and hardly with copies of the same one', () => {
    const chosen = normals(60, 1, 0.25)
    const others = Array.from({ length: 8 }, (_, i) => normals(60, 10 + i))
    const alone = realityCheckP([chosen], { seed: 1 })
    expect(alone).toBeLessThan(0.1)
    expect(realityCheckP([chosen, ...others], { seed: 1 })).toBeGreaterThan(2 * alone)
    expect(realityCheckP([chosen, chosen, chosen], { seed: 1 })).toBe(alone)
  })

  test('the best of several candidates without any effect is rarely called proven', () => {
    let proven = 0
    for (let trial = 0; trial < 100; trial++) {
      const deltas = Array.from({ length: 8 }, (_, k) => normals(40, 1000 + 10 * trial + k))
      const mean = (delta: readonly number[]) => delta.reduce((a, b) => a + b, 0)
      deltas.sort((a, b) => mean(b) - mean(a))
      if (realityCheckP(deltas, { seed: trial, samples: 400 }) < 0.05) proven++
    }
    // 5 are expected; 12 or more have a probability of 0.4 %.
    expect(proven).toBeLessThan(12)
  })

  test('finds a clear gain among many candidates', () => {
    const deltas = [normals(100, 1, 0.6), ...Array.from({ length: 8 }, (_, k) => normals(100, 5 + k))]
    expect(realityCheckP(deltas, { seed: 1 })).toBeLessThan(0.005)
  })

  test('so few changes that all of them gain by accident prove nothing', () => {
    const gains = (count: number) => Array.from({ length: 200 }, (_, i) => (i < count ? 1 : 0))
    expect(realityCheckP([gains(1)], { seed: 1 })).toBeGreaterThanOrEqual(1 / 2)
    expect(realityCheckP([gains(4)], { seed: 1 })).toBeGreaterThanOrEqual(1 / 16)
    expect(realityCheckP([[0.1, 0.1]], { seed: 1 })).toBe(1 / 4)
    expect(realityCheckP([gains(20)], { seed: 1 })).toBeLessThan(0.001)
  })

  test('is 1 where nothing was measured, nothing changed or the chosen one loses', () => {
    expect(realityCheckP([], { seed: 1 })).toBe(1)
    expect(realityCheckP([[], []], { seed: 1 })).toBe(1)
    expect(
      realityCheckP(
        [
          [0, 0, 0],
          [1, 2, 3],
        ],
        { seed: 1 },
      ),
    ).toBe(1)
    expect(realityCheckP([[-1, -1, 1]], { seed: 1 })).toBe(1)
  })

  test('a candidate without noise changes nothing, and equal seeds give equal values', () => {
    const delta = normals(30, 3, 0.3)
    expect(realityCheckP([delta, Array(30).fill(0.2)], { seed: 7 })).toBe(realityCheckP([delta], { seed: 7 }))
    expect(realityCheckP([delta], { seed: 7 })).not.toBe(realityCheckP([delta], { seed: 8 }))
  })

  test('refuses what is not a number, and lists of different lengths', () => {
    expect(() => realityCheckP([[1, Number.NaN]], { seed: 1 })).toThrow(RangeError)
    expect(() => realityCheckP([[1, 2], [1]], { seed: 1 })).toThrow(RangeError)
  })
})
