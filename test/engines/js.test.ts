import { describe, expect, test } from 'vitest'
import type { AdamWOptions, Tensor } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import { fromRows } from '../../src/math/matrix.js'
import { expectClose, sparse } from '../contracts/engine/support.js'
import { engineContract } from '../contracts/engine.js'

engineContract('js', async () => createJsEngine())

const e = createJsEngine()
const up = (...rows: number[][]): Tensor => e.upload(fromRows(rows))

/** Expects the values to within float32 rounding. */
async function expectValues(t: Tensor, ...rows: number[][]): Promise<void> {
  expect([t.rows, t.cols]).toEqual([rows.length, rows[0].length])
  expectClose(await e.read(t), Float32Array.from(rows.flat()), 1e-6, 'tensor')
}

describe('js engine, worked by hand', () => {
  test.each([
    [false, false, [19, 22], [43, 50]],
    [false, true, [17, 23], [39, 53]],
    [true, false, [26, 30], [38, 44]],
    [true, true, [23, 31], [34, 46]],
  ])('gemm with A transposed: %s and B transposed: %s', async (transposeA, transposeB, first, second) => {
    const out = up([1, 1], [1, 1])
    e.gemm(up([1, 2], [3, 4]), up([5, 6], [7, 8]), out, { transposeA, transposeB })
    await expectValues(out, first, second)
  })

  test('gemm of a row and a tall matrix, alpha A B + beta C', async () => {
    const out = up([10, 20])
    e.gemm(up([1, 2, 3]), up([1, 0], [0, 1], [1, 1]), out, { alpha: 0.5, beta: 2 })
    await expectValues(out, [22, 42.5])
  })

  test('gatherRows, multiply, addRowVector, relu and its gradient', async () => {
    const x = e.alloc(3, 2)
    e.gatherRows(up([1, -2], [3, 4]), Uint32Array.of(1, 0, 1), x)
    await expectValues(x, [3, 4], [1, -2], [3, 4])
    e.multiply(x, up([2, -1]), x)
    await expectValues(x, [6, -4], [2, 2], [6, -4])
    e.addRowVector(x, up([-3, 1]))
    await expectValues(x, [3, -3], [-1, 3], [3, -3])
    const grad = up([1, 2], [3, 4], [5, 6])
    e.relu(x, x)
    await expectValues(x, [3, 0], [0, 3], [3, 0])
    e.reluBackward(x, grad, grad)
    await expectValues(grad, [1, 0], [0, 4], [5, 0])
  })

  test('sumRows, squaredNorm, addSum', async () => {
    const x = up([1, 2], [3, -4])
    const [columns, squares, total] = [e.alloc(1, 2), up([7]), up([5])]
    e.sumRows(x, columns)
    await expectValues(columns, [4, -2])
    e.squaredNorm(x, squares, true)
    await expectValues(squares, [37])
    e.squaredNorm(x, squares, false)
    await expectValues(squares, [30])
    e.addSum(x, total)
    await expectValues(total, [7])
  })

  test('normalizeRows and its gradient, for a row of length 5', async () => {
    const [x, norms, grad] = [up([3, 4]), e.alloc(1, 1), up([1, 0])]
    e.normalizeRows(x, x, norms)
    await expectValues(x, [0.6, 0.8])
    await expectValues(norms, [5])
    e.normalizeRowsBackward(x, norms, grad, grad)
    await expectValues(grad, [0.128, -0.096])
  })
})

