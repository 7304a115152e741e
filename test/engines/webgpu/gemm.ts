import { expect, test } from 'vitest'
import { createJsEngine } from '../../../src/engines/js.js'
import { openDevice } from '../../../src/engines/webgpu/device.js'
import { allocate, type GpuTensor, watch } from '../../../src/engines/webgpu/failure.js'
import { createGemm, type GemmPlan, planGemm } from '../../../src/engines/webgpu/gemm.js'
import { createQueue } from '../../../src/engines/webgpu/queue.js'
import { LARGE_TILE, MEDIUM_TILE, SMALL_TILE } from '../../../src/engines/webgpu/shaders/gemm.js'
import type { Matrix } from '../../../src/math/matrix.js'
import { expectClose, randomMatrix } from '../../contracts/engine/support.js'

/** How products are cut, and every shader of a product, also those that only large products would choose. */
export function gemmTests(): void {
  const tiles = { small: SMALL_TILE, medium: MEDIUM_TILE, large: LARGE_TILE }

  test.each([
    ['a batch of 32 at 1,536 dimensions', 32, 1536, 1536, 'small', 10],
    ['a batch of 1,024 at 1,536 dimensions', 1024, 1536, 1536, 'medium', 1],
    ['scores of 1,024 by 1,024', 1024, 1024, 1536, 'medium', 2],
    ['a gradient of 1,536 by 1,536 from 32 rows', 1536, 1536, 32, 'medium', 1],
    ['a block of a large pool', 1024, 8192, 1536, 'large', 1],
    ['one row', 1, 384, 384, 'small', 3],
    ['no depth', 5, 5, 0, 'small', 1],
  ] as const)('spread %s over the GPU', (_, m, n, k, tile, splits) => {
    const plan = planGemm(m, n, k)
    expect(plan.tile).toBe(tiles[tile])
    expect(plan.splits).toBe(splits)
    expect(plan.depth % plan.tile.k).toBe(0)
    expect(plan.splits * plan.depth).toBeGreaterThanOrEqual(k)
    expect((plan.splits - 1) * plan.depth).toBeLessThan(Math.max(k, 1))
  })

  // Each tile in every orientation, forced onto a small product: several tiles, edges, tails, splits, more than one raster band.
  const shapes = { aligned: [540, 140, 60], unaligned: [539, 139, 61] } as const
  for (const [name, tile] of Object.entries(tiles)) {
    for (const [kind, [m, n, k]] of Object.entries(shapes)) {
      test.each([
        [false, false, 1],
        [false, true, 2],
        [true, false, 1],
        [true, true, 2],
      ])(`are right with ${name} ${kind} tiles, transposed %s and %s, split in %d`, async (ta, tb, splits) => {
        const depth = Math.ceil(k / splits / tile.k) * tile.k
        const plan: GemmPlan = {
          tile,
          rowTiles: Math.ceil(m / tile.m),
          columnTiles: Math.ceil(n / tile.n),
          splits: Math.ceil(k / depth),
          depth,
        }
        const a = ta ? randomMatrix(k, m, 1) : randomMatrix(m, k, 1)
        const b = tb ? randomMatrix(n, k, 2) : randomMatrix(k, n, 2)
        const c = randomMatrix(m, n, 3)
        const options = { transposeA: ta, transposeB: tb, alpha: 0.5, beta: -1 }
        const js = createJsEngine()
        const [A, B, out] = [js.upload(a), js.upload(b), js.upload(c)]
        js.gemm(A, B, out, options)
        expectClose(await multiply(plan, a, b, c, options), await js.read(out), 1e-5, 'product')
      })
    }
  }

  /** A product on a device of its own, by the given plan. */
  async function multiply(plan: GemmPlan, a: Matrix, b: Matrix, c: Matrix, options: object): Promise<Float32Array> {
    const { device } = await openDevice({ allowSoftware: true })
    const failure = watch(device)
    const queue = createQueue(device, 0)
    const alloc = (rows: number, cols: number): GpuTensor => ({
      rows,
      cols,
      offset: 0,
      memory: allocate(device, failure, rows, cols),
    })
    const [A, B, out] = [a, b, c].map(m => {
      const t = alloc(m.rows, m.cols)
      device.queue.writeBuffer(t.memory.buffer, 0, m.data as Float32Array<ArrayBuffer>)
      return t
    })
    createGemm(
      queue,
      count => alloc(1, count),
      () => plan,
    )(A, B, out, options)
    const staging = device.createBuffer({ size: c.data.byteLength, usage: 1 | 8 })
    queue.copy(out.memory.buffer, 0, staging, c.data.byteLength)
    queue.flush()
    await staging.mapAsync(1)
    failure.check()
    const values = new Float32Array(staging.getMappedRange()).slice()
    device.destroy()
    return values
  }
}
