import { describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter, validateAdapter } from '../../src/adapters/adapter.js'
import { decodeAdapter, encodeAdapter } from '../../src/adapters/file.js'
import { ADAPTER_KIND_NAMES } from '../../src/adapters/index.js'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createEvaluator } from '../../src/evaluate/evaluator.js'
import { fromRows, matrix } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { type TrainOptions, type TrainResult, trainAdapter } from '../../src/train/train-adapter.js'
import { randomMatrix, randomUnitRows } from '../contracts/engine/support.js'
import { embedded } from '../helpers/embedded.js'
import { rejection } from '../helpers/rejection.js'

const d = 8

/** Queries near their document, but for two axes that have changed places and one that outweighs the others. */
function disturbed(count: number, seed: number): EmbeddedDataset {
  const docs = randomUnitRows(40, d, 99)
  const random = createRandom(seed)
  const noise = randomMatrix(count, d, seed + 1).data
  const queries = matrix(count, d)
  const positives = Array.from({ length: count }, (_, i) => {
    const doc = random.int(docs.rows)
    const [x, y, z, ...rest] = docs.data.subarray(doc * d, (doc + 1) * d)
    queries.data.set([y, x, 6 * z, ...rest], i * d)
    for (let j = 0; j < d; j++) queries.data[i * d + j] += 0.05 * noise[i * d + j]
    return [doc]
  })
  return embedded({ queries, docs, positives })
}

const train = disturbed(300, 1)
const held = disturbed(100, 3)
const options: TrainOptions = { engine: 'js', epochs: 6, batchSize: 32, learningRate: 0.02, pull: 1 }

function adapterOf({ kind, weights }: TrainResult): Adapter {
  const training = { tool: '', date: '', data: {}, options: {}, metrics: {} }
  return { kind, base: { id: 'test/model', dimensions: d, normalized: false }, training, params: weights }
}

const score = (data: EmbeddedDataset, result?: TrainResult) =>
  createEvaluator(data, ['mrr@10']).evaluate(result ? applyAdapter(adapterOf(result), data.queries) : data.queries).mean['mrr@10']

/** A kind without a matrix, such as a bias alone, cannot bring back what `disturbed` has mixed. */
const WITH_MATRIX = ['linear', 'low-rank', 'diagonal', 'residual-mlp', 'ridge', 'procrustes', 'linear-memory']

test.each(WITH_MATRIX)('trainAdapter with kind %s improves held-out queries', async kind => {
  const result = await trainAdapter({ train }, { ...options, kind })
  expect(score(held)).toBeLessThan(0.7)
  expect(score(held, result)).toBeGreaterThan(score(held) + 0.05)
})

describe.each(ADAPTER_KIND_NAMES)('trainAdapter with kind %s', kind => {
  test('gives the same weights every time, and not the identity', async () => {
    const result = await trainAdapter({ train }, { ...options, kind })
    expect(await trainAdapter({ train }, { ...options, kind })).toMatchObject({ weights: result.weights })
    expect(applyAdapter(adapterOf(result), held.queries).data).not.toEqual(held.queries.data)
  })

  test('gives an adapter that its file can hold, the identity as well', async () => {
    const random = embedded({
      queries: randomMatrix(6, d, 1),
      docs: randomMatrix(6, d, 2),
      positives: [[0], [1], [2], [3], [4], [5]],
    })
    // Each query's own vector is its best document: nothing can beat the identity.
    const validation = { ...random, docs: random.queries }
    for (const data of [{ train }, { train: random, validation }]) {
      const adapter = adapterOf(await trainAdapter(data, { ...options, kind }))
      validateAdapter(adapter)
      expect(decodeAdapter(encodeAdapter(adapter))).toEqual(adapter)
    }
  })
})

