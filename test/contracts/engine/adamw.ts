import { describe, expect, test } from 'vitest'
import type { AdamWOptions, Engine } from '../../../src/engines/engine.js'
import { matrix } from '../../../src/math/matrix.js'
import { type EngineUnderTest, randomMatrix } from './support.js'

type Variant = Pick<AdamWOptions, 'decay' | 'l2' | 'anchor'> & { max?: number }

const VARIANTS: Variant[] = (['zero', 'one', 'identity'] as const).flatMap(anchor => [
  { anchor, decay: 0, l2: 0 },
  { anchor, decay: 0.3, l2: 0 },
  { anchor, decay: 0, l2: 0.2 },
  { anchor, decay: 0.1, l2: 0.1, max: 0.5 },
  { anchor, decay: 0.1, l2: 0.1, max: 1e6 },
])

/** The optimizer's update, fused or not. */
export function adamwContract(on: EngineUnderTest): void {
  describe('adamw', () => {
    const run = (e: Engine, rows: number, cols: number, variant: Variant, steps: number) => {
      const param = e.upload(randomMatrix(rows, cols, 1))
      const [m, v, norm] = [e.alloc(rows, cols), e.alloc(rows, cols), e.alloc(1, 1)]
      const { max, ...decay } = variant
      for (let step = 1; step <= steps; step++) {
        const grad = e.upload(randomMatrix(rows, cols, 10 + step))
        e.squaredNorm(grad, norm, false)
        const clip = max === undefined ? {} : { clip: { squaredNorm: norm, max } }
        e.adamw(param, grad, m, v, { lr: 0.05, beta1: 0.9, beta2: 0.999, eps: 1e-8, step, ...decay, ...clip })
        e.free(grad)
      }
      return { param, m, v }
    }

    test.each(VARIANTS)('steps 1 to 5 with anchor $anchor, decay $decay, l2 $l2, clip at $max', variant =>
      on.agree(e => run(e, 13, 13, variant, 5)),
    )

    test.each([
      [1, 1],
      [1, 9],
      [5, 9],
      [9, 5],
      [64, 33],
    ])('a [%d, %d] parameter toward each anchor', async (rows, cols) => {
      for (const anchor of ['zero', 'one', 'identity'] as const) {
        await on.agree(e => run(e, rows, cols, { anchor, decay: 0.5, l2: 0.1, max: 1 }, 2))
      }
    })

    test('leaves the gradient as it is', async () => {
      const e = on.engine
      const grad = e.upload(randomMatrix(3, 3, 2))
      const [param, m, v, squaredNorm] = [e.alloc(3, 3), e.alloc(3, 3), e.alloc(3, 3), e.alloc(1, 1)]
      e.fill(squaredNorm, 100)
      const rates = { lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, step: 1, decay: 0.1, l2: 0.1 }
      e.adamw(param, grad, m, v, { ...rates, anchor: 'one', clip: { squaredNorm, max: 1 } })
      expect(await e.read(grad)).toEqual(randomMatrix(3, 3, 2).data)
    })

    test('stays where it is without a gradient or decay', async () => {
      const e = on.engine
      const param = e.upload(matrix(1, 3, Float32Array.of(1, -2, 3)))
      const [grad, m, v] = [e.alloc(1, 3), e.alloc(1, 3), e.alloc(1, 3)]
      e.adamw(param, grad, m, v, {
        lr: 0.1,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        step: 1,
        decay: 0,
        l2: 0,
        anchor: 'zero',
      })
      expect([...(await e.read(param))]).toEqual([1, -2, 3])
    })
  })
}
