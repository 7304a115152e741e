import { describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import type { Weights } from '../../src/adapters/kind.js'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createEvaluator } from '../../src/evaluate/evaluator.js'
import { fromRows, identity, type Matrix, matrix, normalizedRows } from '../../src/math/matrix.js'
import { multiplyTransposed } from '../../src/math/product.js'
import { createRandom } from '../../src/math/random.js'
import { type TrainOptions, trainAdapter } from '../../src/train/train-adapter.js'
import type { EpochResult } from '../../src/train/trainer.js'
import { randomMatrix, randomUnitRows } from '../contracts/engine/support.js'
import { countingEngine } from '../helpers/counting-engine.js'
import { embedded } from '../helpers/embedded.js'
import { rejection } from '../helpers/rejection.js'

/** Queries that are their document turned by a random orthogonal matrix, with a little noise. */
function rotated(count: number, d: number, seed: number): EmbeddedDataset {
  const docs = randomUnitRows(30, d, 99)
  const random = createRandom(seed)
  const positives = Array.from({ length: count }, () => [random.int(docs.rows)])
  const turned = matrix(docs.rows, d)
  multiplyTransposed(docs, orthogonal(d), turned)
  const noise = randomMatrix(count, d, seed + 1).data
  const queries = matrix(count, d)
  positives.forEach(([doc], i) => {
    for (let j = 0; j < d; j++) queries.data[i * d + j] = turned.data[doc * d + j] + 0.1 * noise[i * d + j]
  })
  return embedded({ queries, docs, positives })
}

/** Reflections at d random hyperplanes, one after the other. */
function orthogonal(d: number): Matrix {
  let result = identity(d)
  for (let r = 0; r < d; r++) {
    const u = randomUnitRows(1, d, 50 + r).data
    const H = identity(d)
    for (let k = 0; k < H.data.length; k++) H.data[k] -= 2 * u[Math.floor(k / d)] * u[k % d]
    const next = matrix(d, d)
    multiplyTransposed(result, H, next)
    result = next
  }
  return result
}

/** Six documents on a circle; query k stands the given angle before document k. */
function circle(degrees: number): EmbeddedDataset {
  const at = (angle: number) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]
  const documents = [0, 60, 120, 180, 240, 300]
  return embedded({
    queries: documents.map(angle => at(angle - degrees)),
    docs: documents.map(at),
    positives: documents.map((_, i) => [i]),
  })
}

function score(data: EmbeddedDataset, weights: Weights | undefined, metric: string): number {
  const base = { id: data.baseId, dimensions: data.queries.cols, normalized: true }
  const adapter = { kind: 'linear', base, params: weights } as Adapter
  const queries = weights ? applyAdapter(adapter, data.queries) : data.queries
  return createEvaluator(data, [metric]).evaluate(queries).mean[metric]
}

const small = rotated(20, 4, 1)

describe('trainAdapter learns', () => {
  test('a planted rotation, so that held-out queries find their documents', async () => {
    const [train, validation, test] = [rotated(300, 12, 1), rotated(60, 12, 3), rotated(60, 12, 5)]
    const options = { epochs: 12, batchSize: 32, learningRate: 0.02, metric: 'mrr@10' }
    const { weights, epochs, bestEpoch, baseMetric } = await trainAdapter({ train, validation }, options)
    const metrics = epochs.map(epoch => epoch.metric as number)
    expect(baseMetric).toBe(score(validation, undefined, 'mrr@10'))
    expect(baseMetric).toBeLessThan(0.3)
    expect(Math.max(...metrics)).toBeGreaterThan(0.95)
    expect(metrics[bestEpoch - 1]).toBe(Math.max(...metrics))
    expect(epochs[epochs.length - 1].loss).toBeLessThan(epochs[0].loss / 3)
    expect(score(test, undefined, 'mrr@10')).toBeLessThan(0.3)
    expect(score(test, weights, 'mrr@10')).toBeGreaterThan(0.9)
  })

  test('the same weights, bit for bit, from the same seed, and others from another', async () => {
    const weights = async (seed?: number) => (await trainAdapter({ train: small }, { batchSize: 8, seed })).weights
    const [first, again, fallback, other] = [await weights(42), await weights(42), await weights(), await weights(43)]
    expect(first.W.data).not.toEqual(identity(4).data)
    expect(Buffer.from(again.W.data.buffer)).toEqual(Buffer.from(first.W.data.buffer))
    expect(again).toEqual(first)
    expect(fallback).toEqual(first)
    expect(other.W.data).not.toEqual(first.W.data)
  })

  test('from every positive of a query', async () => {
    const train = embedded({
      queries: randomMatrix(3, 4, 1),
      docs: randomMatrix(6, 4, 2),
      positives: [[0, 1, 2], [], [3, 5]],
    })
    const steps: number[][] = []
    await trainAdapter({ train }, { epochs: 2, batchSize: 1, onStep: (step, total) => steps.push([step, total]) })
    expect(steps).toEqual(Array.from({ length: 10 }, (_, i) => [i + 1, 10]))
  })

  test('in batches larger than the data, and with a last batch that is smaller', async () => {
    const whole = await trainAdapter({ train: small }, { batchSize: 20 })
    expect((await trainAdapter({ train: small }, { batchSize: 1000 })).weights).toEqual(whole.weights)
    const steps: number[] = []
    const odd = await trainAdapter({ train: small }, { epochs: 1, batchSize: 8, onStep: step => steps.push(step) })
    expect(steps).toEqual([1, 2, 3])
    expect(odd.epochs[0].loss).toBeGreaterThan(0)
  })

  test('with the mean loss of the examples, whatever the size of their batch', async () => {
    // Without learning, 20 examples in batches of one have no negatives: a loss of 0.
    const loss = async (batchSize: number) =>
      (await trainAdapter({ train: small }, { epochs: 1, batchSize, learningRate: 1e-30 })).epochs[0].loss
    expect(await loss(1)).toBe(0)
    // Of two equally long batches of the same data each example sees fewer negatives than in one batch of all.
    expect(await loss(10)).toBeGreaterThan(0)
    expect(await loss(20)).toBeGreaterThan(await loss(10))
  })
})

