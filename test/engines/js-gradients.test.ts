import { describe, expect, test } from 'vitest'
import type { CrossEntropyOptions } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import { type Matrix, matrix } from '../../src/math/matrix.js'
import { randomMatrix, randomUnitRows, sparse } from '../contracts/engine/support.js'

const e = createJsEngine()
const STEP = 2 ** -7

/** Expects `gradient` to be that of `f` at `x`, by central differences. */
async function expectGradient(gradient: Float32Array, x: Matrix, f: (x: Matrix) => Promise<number>, tolerance = 2e-4) {
  let largest = 0
  for (let k = 0; k < x.data.length; k++) {
    const at = (value: number) => {
      const moved = matrix(x.rows, x.cols, x.data.slice())
      moved.data[k] = value
      return { value: moved.data[k], f: f(moved) }
    }
    const [up, down] = [at(x.data[k] + STEP), at(x.data[k] - STEP)]
    const numeric = ((await up.f) - (await down.f)) / (up.value - down.value)
    expect(Math.abs(gradient[k] - numeric), `d f / d x[${k}] = ${numeric}, got ${gradient[k]}`).toBeLessThan(tolerance)
    largest = Math.max(largest, Math.abs(numeric))
  }
  expect(largest, 'a gradient worth the name').toBeGreaterThan(100 * tolerance)
}

const total = async (t: Parameters<typeof e.read>[0]) => (await e.read(t)).reduce((sum, value) => sum + value, 0)

describe('js engine gradients, against central differences', () => {
  test('normalizeRows', async () => {
    const x = randomMatrix(3, 5, 1)
    const w = randomMatrix(3, 5, 2)
    const [z, norms, grad] = [e.alloc(3, 5), e.alloc(3, 1), e.upload(w)]
    e.normalizeRows(e.upload(x), z, norms)
    e.normalizeRowsBackward(z, norms, grad, grad)
    await expectGradient(await e.read(grad), x, async moved => {
      const out = e.alloc(3, 5)
      e.normalizeRows(e.upload(moved), out, e.alloc(3, 1))
      const values = await e.read(out)
      return values.reduce((sum, value, k) => sum + value * w.data[k], 0)
    })
  })

  test('relu', async () => {
    const x = matrix(1, 4, Float32Array.of(-1, 0.5, 2, -0.25))
    const [y, grad] = [e.alloc(1, 4), e.upload(matrix(1, 4, Float32Array.of(1, 1, 1, 1)))]
    e.relu(e.upload(x), y)
    e.reluBackward(y, grad, grad)
    await expectGradient(await e.read(grad), x, async moved => {
      const out = e.upload(moved)
      e.relu(out, out)
      return total(out)
    })
  })

  const options: CrossEntropyOptions = {
    targets: sparse([[1], [0, 4], [], [3, 2]], [[1], [0.5, 0.5], [], [2, 0.25]]),
    masked: sparse([[3], [], [1], [0, 5]]),
    offset: e.upload(randomMatrix(1, 6, 3)),
    scale: 2,
    gradientScale: 1,
  }

  test('softmaxCrossEntropy, with weights, masks and an offset', async () => {
    const x = randomMatrix(4, 6, 4)
    const scores = e.upload(x)
    e.softmaxCrossEntropy(scores, options, e.alloc(4, 1))
    await expectGradient(await e.read(scores), x, async moved => {
      const loss = e.alloc(4, 1)
      e.softmaxCrossEntropy(e.upload(moved), options, loss)
      return total(loss)
    })
  })

  test('onlineSoftmax and finishSoftmax, with respect to the queries', async () => {
    const z = randomUnitRows(4, 5, 5)
    const pool = e.upload(randomUnitRows(6, 5, 6))
    const run = (queries: Matrix) => {
      const [top, sum, acc, loss] = [e.alloc(4, 1), e.alloc(4, 1), e.alloc(4, 5), e.alloc(4, 1)]
      e.fill(top, -3e38)
      const scores = e.alloc(4, 6)
      const q = e.upload(queries)
      e.gemm(q, pool, scores, { transposeB: true })
      e.onlineSoftmax(scores, options, top, sum, acc)
      e.gemm(scores, pool, acc, { beta: 1 })
      e.finishSoftmax(q, pool, options, top, sum, acc, loss)
      return { acc, loss }
    }
    await expectGradient(await e.read(run(z).acc), z, moved => total(run(moved).loss))
  })
})
