import { expect, test } from 'vitest'
import { matrix } from '../../src/math/matrix.js'
import { gatherRows, rowSource, toMatrix } from '../../src/math/row-source.js'
import { truncateRows } from '../../src/math/truncate.js'

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
