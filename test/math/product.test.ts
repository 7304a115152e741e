import { describe, expect, test } from 'vitest'
import { type Matrix, matrix, row, takeRows } from '../../src/math/matrix.js'
import { multiplyTransposed, transpose } from '../../src/math/product.js'
import { randomMatrix } from '../contracts/engine/support.js'

/** alpha A B^T + beta C, element by element. */
function naive(a: Matrix, b: Matrix, c: Matrix, alpha: number, beta: number): Float32Array {
  const out = new Float32Array(a.rows * b.rows)
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++) {
      let sum = 0
      for (let t = 0; t < a.cols; t++) sum += a.data[i * a.cols + t] * b.data[j * b.cols + t]
      const k = i * b.rows + j
      out[k] = beta === 0 ? alpha * sum : alpha * sum + beta * c.data[k]
    }
  }
  return out
}

describe('multiplyTransposed', () => {
  test.each([
    [1, 1, 1],
    [1, 9, 3],
    [9, 1, 3],
    [4, 4, 4],
    [5, 7, 3],
    [8, 6, 11],
    [7, 12, 1],
    [13, 10, 33],
    [0, 3, 2],
    [3, 0, 2],
  ])('equals the sum of products for [%d, k] times [%d, k] transposed with k = %d', (m, n, k) => {
    const [a, b, c] = [randomMatrix(m, k, 1), randomMatrix(n, k, 2), randomMatrix(m, n, 3)]
    for (const [alpha, beta] of [
      [1, 0],
      [-0.5, 2],
    ]) {
      const out = matrix(m, n, c.data.slice())
      multiplyTransposed(a, b, out, alpha, beta)
      expect(out.data).toEqual(naive(a, b, c, alpha, beta))
    }
  })

  test('does not read the output when beta is 0', () => {
    const out = matrix(5, 5, new Float32Array(25).fill(Number.NaN))
    multiplyTransposed(randomMatrix(5, 2, 1), randomMatrix(5, 2, 2), out)
    expect(out.data.every(Number.isFinite)).toBe(true)
  })

  test('gives equal rows exactly equal products wherever they stand', () => {
    const a = randomMatrix(6, 37, 1)
    const b = takeRows(randomMatrix(1, 37, 2), new Uint32Array(11))
    const out = matrix(6, 11)
    multiplyTransposed(a, b, out)
    for (let i = 0; i < 6; i++) expect(new Set(row(out, i)).size).toBe(1)
  })
})

describe('transpose', () => {
  test.each([
    [1, 1],
    [1, 40],
    [33, 70],
    [64, 32],
  ])('exchanges rows and columns of [%d, %d]', (rows, cols) => {
    const m = randomMatrix(rows, cols, 1)
    const t = transpose(m)
    expect([t.rows, t.cols]).toEqual([cols, rows])
    for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) expect(t.data[j * rows + i]).toBe(m.data[i * cols + j])
  })

  test('writes into the given memory', () => {
    const out = new Float32Array(6)
    expect(transpose(matrix(2, 3, Float32Array.of(1, 2, 3, 4, 5, 6)), out).data).toBe(out)
    expect([...out]).toEqual([1, 4, 2, 5, 3, 6])
  })
})
