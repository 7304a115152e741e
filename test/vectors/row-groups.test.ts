import { describe, expect, it } from 'vitest'
import { fromRows, matrix, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { groupRows } from '../../src/vectors/row-groups.js'

describe('groupRows', () => {
  it('gives equal rows one number, counted in order of first occurrence', () => {
    const m = fromRows([
      [1, 2],
      [3, 4],
      [1, 2],
      [2, 1],
      [3, 4],
      [1, 2],
    ])
    expect([...groupRows(m)]).toEqual([0, 1, 0, 2, 1, 0])
  })

  it('tells rows apart that differ in one bit, and 0 from -0', () => {
    expect([
      ...groupRows(
        fromRows([
          [1, 1],
          [1, 1 + 2 ** -23],
          [0, 0],
          [0, -0],
        ]),
      ),
    ]).toEqual([0, 1, 2, 3])
  })

  it('joins rows with equal keys too, also through one another', () => {
    const m = fromRows([[1], [2], [3], [2], [4]])
    expect([...groupRows(m, ['a', 'b', 'a', undefined, undefined])]).toEqual([0, 1, 0, 1, 2])
    expect([...groupRows(m, [undefined, 'a', undefined, 'b', 'b'])]).toEqual([0, 1, 2, 1, 1])
    // Row 3 joins row 1 by its vector and row 0 by its key, so that all three are one group.
    expect([...groupRows(m, ['a', undefined, undefined, 'a', undefined])]).toEqual([0, 0, 1, 0, 2])
  })

  it('works on a view of a larger buffer, on no rows and on rows of no values', () => {
    expect([...groupRows(matrix(2, 2, Float32Array.of(9, 1, 2, 1, 2).subarray(1)))]).toEqual([0, 0])
    expect(groupRows(matrix(0, 3))).toHaveLength(0)
    expect([...groupRows(matrix(2, 0))]).toEqual([0, 0])
  })

  it('agrees with a comparison of texts on many rows of few bits', () => {
    const random = createRandom(1)
    const m = matrix(20_000, 3)
    for (let i = 0; i < m.data.length; i++) m.data[i] = random.int(24)
    const seen = new Map<string, number>()
    const expected = Array.from({ length: m.rows }, (_, i) => {
      const key = row(m, i).join()
      if (!seen.has(key)) seen.set(key, seen.size)
      return seen.get(key)
    })
    expect([...groupRows(m)]).toEqual(expected)
  })
})
