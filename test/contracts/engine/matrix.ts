import { describe, expect, test } from 'vitest'
import { type EngineUnderTest, garbage, randomMatrix } from './support.js'

const SIZES = [
  [1, 1, 1],
  [1, 7, 3],
  [17, 33, 5],
  [64, 64, 64],
  [65, 130, 31],
  [3, 128, 257],
  [200, 401, 150],
] as const

/** Products of matrices and what goes element by element. */
export function matrixContract(on: EngineUnderTest): void {
  describe('gemm', () => {
    for (const [m, k, n] of SIZES) {
      for (const [transposeA, transposeB] of [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ]) {
        test(`[${m}, ${k}]${transposeA ? ' transposed' : ''} by [${k}, ${n}]${transposeB ? ' transposed' : ''}`, () =>
          on.agree(e => {
            const a = e.upload(transposeA ? randomMatrix(k, m, 1) : randomMatrix(m, k, 1))
            const b = e.upload(transposeB ? randomMatrix(n, k, 2) : randomMatrix(k, n, 2))
            const out = garbage(e, m, n)
            e.gemm(a, b, out, { transposeA, transposeB })
            return { out, a, b }
          }))
      }
    }

    for (const alpha of [0, 1, 0.5, -2]) {
      for (const beta of [0, 1, 0.5]) {
        test.each([
          [false, false],
          [false, true],
          [true, false],
          [true, true],
        ])(`with alpha ${alpha} and beta ${beta}, transposed %s and %s`, (transposeA, transposeB) =>
          on.agree(e => {
            const a = e.upload(transposeA ? randomMatrix(33, 17, 3) : randomMatrix(17, 33, 3))
            const b = e.upload(transposeB ? randomMatrix(9, 33, 4) : randomMatrix(33, 9, 4))
            const out = e.upload(randomMatrix(17, 9, 5))
            e.gemm(a, b, out, { alpha, beta, transposeA, transposeB })
            return { out }
          }),
        )
      }
    }

    test('does not read the output when beta is 0', () =>
      on.agree(e => {
        const out = garbage(e, 5, 6)
        e.gemm(e.upload(randomMatrix(5, 7, 6)), e.upload(randomMatrix(7, 6, 7)), out, { alpha: 0.5, beta: 0 })
        return { out }
      }))

    test('writes to a view and leaves the other rows alone', () =>
      on.agree(e => {
        const out = e.upload(randomMatrix(9, 6, 8))
        const a = e.upload(randomMatrix(8, 7, 9))
        const b = e.upload(randomMatrix(11, 7, 10))
        const [rows, columns] = [e.view(a, 3, 4), e.view(b, 5, 6)]
        e.gemm(rows, columns, e.view(out, 2, 4), { transposeB: true, beta: 0.5 })
        e.gemm(rows, columns, e.view(out, 5, 4), { transposeB: true })
        return { out }
      }))

    test('multiplies a matrix by itself', () =>
      on.agree(e => {
        const a = e.upload(randomMatrix(13, 21, 11))
        const out = garbage(e, 21, 21)
        e.gemm(a, a, out, { transposeA: true })
        return { out, a }
      }))
  })

  describe('gatherRows', () => {
    test.each([1, 3, 130])('copies rows of %d values in any order, with repeats', async cols => {
      const source = randomMatrix(12, cols, 12)
      const rows = Uint32Array.of(11, 0, 5, 5, 0, 11, 3)
      const out = garbage(on.engine, rows.length, cols)
      on.engine.gatherRows(on.engine.upload(source), rows, out)
      const expected = [...rows].flatMap(i => [...source.data.subarray(i * cols, (i + 1) * cols)])
      expect([...(await on.engine.read(out))]).toEqual(expected)
    })

    test('copies from a view into a view', () =>
      on.agree(e => {
        const source = e.upload(randomMatrix(10, 7, 13))
        const out = e.upload(randomMatrix(5, 7, 14))
        e.gatherRows(e.view(source, 4, 5), Uint32Array.of(4, 0, 0), e.view(out, 1, 3))
        return { out, source }
      }))
  })

  describe('multiply', () => {
    test('takes matrices of one shape', () =>
      on.agree(e => {
        const out = garbage(e, 7, 9)
        e.multiply(e.upload(randomMatrix(7, 9, 15)), e.upload(randomMatrix(7, 9, 16)), out)
        return { out }
      }))

    test('repeats a single row', () =>
      on.agree(e => {
        const out = garbage(e, 33, 65)
        e.multiply(e.upload(randomMatrix(33, 65, 17)), e.upload(randomMatrix(1, 65, 18)), out)
        return { out }
      }))

    test('works in place', () =>
      on.agree(e => {
        const a = e.upload(randomMatrix(5, 3, 19))
        e.multiply(a, e.upload(randomMatrix(5, 3, 20)), a)
        e.multiply(a, e.upload(randomMatrix(1, 3, 21)), a)
        return { a }
      }))
  })

  describe('relu', () => {
    test('keeps what is above 0, and its gradient passes there', () =>
      on.agree(e => {
        const x = e.upload(randomMatrix(9, 31, 22))
        const [y, out] = [garbage(e, 9, 31), garbage(e, 9, 31)]
        e.relu(x, y)
        e.reluBackward(y, e.upload(randomMatrix(9, 31, 23)), out)
        return { x, y, out }
      }))

    test('works in place, forward and backward', () =>
      on.agree(e => {
        const x = e.upload(randomMatrix(4, 7, 24))
        const grad = e.upload(randomMatrix(4, 7, 25))
        e.relu(x, x)
        e.reluBackward(x, grad, grad)
        return { x, grad }
      }))

    test('passes no gradient at exactly 0', async () => {
      const [y, grad] = [on.engine.alloc(2, 2), on.engine.alloc(2, 2)]
      on.engine.fill(grad, 3)
      on.engine.reluBackward(y, grad, grad)
      expect([...(await on.engine.read(grad))]).toEqual([0, 0, 0, 0])
    })
  })

  describe('sums', () => {
    test.each([
      [1, 1],
      [1, 5],
      [33, 7],
      [7, 300],
      [1000, 3],
    ])('of a [%d, %d] matrix: rows, a vector added to every row, all values, all squares', (rows, cols) =>
      on.agree(
        e => {
          const x = e.upload(randomMatrix(rows, cols, 26))
          e.addRowVector(x, e.upload(randomMatrix(1, cols, 27)))
          const columns = garbage(e, 1, cols)
          e.sumRows(x, columns)
          const total = e.upload(randomMatrix(1, 1, 28))
          e.addSum(x, total)
          e.addSum(x, total)
          const squares = garbage(e, 1, 1)
          e.squaredNorm(x, squares, false)
          return { x, columns, total, squares }
        },
        { floor: { columns: Math.sqrt(rows), total: Math.sqrt(rows * cols) } },
      ),
    )

    test('of squares start anew or go on from what is there', () =>
      on.agree(e => {
        const [x, y] = [e.upload(randomMatrix(200, 201, 29)), e.upload(randomMatrix(1, 201, 30))]
        const [anew, both] = [e.upload(randomMatrix(1, 1, 31)), garbage(e, 1, 1)]
        e.squaredNorm(y, anew, true)
        e.squaredNorm(x, both, false)
        e.squaredNorm(y, both, true)
        return { anew, both }
      }))
  })
}
