import { describe, expect, test } from 'vitest'
import { fromRows, matrix, normalizedRows, takeRows } from '../../src/math/matrix.js'
import {
  blocksOf,
  gatherRows,
  isInMemory,
  normalizedSource,
  type RowSource,
  rowSource,
  selectedRows,
  toMatrix,
  truncateRows,
} from '../../src/math/row-source.js'
import { randomMatrix } from '../contracts/engine/support.js'

const m = randomMatrix(11, 3, 1)
/** The same rows, as if they were not in memory. */
const source: RowSource = { rows: 11, cols: 3, gather: (rows, out) => rowSource(m).gather(rows, out) }

describe('a row source', () => {
  test('of a matrix gives rows in the order asked for, also repeatedly, with the same bits', () => {
    const rows = Uint32Array.of(10, 0, 4, 4)
    const out = new Float32Array(12)
    rowSource(m).gather(rows, out)
    expect(out).toEqual(takeRows(m, rows).data)
    expect(gatherRows(source, rows)).toEqual(takeRows(m, rows))
    expect(rowSource(source)).toBe(source)
    expect([isInMemory(m), isInMemory(source)]).toEqual([true, false])
  })

  test('gives the very values of normalizedRows where rows are scaled, and leaves the origin as it is', () => {
    const before = m.data.slice()
    const scaled = fromRows([m.data.map(x => x * 2 ** 60).subarray(0, 3), [0, 0, 0]])
    expect(gatherRows(normalizedSource(rowSource(m)), [3, 1])).toEqual(takeRows(normalizedRows(m), [3, 1]))
    expect(gatherRows(normalizedSource(rowSource(scaled)), [0, 1])).toEqual(normalizedRows(scaled))
    expect(m.data).toEqual(before)
  })

  test('of selected rows counts them from 0', () => {
    const part = selectedRows(source, Uint32Array.of(7, 2, 9))
    expect(part.rows).toBe(3)
    expect(gatherRows(part, [2, 0])).toEqual(takeRows(m, [9, 7]))
  })
})

describe('blocks', () => {
  test.each([
    ['a matrix', m],
    ['a source', source],
  ])('of %s hold every row once, in order, with a last one that is smaller', (_, from) => {
    const seen = Array.from(blocksOf(from, 4), ({ start, block }) => [start, block.rows, ...block.data])
    expect(seen.map(([start, rows]) => [start, rows])).toEqual([
      [0, 4],
      [4, 4],
      [8, 3],
    ])
    expect(Float32Array.from(seen.flatMap(list => list.slice(2)))).toEqual(m.data)
  })

  test('of nothing are none', () => {
    expect([...blocksOf(matrix(0, 3))]).toEqual([])
  })
})

describe('truncateRows', () => {
  const from = matrix(
    3,
    4,
    Float32Array.from({ length: 12 }, (_, k) => k + 1),
  )
  const outside = { rows: 3, cols: 4, gather: rowSource(from).gather }

  test.each([
    ['a matrix', from],
    ['a source', outside],
  ])('keeps the first values of every row of %s', (_, rows) => {
    const short = truncateRows(rows, 2)
    expect(toMatrix(short)).toEqual(matrix(3, 2, Float32Array.of(1, 2, 5, 6, 9, 10)))
    expect(gatherRows(short, [2, 0, 2]).data).toEqual(Float32Array.of(9, 10, 1, 2, 9, 10))
  })

  test('gives rows of that length back as they are', () => {
    expect(truncateRows(from, 4)).toBe(from)
  })
})