describe('js softmax cross-entropy, worked by hand', () => {
  const half = Math.log(3) / 2
  const run = async (scores: Tensor, options: Parameters<typeof e.softmaxCrossEntropy>[1]) => {
    const loss = e.alloc(scores.rows, 1)
    e.softmaxCrossEntropy(scores, options, loss)
    return loss
  }

  test('of two equal scores is ln 2', async () => {
    const scores = up([0.4, 0.4])
    const loss = await run(scores, { targets: sparse([[0]]), scale: 1, gradientScale: 1 })
    await expectValues(loss, [Math.LN2])
    await expectValues(scores, [-0.5, 0.5])
  })

  // Logits 0 and ln 3: probabilities 1/4 and 3/4.
  test('scales scores to logits, and the gradient by gradientScale and scale', async () => {
    const scores = up([0, half])
    const loss = await run(scores, { targets: sparse([[0]]), scale: 2, gradientScale: 0.25 })
    await expectValues(loss, [Math.log(4)])
    await expectValues(scores, [-0.375, 0.375])
  })

  test('weighs targets whose weights sum to 1.5', async () => {
    const scores = up([0, half])
    const loss = await run(scores, { targets: sparse([[0, 1]], [[0.5, 1]]), scale: 2, gradientScale: 0.5 })
    await expectValues(loss, [0.5 * Math.log(4) + Math.log(4 / 3)])
    await expectValues(scores, [-0.125, 0.125])
  })

  test('adds the offset to the logits and leaves masked columns out', async () => {
    const scores = up([0, 0, 9])
    const offset = up([0, Math.log(3), 5])
    const options = { targets: sparse([[1]]), masked: sparse([[2]]), offset, scale: 1, gradientScale: 1 }
    const loss = await run(scores, options)
    await expectValues(loss, [Math.log(4 / 3)])
    await expectValues(scores, [0.25, -0.25, 0])
  })

  test('runs on in a second block', async () => {
    const [top, sum, acc] = [up([-3e38]), e.alloc(1, 1), e.alloc(1, 2)]
    const first = up([0])
    e.onlineSoftmax(first, { scale: 2 }, top, sum, acc)
    await expectValues(first, [1])
    await expectValues(top, [0])
    await expectValues(sum, [1])
    e.fill(acc, 6)
    const second = up([half, -half])
    e.onlineSoftmax(second, { scale: 2, masked: sparse([[1]]) }, top, sum, acc)
    await expectValues(second, [1, 0])
    await expectValues(top, [Math.log(3)])
    await expectValues(sum, [4 / 3])
    await expectValues(acc, [2, 2])
  })

  test('finishes with the loss and the gradient of the query', async () => {
    // Logits ln 3 and 0 against the unit vectors: acc = sum of exp(L - top) d = [1, 1/3].
    const scale = Math.log(3)
    const [z, pool] = [up([1, 0]), up([1, 0], [0, 1])]
    const [top, sum, acc, loss] = [up([scale]), up([4 / 3]), up([1, 1 / 3]), e.alloc(1, 1)]
    e.finishSoftmax(z, pool, { targets: sparse([[0]]), scale, gradientScale: 2 }, top, sum, acc, loss)
    await expectValues(loss, [Math.log(4 / 3)])
    await expectValues(acc, [-scale / 2, scale / 2])
  })
})

describe('js adamw, worked by hand', () => {
  const RATES: AdamWOptions = {
    lr: 0.1,
    beta1: 0.9,
    beta2: 0.999,
    eps: 0,
    step: 1,
    decay: 0,
    l2: 0,
    anchor: 'zero',
  }
  const update = (value: number, gradient: number, options: Partial<AdamWOptions> = {}) => {
    const [param, grad, m, v] = [up([value]), up([gradient]), e.alloc(1, 1), e.alloc(1, 1)]
    e.adamw(param, grad, m, v, { ...RATES, ...options })
    return { param, m, v }
  }

  test('moves by lr against the sign of the first gradient', async () => {
    const { param, m, v } = update(1, 0.5)
    await expectValues(param, [0.9])
    await expectValues(m, [0.05])
    await expectValues(v, [0.00025])
  })

  test('corrects the moments for their bias in the second step', async () => {
    const { param, m, v } = update(1, 0.5)
    e.adamw(param, up([-0.5]), m, v, { ...RATES, step: 2 })
    await expectValues(m, [-0.005])
    await expectValues(v, [0.00049975])
    await expectValues(param, [0.9 + (0.1 * 0.005) / 0.19 / 0.5])
  })

  test('decays toward the anchor beside the gradient', async () => {
    await expectValues(update(1, 0.5, { decay: 0.5 }).param, [0.85])
    await expectValues(update(1, 0.5, { decay: 0.5, anchor: 'one' }).param, [0.9])
  })

  test('adds the coupled pull to the gradient', async () => {
    await expectValues(update(1, 0.5, { l2: 1 }).m, [0.15])
    await expectValues(update(3, 0.5, { l2: 1, anchor: 'one' }).m, [0.25])
  })

  test('pulls a matrix toward the identity', async () => {
    const [param, zero] = [up([3, 1], [1, 1], [1, 3]), e.alloc(3, 2)]
    e.adamw(param, zero, e.alloc(3, 2), e.alloc(3, 2), { ...RATES, eps: 1e-8, decay: 5, anchor: 'identity' })
    await expectValues(param, [2, 0.5], [0.5, 1], [0.5, 1.5])
  })

  test('clips a gradient of norm 2 to 1, and not one of norm 0.5', async () => {
    const clip = (squared: number) => ({ squaredNorm: up([squared]), max: 1 })
    await expectValues(update(1, 0.5, { clip: clip(4) }).m, [0.05 / (2 + 1e-6)])
    await expectValues(update(1, 0.5, { clip: clip(0.25) }).m, [0.05])
  })

  test('dampens by eps', async () => {
    await expectValues(update(1, 0.5, { eps: 0.5 }).param, [0.95])
  })
})
