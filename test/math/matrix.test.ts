import { describe, expect, test } from 'vitest'
import {
  dot,
  firstNonFinite,
  fromRows,
  identity,
  matrix,
  norm,
  normalizedRows,
  normalizeInPlace,
  row,
  takeRows,
} from '../../src/math/matrix.js'

describe('matrix', () => {
  test('is zero, or lies over the given values without copying them', () => {
    expect(matrix(2, 3)).toEqual({ rows: 2, cols: 3, data: new Float32Array(6) })
    const data = Float32Array.of(1, 2)
    expect(matrix(1, 2, data).data).toBe(data)
  })

  test('refuses values that do not fill its shape', () => {
    expect(() => matrix(2, 3, new Float32Array(5))).toThrow('matrix 2 x 3 needs 6 values, found 5')
  })

  test('row is a view: writing to it writes to the matrix', () => {
    const m = fromRows([
      [1, 2],
      [3, 4],
    ])
    row(m, 1)[0] = 9
    expect([...m.data]).toEqual([1, 2, 9, 4])
  })

  test('identity has ones on the diagonal only', () => {
    expect([...identity(3).data]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1])
  })

  test('fromRows and takeRows copy', () => {
    const source = Float32Array.of(1, 2)
    const m = fromRows([source, [3, 4]])
    const taken = takeRows(m, [1, 0, 1])
    source[0] = 7
    m.data.fill(0)
    expect([...m.data]).toEqual([0, 0, 0, 0])
    expect(taken).toEqual(matrix(3, 2, Float32Array.of(3, 4, 1, 2, 3, 4)))
  })

  test('fromRows names the row of another length; without rows it has the given width', () => {
    expect(() => fromRows([[1, 2], [3]])).toThrow('row 1: expected 2 values, found 1')
    expect(fromRows([], 4)).toEqual(matrix(0, 4))
  })

  test('norm and dot sum in double precision', () => {
    // In float32 the sum would stay at 2^24, as adding 1 to it is rounded away.
    const v = Float32Array.of(4096, 1, 1, 1)
    expect(norm(v)).toBe(Math.sqrt(2 ** 24 + 3))
    expect(dot(v, v)).toBe(2 ** 24 + 3)
  })

  test('a row is scaled to length 1 and a zero row stays zero, in a copy', () => {
    const m = fromRows([
      [3, 4],
      [0, 0],
      [0, -2],
    ])
    expect([...normalizedRows(m).data]).toEqual([...Float32Array.of(0.6, 0.8, 0, 0, 0, -1)])
    expect([...m.data]).toEqual([3, 4, 0, 0, 0, -2])
    const v = Float32Array.of(0, 5)
    expect(normalizeInPlace(v)).toBe(v)
    expect([...v]).toEqual([0, 1])
  })

  test('rows whose squares leave the range of float32 are scaled to length 1', () => {
    const m = normalizedRows(
      fromRows([
        [3e30, 4e30],
        [3e-30, 4e-30],
      ]),
    )
    for (let i = 0; i < 2; i++) expect(norm(row(m, i))).toBeCloseTo(1, 6)
  })

  test('firstNonFinite finds NaN and both infinities', () => {
    expect(firstNonFinite([1, Number.NaN])).toBe(1)
    expect(firstNonFinite([Number.NEGATIVE_INFINITY, Number.NaN])).toBe(0)
    expect(firstNonFinite(Float32Array.of(0, 1, 1e39))).toBe(2)
    expect(firstNonFinite([3.4e38, -0])).toBe(-1)
    expect(firstNonFinite([])).toBe(-1)
  })
})
