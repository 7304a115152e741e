import { describe, expect, test } from 'vitest'
import { FUSIONS, fuse, retrieved } from '../../src/evaluate/fusion.js'

const found = (...scores: number[]) => [Float32Array.from(scores), retrieved(Float32Array.from(scores), 3)] as const
const numbers = (values: Float32Array) => [...values].map(value => Number(value.toFixed(6)))

describe('fusion', () => {
  test('retrieves the best documents, the earlier one of equals, and none without a score', () => {
    expect(retrieved(Float32Array.of(0.2, 0, 0.5, 0.2), 3)).toEqual([2, 0, 3])
    expect(retrieved(Float32Array.of(0.2, 0, 0.5, 0.2), 1)).toEqual([2])
  })

  test('relative: scales what was retrieved to 0 to 1, and leaves the rest at 0', () => {
    expect(numbers(FUSIONS.relative.prepare(...found(4, 1, 2, 3)))).toEqual([1, 0, 0, 0.5])
    expect(numbers(FUSIONS.relative.prepare(...found(0, 3, 0)))).toEqual([0, 1, 0])
    expect(numbers(FUSIONS.relative.prepare(...found(0, 0)))).toEqual([0, 0])
  })

  test('ranks: 1 / (60 + rank)', () => {
    expect(numbers(FUSIONS.ranks.prepare(...found(4, 9, 0)))).toEqual([
      Number((1 / 62).toFixed(6)),
      Number((1 / 61).toFixed(6)),
      0,
    ])
  })

  test('weighs both searches, or adds the search by words', () => {
    const [v, w] = [Float32Array.of(1, 0), Float32Array.of(0, 1)]
    expect(numbers(fuse(FUSIONS.relative, v, w, 0.25))).toEqual([0.75, 0.25])
    expect(numbers(fuse(FUSIONS.raw, v, w, 0.2))).toEqual([1, 0.2])
  })
})
