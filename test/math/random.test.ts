import { describe, expect, test } from 'vitest'
import { createRandom, permutation, type Random, shuffle } from '../../src/math/random.js'

const take = <T>(n: number, draw: () => T): T[] => Array.from({ length: n }, draw)
const bits = (random: Random) => () => random.next() * 2 ** 32

describe('createRandom', () => {
  test.each([
    // Worked out by a second implementation, in Python, of splitmix32 and xoshiro128**.
    [42, [660444221, 3652823732, 77672526, 910233633, 2297337756, 3786072677]],
    [0, [1789933344, 44971166, 2521387044]],
    [7, [210494603, 711084892, 3993689120]],
  ])('gives the sequence of xoshiro128** for seed %d', (seed, expected) => {
    expect(take(expected.length, bits(createRandom(seed)))).toEqual(expected)
  })

  test('uses all bits of a seed above 32 bits', () => {
    const first = [1, 2 ** 32 + 1, 2 ** 33 + 1, Number.MAX_SAFE_INTEGER].map(seed => createRandom(seed).next())
    expect(new Set(first).size).toBe(4)
  })

  test('next is at least 0 and below 1, with the mean and variance of a uniform number', () => {
    const random = createRandom(1)
    const x = take(20000, () => random.next())
    expect(x.every(value => value >= 0 && value < 1)).toBe(true)
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length
    // Standard errors: 0.002 and 0.0005.
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(0.008)
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002)
  })

  test('int gives every integer below n equally often', () => {
    const random = createRandom(2)
    const counts = new Array<number>(6).fill(0)
    for (let i = 0; i < 12000; i++) counts[random.int(6)]++
    // Chi-squared with 5 degrees of freedom exceeds 20.5 once in a thousand.
    expect(counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0)).toBeLessThan(20.5)
    expect(random.int(1)).toBe(0)
  })

  test('int does not favour small values where n is no divisor of 2^32', () => {
    // Taking 32 bits modulo 3 * 2^30 would give the lower third half of the time.
    const random = createRandom(3)
    const low = take(3000, () => random.int(3 * 2 ** 30)).filter(value => value < 2 ** 30).length
    expect(Math.abs(low / 3000 - 1 / 3)).toBeLessThan(0.04)
  })

  test('normal has mean 0, variance 1 and the tails of a normal number', () => {
    const random = createRandom(4)
    const x = take(20000, () => random.normal())
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length
    // Standard errors: 0.007, 0.01 and 0.0015; 4.55 % lie beyond two standard deviations.
    expect(Math.abs(mean)).toBeLessThan(0.03)
    expect(Math.abs(variance - 1)).toBeLessThan(0.04)
    expect(Math.abs(x.filter(value => Math.abs(value) > 2).length / x.length - 0.0455)).toBeLessThan(0.006)
    expect(x.every(Number.isFinite)).toBe(true)
  })
})

describe('shuffle and permutation', () => {
  test('keep every item once, in an order that follows from the seed', () => {
    const order = permutation(100, createRandom(5))
    expect([...order].sort((a, b) => a - b)).toEqual(take(100, () => 0).map((_, i) => i))
    expect(permutation(100, createRandom(5))).toEqual(order)
    expect(permutation(100, createRandom(6))).not.toEqual(order)
    expect(permutation(0, createRandom(5))).toHaveLength(0)
  })

  test('every order of three items is equally likely', () => {
    const random = createRandom(7)
    const counts = new Map<string, number>()
    for (let i = 0; i < 6000; i++) {
      const order = shuffle(['a', 'b', 'c'], random).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(6)
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120)
  })

  test('shuffle works in place and returns its argument', () => {
    const items = [1, 2, 3]
    expect(shuffle(items, createRandom(8))).toBe(items)
  })
})
