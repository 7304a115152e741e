import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { adapterKind } from '../../src/adapters/index.js'
import { createJsEngine } from '../../src/engines/js.js'
import { inBatchCandidates, listPairs } from '../../src/losses/in-batch.js'
import { identity, matrix, normalizedRows } from '../../src/math/matrix.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { createParams, readParams } from '../../src/train/parameters.js'
import { linearSchedule } from '../../src/train/schedule.js'
import { createStep, type StepOptions } from '../../src/train/step.js'
import { expectClose, randomMatrix } from '../contracts/engine/support.js'
import { embedded } from '../helpers/embedded.js'

/** @see test/fixtures/torch_training.py */
interface TorchRun {
  readonly d: number
  readonly scale: number
  readonly peak: number
  readonly warmup: number
  readonly decay: number
  readonly maxGradNorm: number
  readonly queries: number[]
  readonly docs: number[]
  readonly docTextGroup: number[]
  readonly positives: number[][]
  readonly pairs: [number, number][]
  readonly batches: number[][]
  readonly losses: number[]
  readonly W: number[]
  readonly b: number[]
}

const linear = adapterKind('linear')

describe('createStep', () => {
  test('takes the steps that PyTorch takes', async () => {
    const torch: TorchRun = JSON.parse(readFileSync(new URL('../fixtures/torch-training.json', import.meta.url), 'utf8'))
    const rows = (values: number[]) => matrix(values.length / torch.d, torch.d, Float32Array.from(values))
    const data = embedded({ ...torch, queries: rows(torch.queries), docs: rows(torch.docs) })
    const pairs = listPairs(data)
    expect(Array.from(pairs.queries, (q, i) => [q, pairs.documents[i]])).toEqual(torch.pairs)

    const engine = createJsEngine()
    const state = createParams(engine, linear, torch.d)
    const inputs = { queries: engine.upload(data.queries), documents: engine.upload(normalizedRows(data.docs)) }
    const options = { ...TRAIN_DEFAULTS, scale: torch.scale, weightDecay: torch.decay, maxGradNorm: torch.maxGradNorm }
    const { step, lossSum } = createStep(engine, linear, state, inputs, options)
    const losses: number[] = []
    for (const [i, members] of torch.batches.entries()) {
      engine.fill(lossSum, 0)
      const lr = linearSchedule(i + 1, torch.batches.length, torch.peak, torch.warmup)
      step(inBatchCandidates(data, pairs, Uint32Array.from(members)), i + 1, lr)
      losses.push((await engine.read(lossSum))[0] / members.length)
    }

    losses.forEach((loss, i) => {
      expect(Math.abs(loss - torch.losses[i]), `loss of step ${i + 1}`).toBeLessThan(1e-4)
    })
    const { W, b } = await readParams(engine, state)
    const distance = (a: ArrayLike<number>, c: number[]) => Math.max(...c.map((value, k) => Math.abs(value - a[k])))
    // Both moved by more than 0.01.
    expect(distance(W.data, torch.W)).toBeLessThan(2e-5)
    expect(distance(b.data, torch.b)).toBeLessThan(2e-5)
  })

  /** A linear adapter at W, b on 3 queries and 3 documents, with a batch of the given pairs. */
  function setup(options: Partial<StepOptions> = {}, W = identity(4)) {
    const engine = createJsEngine()
    const data = embedded({ queries: randomMatrix(3, 4, 1), docs: randomMatrix(3, 4, 2), positives: [[0], [1], [2]] })
    const b = matrix(1, 4, Float32Array.of(1, -1, 2, 0.5))
    const state = { ...createParams(engine, linear, 4), params: { W: engine.upload(W), b: engine.upload(b) } }
    const inputs = { queries: engine.upload(data.queries), documents: engine.upload(normalizedRows(data.docs)) }
    const defaults = { ...TRAIN_DEFAULTS, weightDecay: 0, maxGradNorm: 0 }
    const run = createStep(engine, linear, state, inputs, { ...defaults, ...options })
    const batch = (...members: number[]) => inBatchCandidates(data, listPairs(data), Uint32Array.from(members))
    return { engine, state, batch, b, ...run }
  }

  test('decay pulls W toward the identity, not zero, and b toward zero', async () => {
    const W = randomMatrix(4, 4, 3)
    const { engine, state, step, batch, b } = setup({ weightDecay: 10 }, W)
    // One pair has no negative and so no gradient: only the decay moves the weights, by lr x decay of the distance.
    step(batch(1), 1, 0.05)
    const halfway = W.data.map((value, k) => (value + identity(4).data[k]) / 2)
    const after = await readParams(engine, state)
    expectClose(after.W.data, halfway, 1e-6, 'W')
    expectClose(
      after.b.data,
      b.data.map(value => value / 2),
      1e-6,
      'b',
    )
  })

  test('a learning rate of 0 leaves the weights as they are', async () => {
    const W = randomMatrix(4, 4, 3)
    const { engine, state, step, batch } = setup({ weightDecay: 10 }, W)
    step(batch(0, 1, 2), 1, 0)
    expect((await readParams(engine, state)).W.data).toEqual(W.data)
  })

  test('clips by the norm of all gradients together: moments hold gradients of that norm', async () => {
    const moments = async (maxGradNorm: number) => {
      const { engine, state, step, batch } = setup({ maxGradNorm })
      step(batch(0, 1, 2), 1, 0)
      return [...(await engine.read(state.m.W)), ...(await engine.read(state.m.b))]
    }
    const [free, clipped, loose] = [await moments(0), await moments(1e-3), await moments(1e6)]
    // After the first step m = (1 - beta1) g.
    expect(Math.hypot(...free) / 0.1).toBeGreaterThan(0.01)
    expect(Math.hypot(...clipped) / 0.1).toBeCloseTo(1e-3, 5)
    expect(loose).toEqual(free)
    const ratio = Math.hypot(...clipped) / Math.hypot(...free)
    expectClose(
      Float32Array.from(clipped),
      Float32Array.from(free, value => value * ratio),
      1e-5,
      'direction',
    )
  })

  test('adds the losses of batches of different sizes', async () => {
    const each = async (...members: number[]) => {
      const { engine, step, batch, lossSum } = setup()
      step(batch(...members), 1, 0)
      return (await engine.read(lossSum))[0]
    }
    const { engine, step, batch, lossSum } = setup()
    step(batch(0, 1, 2), 1, 0)
    step(batch(2, 0), 2, 0)
    step(batch(1, 2, 0), 3, 0)
    const expected = 2 * (await each(0, 1, 2)) + (await each(2, 0))
    expect((await engine.read(lossSum))[0]).toBeCloseTo(expected, 4)
  })
})