describe.each(['ridge', 'procrustes'])('closed form %s in training', kind => {
  test('is one epoch and gives a linear adapter, whatever the options of other kinds say', async () => {
    const seen: unknown[] = []
    const result = await trainAdapter(
      { train, validation: held },
      { ...options, kind, epochs: 9, patience: 1, onEpoch: e => seen.push(e), onStep: (...s) => seen.push(s) },
    )
    expect(result.kind).toBe('linear')
    expect(result.epochs).toHaveLength(1)
    expect(result).toMatchObject({ bestEpoch: 1, stoppedEarly: false, baseMetric: expect.any(Number) })
    expect(seen).toEqual([[1, 1], result.epochs[0]])
    expect(result.epochs[0].loss).toBeGreaterThan(0)
    expect(result.epochs[0].metric).toBeGreaterThan(result.baseMetric!)
    expect(result.weights.b.data).toEqual(new Float32Array(d))
  })

  test('keeps the identity when that is better on the validation set', async () => {
    const turned = embedded({ queries: [[1, 0]], docs: [[0, 1]], positives: [[0]] })
    const validation = embedded({
      queries: fromRows([[1, 0]]),
      docs: [
        [1, 0],
        [0, 1],
      ],
      positives: [[0]],
    })
    const result = await trainAdapter({ train: turned, validation }, { kind, engine: 'js', pull: 0.01 })
    expect(result.bestEpoch).toBe(0)
    expect(result.weights.W.data).toEqual(Float32Array.of(1, 0, 0, 1))
  })

  test('maps to the mean of the positives, weighted by their grades, of directions alone', async () => {
    const parts = {
      docs: [
        [5, 0],
        [0, 0.1],
      ],
      positives: [
        [
          [0, 3],
          [1, 1],
        ],
      ],
    } as const
    const trainOn = (query: number[]) => {
      const data = embedded({ queries: [query, [1, 1]], docs: parts.docs, positives: [...parts.positives, []] })
      return trainAdapter({ train: data }, { kind, engine: 'js', pull: 1 })
    }
    const { weights, epochs } = await trainOn([0, 1])
    expect((await trainOn([0, 7])).weights).toEqual(weights)
    // t = (3/4, 1/4), and ridge goes half the way from q = (0, 1) to it.
    const [x, y] = [weights.W.data[1], weights.W.data[3]]
    expect(epochs[0].loss).toBeCloseTo((x - 0.75) ** 2 + (y - 0.25) ** 2, 5)
    if (kind === 'ridge') expect([x, y]).toEqual([expect.closeTo(0.375, 5), expect.closeTo(0.625, 5)])
  })

  test('stops when it is told to', async () => {
    const error = await rejection(trainAdapter({ train }, { kind, engine: 'js', signal: AbortSignal.abort() }))
    expect(error).toMatchObject({ code: 'ABORTED' })
  })

  test('says so when the pull is too weak for the pairs', async () => {
    const one = embedded({
      queries: [
        [1, 0],
        [1, 0],
      ],
      docs: [[1, 0]],
      positives: [[0], [0]],
    })
    const error = await rejection(trainAdapter({ train: one }, { kind, engine: 'js', pull: 0 }))
    expect(error).toMatchObject({ code: 'TRAIN_DATA', message: expect.stringContaining('larger --pull') })
  })
})

describe('the size of an adapter', () => {
  test.each([
    ['low-rank', 'V', 3],
    ['residual-mlp', 'W1', 20],
  ])('of kind %s is what was asked for', async (kind, param, size) => {
    const { weights } = await trainAdapter({ train }, { ...options, kind, size, epochs: 1 })
    expect(weights[param].rows).toBe(size)
  })

  test.each([
    ['low-rank', 0, /"size": expected a whole number of at least 1, found 0/],
    ['residual-mlp', 2.5, /"size": expected a whole number.*found 2\.5/],
    ['linear', 4, /"linear" has no size, found 4/],
    ['ridge', 4, /"ridge" has no size/],
  ])('is refused for %s: %d', async (kind, size, message) => {
    const error = await rejection(trainAdapter({ train }, { ...options, kind, size }))
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) })
  })
})
