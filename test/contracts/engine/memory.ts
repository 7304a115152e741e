import { describe, expect, test } from 'vitest'
import { matrix } from '../../../src/math/matrix.js'
import { type EngineUnderTest, garbage, randomMatrix, sparse } from './support.js'

/** Tensors, views and the order in which operations take effect. */
export function memoryContract(on: EngineUnderTest): void {
  describe('tensors', () => {
    test.each([
      [1, 1],
      [3, 5],
      [257, 33],
    ])('of %d x %d come back as they were uploaded', async (rows, cols) => {
      const m = randomMatrix(rows, cols, 1)
      const t = on.engine.upload(m)
      expect([t.rows, t.cols]).toEqual([rows, cols])
      expect(await on.engine.read(t)).toEqual(m.data)
      on.engine.free(t)
    })

    test('are copies: neither what was uploaded nor what was read is tied to them', async () => {
      const m = matrix(1, 3, Float32Array.of(1, 2, 3))
      const t = on.engine.upload(m)
      await on.engine.sync()
      m.data.fill(9)
      const first = await on.engine.read(t)
      expect([...first]).toEqual([1, 2, 3])
      first.fill(7)
      expect([...(await on.engine.read(t))]).toEqual([1, 2, 3])
      on.engine.free(t)
    })

    test('are zero after alloc, also where freed memory held other values', async () => {
      for (let round = 0; round < 3; round++) {
        const t = on.engine.alloc(19, 7)
        expect(await on.engine.read(t)).toEqual(new Float32Array(133))
        on.engine.fill(t, 5)
        on.engine.free(t)
      }
    })

    test('hold what fill sets', async () => {
      const t = on.engine.alloc(5, 3)
      on.engine.fill(t, -3e38)
      expect(await on.engine.read(t)).toEqual(new Float32Array(15).fill(-3e38))
      on.engine.fill(t, 0.5)
      expect(await on.engine.read(t)).toEqual(new Float32Array(15).fill(0.5))
      on.engine.free(t)
    })
  })

  describe('views', () => {
    test('read the rows of their parent, also through another view', async () => {
      const t = on.engine.upload(
        matrix(
          5,
          3,
          Float32Array.from({ length: 15 }, (_, k) => k),
        ),
      )
      const view = on.engine.view(t, 1, 3)
      expect([view.rows, view.cols]).toEqual([3, 3])
      expect([...(await on.engine.read(view))]).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11])
      expect([...(await on.engine.read(on.engine.view(view, 2, 1)))]).toEqual([9, 10, 11])
      on.engine.free(t)
    })

    test('write to their parent and see what it is given', async () => {
      const t = on.engine.alloc(4, 2)
      const view = on.engine.view(t, 2, 1)
      on.engine.fill(view, 3)
      on.engine.fill(on.engine.view(on.engine.view(t, 1, 3), 2, 1), 4)
      expect([...(await on.engine.read(t))]).toEqual([0, 0, 0, 0, 3, 3, 4, 4])
      on.engine.fill(t, 8)
      expect([...(await on.engine.read(view))]).toEqual([8, 8])
      on.engine.free(t)
    })

    test('serve every operation as input and output', async () => {
      await on.agree(e => {
        const x = e.upload(randomMatrix(9, 5, 2))
        const y = e.upload(randomMatrix(9, 5, 3))
        const out = e.upload(randomMatrix(9, 5, 4))
        const back = e.upload(randomMatrix(9, 5, 10))
        const column = e.upload(randomMatrix(9, 1, 5))
        const scalars = e.upload(randomMatrix(3, 1, 6))
        const at = (t: typeof x, start: number, count: number) => e.view(t, start, count)
        e.multiply(at(x, 1, 2), at(y, 3, 2), at(out, 0, 2))
        e.relu(at(x, 3, 2), at(out, 2, 2))
        e.reluBackward(at(out, 2, 2), at(y, 1, 2), at(back, 0, 2))
        e.addRowVector(at(out, 4, 2), at(y, 8, 1))
        e.sumRows(at(x, 2, 5), at(out, 6, 1))
        e.normalizeRows(at(x, 7, 2), at(out, 7, 2), at(column, 3, 2))
        e.normalizeRowsBackward(at(out, 7, 2), at(column, 3, 2), at(y, 0, 2), at(back, 5, 2))
        e.softmaxCrossEntropy(
          at(x, 1, 2),
          { targets: sparse([[0], [4]]), offset: at(y, 2, 1), scale: 2, gradientScale: 1 },
          at(column, 6, 2),
        )
        e.squaredNorm(at(x, 4, 2), at(scalars, 1, 1), false)
        e.addSum(at(x, 4, 2), at(scalars, 2, 1))
        return { x, y, out, back, column, scalars }
      })
    })

    test('serve the optimizer as parameter, gradient and moments', async () => {
      await on.agree(e => {
        const [param, grad] = [e.upload(randomMatrix(6, 4, 7)), e.upload(randomMatrix(6, 4, 8))]
        const [m, v] = [e.alloc(6, 4), e.alloc(6, 4)]
        const [p1, g1, m1, v1] = [param, grad, m, v].map(t => e.view(t, 2, 4))
        const rates = { lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.1, l2: 0.1 }
        e.adamw(p1, g1, m1, v1, { ...rates, step: 1, anchor: 'identity' })
        return { param, m, v }
      })
    })
  })

  describe('order', () => {
    test('operations take effect in the order of the calls, without waiting in between', async () => {
      await on.agree(e => {
        const x = e.alloc(3, 3)
        const total = e.alloc(3, 3)
        const rows = e.upload(randomMatrix(4, 3, 9))
        for (let k = 1; k <= 20; k++) {
          e.fill(x, k)
          const added = e.upload(randomMatrix(1, 3, k))
          e.addRowVector(x, added)
          e.free(added)
          e.gatherRows(rows, Uint32Array.of(k % 4, 3, (k + 1) % 4), total)
          e.gemm(x, x, total, { alpha: 1 / k, beta: 1 })
          e.relu(total, total)
        }
        return { x, total }
      })
    })

    test('a call keeps the arrays that it was given', async () => {
      await on.agree(
        e => {
          const scores = [1, 2, 3].map(seed => e.upload(randomMatrix(2, 4, seed)))
          const loss = [1, 2, 3].map(() => garbage(e, 2, 1))
          scores.forEach((s, k) => {
            const targets = sparse([[k], [3 - k]])
            const masked = sparse([[3], k === 2 ? [0, 3] : []])
            e.softmaxCrossEntropy(s, { targets, masked, scale: k + 1, gradientScale: 1 / (k + 1) }, loss[k])
          })
          return { s0: scores[0], s1: scores[1], s2: scores[2], l0: loss[0], l1: loss[1], l2: loss[2] }
        },
        { floor: { l0: 1, l1: 1, l2: 1 } },
      )
    })

    test('a read sees the calls before it and none after it', async () => {
      const t = on.engine.alloc(2, 2)
      on.engine.fill(t, 1)
      const before = on.engine.read(t)
      on.engine.fill(t, 2)
      const after = on.engine.read(t)
      on.engine.free(t)
      expect(await Promise.all([before, after])).toEqual([new Float32Array(4).fill(1), new Float32Array(4).fill(2)])
    })

    test('sync gives the event loop a turn', async () => {
      let turned = false
      setImmediate(() => {
        turned = true
      })
      await on.engine.sync()
      expect(turned).toBe(true)
    })
  })
}
