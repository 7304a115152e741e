import { describe, expect, test } from 'vitest'
import type { Matrix } from '../../../src/math/matrix.js'
import { type EngineUnderTest, garbage, randomMatrix, randomUnitRows } from './support.js'

const SIZES = [
  [1, 1],
  [1, 3],
  [5, 64],
  [33, 130],
  [2, 257],
  [3, 1536],
]

/** Rows from 1e-30 to 1e18, one zero row and one with a single value. */
function extremeRows(): Matrix {
  const m = randomMatrix(8, 9, 1)
  const factors = [1e18, 1e-6, 0, 1e-11, 1e-12, 1e-30, 1, 1e9]
  factors.forEach((factor, i) => {
    for (let j = 0; j < 9; j++) m.data[i * 9 + j] *= factor
  })
  m.data.fill(0, 6 * 9 + 1, 7 * 9)
  return m
}

/** Row normalisation and its gradient. */
export function rowsContract(on: EngineUnderTest): void {
  describe('normalizeRows', () => {
    test.each(SIZES)('and its gradient, for [%d, %d]', (rows, cols) =>
      on.agree(
        e => {
          const x = e.upload(randomMatrix(rows, cols, 2))
          const [z, norms, out] = [garbage(e, rows, cols), garbage(e, rows, 1), garbage(e, rows, cols)]
          e.normalizeRows(x, z, norms)
          e.normalizeRowsBackward(z, norms, e.upload(randomMatrix(rows, cols, 3)), out)
          return { x, z, norms, out }
        },
        { byRow: true, floor: { out: 1 } },
      ),
    )

    test('work in place', () =>
      on.agree(e => {
        const x = e.upload(randomMatrix(7, 12, 4))
        const grad = e.upload(randomMatrix(7, 12, 5))
        const norms = garbage(e, 7, 1)
        e.normalizeRows(x, x, norms)
        e.normalizeRowsBackward(x, norms, grad, grad)
        return { x, norms, grad }
      }))

    test('hold for rows of zeros and for very large and very small values', () =>
      on.agree(
        e => {
          const x = e.upload(extremeRows())
          const [z, norms, out] = [garbage(e, 8, 9), garbage(e, 8, 1), garbage(e, 8, 9)]
          e.normalizeRows(x, z, norms)
          e.normalizeRowsBackward(z, norms, e.upload(randomMatrix(8, 9, 6)), out)
          return { z, norms, out }
        },
        { byRow: true, floor: { z: 1e-6 } },
      ))

    test('leave a zero row at zero with the smallest norm', async () => {
      const [x, norms] = [on.engine.alloc(2, 3), garbage(on.engine, 2, 1)]
      on.engine.normalizeRows(x, x, norms)
      expect([...(await on.engine.read(x))]).toEqual([0, 0, 0, 0, 0, 0])
      expect(await on.engine.read(norms)).toEqual(new Float32Array(2).fill(1e-12))
    })

    test('give a gradient at a right angle to the row', async () => {
      const z = randomUnitRows(4, 50, 7)
      const [unit, norms] = [on.engine.upload(z), on.engine.alloc(4, 1)]
      on.engine.fill(norms, 1)
      const grad = on.engine.upload(randomMatrix(4, 50, 8))
      on.engine.normalizeRowsBackward(unit, norms, grad, grad)
      const out = await on.engine.read(grad)
      for (let i = 0; i < 4; i++) {
        let along = 0
        for (let j = 0; j < 50; j++) along += out[i * 50 + j] * z.data[i * 50 + j]
        expect(Math.abs(along)).toBeLessThan(1e-5)
      }
    })
  })
}