describe('trainAdapter keeps', () => {
  // The map turns queries by up to 90 degrees, on its way passing the 40 degrees that the validation set needs.
  const passing = { train: circle(90), validation: circle(40) }
  const options: TrainOptions = {
    epochs: 60,
    batchSize: 6,
    learningRate: 0.05,
    warmup: 0,
    metric: 'hit@1',
    patience: 0,
  }

  test('the first of the best epochs where later ones get worse', async () => {
    const { weights, epochs, bestEpoch, baseMetric, stoppedEarly } = await trainAdapter(passing, options)
    const metrics = epochs.map(epoch => epoch.metric as number)
    expect(baseMetric).toBe(0)
    expect(metrics).toHaveLength(60)
    expect(stoppedEarly).toBe(false)
    expect(metrics[59]).toBe(0)
    expect(bestEpoch).toBe(metrics.indexOf(1) + 1)
    expect(bestEpoch).toBeGreaterThan(1)
    expect(score(passing.validation, weights, 'hit@1')).toBe(1)
  })

  test('nothing of what comes once the metric has not risen for some epochs', async () => {
    const full = await trainAdapter(passing, options)
    const { weights, epochs, bestEpoch, stoppedEarly } = await trainAdapter(passing, { ...options, patience: 8 })
    expect(stoppedEarly).toBe(true)
    expect(bestEpoch).toBe(full.bestEpoch)
    expect(epochs).toHaveLength(bestEpoch + 8)
    expect(weights).toEqual(full.weights)
  })

  test('the identity map, as epoch 0, where no epoch beats it', async () => {
    const data = { train: circle(90), validation: circle(0) }
    const { weights, bestEpoch, baseMetric, epochs } = await trainAdapter(data, { ...options, patience: 2 })
    expect(baseMetric).toBe(1)
    expect(bestEpoch).toBe(0)
    expect(epochs).toHaveLength(2)
    expect(weights).toEqual({ W: identity(2), b: matrix(1, 2) })
  })

  test('the last epoch where there is no validation set, however small its patience', async () => {
    const seen: EpochResult[] = []
    const { epochs, bestEpoch, baseMetric, stoppedEarly } = await trainAdapter(
      { train: small },
      { epochs: 3, patience: 1, onEpoch: epoch => seen.push(epoch) },
    )
    expect({ bestEpoch, baseMetric, stoppedEarly }).toEqual({
      bestEpoch: 3,
      baseMetric: undefined,
      stoppedEarly: false,
    })
    expect(seen).toEqual(epochs)
    expect(epochs.map(({ epoch, metric }) => [epoch, metric])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, undefined],
    ])
  })
})

describe('trainAdapter refuses', () => {
  const refusal = (train: EmbeddedDataset, options: TrainOptions = {}) => rejection(trainAdapter({ train }, options))

  test('data without a single positive', async () => {
    const empty = embedded({ queries: matrix(0, 4), docs: matrix(0, 4), positives: [] })
    const unjudged = embedded({ queries: randomMatrix(2, 4, 1), docs: randomMatrix(2, 4, 2), positives: [[], []] })
    for (const data of [empty, unjudged]) {
      expect(await refusal(data)).toMatchObject({
        code: 'TRAIN_DATA',
        message: expect.stringContaining('no query with a relevant document'),
      })
    }
  })

  test('a query or document without a direction, naming it', async () => {
    const [rows, zero] = [
      randomMatrix(2, 2, 1),
      fromRows([
        [1, 2],
        [0, 0],
      ]),
    ]
    const positives = [[0], [1]]
    const query = await refusal(embedded({ queries: zero, docs: rows, positives }))
    expect(query).toMatchObject({ code: 'TRAIN_DATA', details: { id: 'query1' } })
    expect(query.message).toContain('query "query1" is the zero vector')
    const document = await refusal(embedded({ queries: rows, docs: zero, positives }))
    expect(document).toMatchObject({ code: 'TRAIN_DATA', details: { id: 'doc1' } })
    expect(document.message).toContain('document "doc1" is the zero vector')
  })

  test('a validation set of another length of vector', async () => {
    const error = await rejection(trainAdapter({ train: small, validation: rotated(5, 6, 1) }))
    expect(error).toMatchObject({
      code: 'TRAIN_DATA',
      message: expect.stringMatching(/expected the 4 dimensions.*found 6/),
    })
  })

  test('to go on once the loss is not finite', async () => {
    const epochs: EpochResult[] = []
    const options = { epochs: 50, batchSize: 10, learningRate: 1e30, onEpoch: (e: EpochResult) => epochs.push(e) }
    const error = await refusal(small, options)
    expect(error).toMatchObject({ code: 'TRAIN_DIVERGED', message: expect.stringContaining('1e+30') })
    expect(epochs.length).toBeLessThan(2)
  })

  test('weights that are not finite although every loss was, as it is measured before the step', async () => {
    const error = await refusal(small, { epochs: 1, batchSize: 20, learningRate: 1e39 })
    expect(error).toMatchObject({ code: 'TRAIN_DIVERGED', message: expect.stringContaining('in epoch 1') })
  })

  test.each([
    ['epochs', [0, 1.5, -1, '4']],
    ['batchSize', [0, 2.5, Number.NaN]],
    ['learningRate', [0, -1, Number.NaN, Number.POSITIVE_INFINITY]],
    ['warmup', [-0.1, 1.1, Number.NaN]],
    ['scale', [0, -20, Number.NaN]],
    ['weightDecay', [-0.1, Number.NaN]],
    ['maxGradNorm', [-1, Number.NaN]],
    ['seed', [0.5, -1, 2 ** 60]],
    ['pull', [-1, Number.POSITIVE_INFINITY]],
    ['maxNegatives', [0, 1.5]],
    ['schedule', ['cos']],
    ['patience', [-1, 0.5]],
    ['negatives', ['no-such-negatives', 'toString']],
  ])('%s that make no sense, before it starts', async (name, values) => {
    for (const value of values) {
      const error = await refusal(small, { [name]: value })
      expect(error.code).toBe('USAGE')
      expect(error.message).toContain(name)
      expect(error.message).toContain(String(value))
    }
  })
})

describe('trainAdapter stops', () => {
  test('when it is told to in the middle of an epoch', async () => {
    const controller = new AbortController()
    const steps: number[] = []
    const onStep = (step: number) => {
      steps.push(step)
      if (step === 3) controller.abort('enough')
    }
    const options = { batchSize: 2, signal: controller.signal, onStep }
    const error = await rejection(trainAdapter({ train: small }, options))
    expect(error).toMatchObject({ code: 'ABORTED', cause: 'enough' })
    expect(steps).toEqual([1, 2, 3])
  })

  test('before the first step when it was told to before', async () => {
    const steps: number[] = []
    const options = { signal: AbortSignal.abort(), onStep: (step: number) => steps.push(step) }
    expect(await rejection(trainAdapter({ train: small }, options))).toMatchObject({ code: 'ABORTED' })
    expect(steps).toEqual([])
  })

  test('at a timer, as it lets other work have its turn', async () => {
    const options = { epochs: 5000, batchSize: 2, signal: AbortSignal.timeout(20) }
    expect(await rejection(trainAdapter({ train: small }, options))).toMatchObject({ code: 'ABORTED' })
  })
})

describe('an engine that is passed in', () => {
  test('lives on, with every tensor given back once', async () => {
    const { engine, held, count } = countingEngine()
    const result = await trainAdapter({ train: small, validation: small }, { engine, batchSize: 8 })
    expect(result.engine).toBe('js')
    expect(count.made).toBeGreaterThan(10)
    expect(held.size).toBe(0)
    expect(count.disposed).toBe(0)
  })

  test.each<[string, TrainOptions]>([
    ['diverges', { learningRate: 1e39 }],
    ['is stopped', { signal: AbortSignal.abort() }],
    ['is given a metric that is none', { metric: 'no-such-metric' }],
  ])('has every tensor given back when training %s', async (_, options) => {
    const { engine, held, count } = countingEngine()
    await rejection(trainAdapter({ train: small, validation: small }, { engine, ...options }))
    expect(held.size).toBe(0)
    expect(count.disposed).toBe(0)
  })

  test('is not changed by what it worked on: the data set stays as it is', async () => {
    const before = { queries: small.queries.data.slice(), docs: small.docs.data.slice() }
    await trainAdapter({ train: small, validation: small }, { batchSize: 8 })
    expect(small.queries.data).toEqual(before.queries)
    expect(small.docs.data).toEqual(before.docs)
    expect(normalizedRows(small.docs).data).toEqual(normalizedRows(matrix(30, 4, before.docs)).data)
  })
})
