import { afterAll, describe, expect, test } from 'vitest'
import { adapterKind } from '../../src/adapters/index.js'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import { createJsEngine } from '../../src/engines/js.js'
import { createEvaluator } from '../../src/evaluate/evaluator.js'
import type { TrainingBatch } from '../../src/losses/batch-source.js'
import { hard } from '../../src/losses/hard.js'
import { dot, identity, type Matrix, matrix, norm, normalizedRows, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { adaptOn } from '../../src/train/adapt-on.js'
import { mine } from '../../src/train/mining.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { createParams, identityWeights } from '../../src/train/parameters.js'
import { createStep } from '../../src/train/step.js'
import { type TrainOptions, trainAdapter } from '../../src/train/train-adapter.js'
import { randomMatrix, randomUnitRows } from '../contracts/engine/support.js'
import { embedded } from '../helpers/embedded.js'
import { rejection } from '../helpers/rejection.js'

const linear = adapterKind('linear')
const js = createJsEngine()
const cpu = await createCpuEngine()
afterAll(() => cpu.dispose())

const [n, m, d] = [24, 90, 8]
const random = createRandom(5)
/** Graded positives, copies among the documents, judged negatives. */
const data = embedded({
  queries: randomMatrix(n, d, 1),
  docs: randomMatrix(m, d, 2),
  positives: Array.from({ length: n }, (_, i) => (i % 8 === 7 ? [] : [[i, 2] as const, [random.int(m), 1] as const])),
  docTextGroup: Array.from({ length: m }, (_, i) => i % 80),
  judgedNegatives: Array.from({ length: n }, (_, i) => (i % 3 === 0 ? [random.int(m), random.int(m)] : [])),
})
const COUNT = 4
const SCALE = 12

/** Documents of the batch of all queries at the identity map: the definition, in double precision. */
function batchByDefinition(): { documents: Set<number>; queries: number[] } {
  const text = (document: number) => data.docTextGroup[document]
  const queries = data.queryIds.map((_, i) => i).filter(i => data.positives[i].size > 0)
  const negatives = queries.flatMap(i => {
    const q = row(data.queries, i)
    const cosine = (k: number) => dot(q, row(data.docs, k)) / norm(q) / norm(row(data.docs, k))
    const relevant = new Set([...data.positives[i].keys()].map(text))
    const judged = [...new Set(data.judgedNegatives![i].map(text))].filter(t => !relevant.has(t))
    const best = Math.max(...[...data.positives[i].keys()].map(cosine))
    const mined = Array.from({ length: 80 }, (_, k) => k)
      .filter(k => !relevant.has(k) && !judged.includes(k) && cosine(k) <= best - 0.05 * Math.abs(best))
      .sort((a, b) => cosine(b) - cosine(a))
    return [...judged, ...mined].slice(0, COUNT)
  })
  const documents = new Set(queries.flatMap(i => [...data.positives[i].keys()]))
  const texts = new Set([...documents].map(text))
  for (const document of negatives) if (!texts.has(document)) documents.add(document)
  return { documents, queries }
}

/** The mean loss of all queries against all documents of the batch, for q' = W q. */
function lossByDefinition(W: ArrayLike<number>): number {
  const { documents, queries } = batchByDefinition()
  const losses = queries.map(i => {
    const q = Array.from({ length: d }, (_, r) => {
      let sum = 0
      for (let c = 0; c < d; c++) sum += W[r * d + c] * row(data.queries, i)[c]
      return sum
    })
    const positives = data.positives[i]
    const texts = new Set([...positives.keys()].map(document => data.docTextGroup[document]))
    const kept = [...documents].filter(k => positives.has(k) || !texts.has(data.docTextGroup[k]))
    const logits = new Map(kept.map(k => [k, (SCALE * dot(q, row(data.docs, k))) / norm(q) / norm(row(data.docs, k))] as const))
    const total = [...logits.values()].reduce((sum, logit) => sum + Math.exp(logit), 0)
    const grades = [...positives.values()].reduce((a, b) => a + b)
    return [...positives].reduce((sum, [k, grade]) => sum + (grade / grades) * (Math.log(total) - logits.get(k)!), 0)
  })
  return losses.reduce((a, b) => a + b) / losses.length
}

describe.each([
  ['js', js],
  ['cpu', cpu],
] as const)('training with hard negatives on %s', (_, engine) => {
  const options: TrainOptions = { engine, negatives: 'hard', hardNegatives: COUNT, scale: SCALE, batchSize: n }

  test('has the loss of the formula', async () => {
    const { epochs } = await trainAdapter({ train: data }, { ...options, epochs: 1, learningRate: 1e-30 })
    expect(Math.abs(epochs[0].loss - lossByDefinition(identity(d).data))).toBeLessThan(1e-5)
  })

  test('has the gradient of the formula', async () => {
    const source = hard.create(data, { ...TRAIN_DEFAULTS, batchSize: n, hardNegatives: COUNT })
    await mine(engine, linear, identityWeights(linear, d), data, source.mining!)
    const [batch] = source.epoch(createRandom(1)) as Iterable<TrainingBatch>
    const state = createParams(engine, linear, d)
    const inputs = { queries: engine.upload(data.queries), documents: engine.upload(normalizedRows(data.docs)) }
    const options = { ...TRAIN_DEFAULTS, scale: SCALE, weightDecay: 0, maxGradNorm: 0 }
    const { step } = createStep(engine, linear, state, inputs, options)
    step(batch, 1, 0)
    const gradient = await engine.read(state.grads.W)
    const h = 1e-5
    gradient.forEach((value, k) => {
      const moved = (by: number) => Float64Array.from(identity(d).data, (w, j) => (j === k ? w + by : w))
      const expected = (lossByDefinition(moved(h)) - lossByDefinition(moved(-h))) / (2 * h)
      expect(Math.abs(value - expected), `W[${k}]`).toBeLessThan(2e-4)
    })
  })

  test('gives the same bytes from the same seed, and others from another', async () => {
    const train = async (seed: number) =>
      (await trainAdapter({ train: data }, { ...options, epochs: 5, batchSize: 5, learningRate: 0.01, seed })).weights
    expect(await train(1)).toEqual(await train(1))
    expect((await train(1)).W.data).not.toEqual((await train(2)).W.data)
  })

  test('mines anew as the adapter moves, every so many epochs', async () => {
    const losses = async (mineEvery: number) => {
      const o = { ...options, epochs: 3, batchSize: 4, learningRate: 0.05, mineEvery }
      return (await trainAdapter({ train: data }, o)).epochs.map(({ loss }) => loss)
    }
    const [every, second, once] = [await losses(1), await losses(2), await losses(3)]
    expect([second[0], once[0]]).toEqual([every[0], every[0]])
    expect(second[1]).toBe(once[1])
    expect(second[1]).not.toBe(every[1])
    expect(second[2]).not.toBe(once[2])
    expect(await losses(99)).toEqual(once)
  })
})

test('engines agree on what hard negatives give', async () => {
  const options: TrainOptions = { negatives: 'hard', epochs: 3, batchSize: 6, learningRate: 0.01 }
  const [a, b] = [
    await trainAdapter({ train: data }, { ...options, engine: js }),
    await trainAdapter({ train: data }, { ...options, engine: cpu }),
  ]
  a.weights.W.data.forEach((value, k) => {
    expect(Math.abs(value - b.weights.W.data[k])).toBeLessThan(1e-4)
  })
})

/**
 * Groups of documents that differ a little; queries have the group's part as it is and the document's part in other places. To tell
 * the documents of a group apart is all there is to learn.
 */
function planted(count: number, seed: number): EmbeddedDataset {
  const [groups, members, half] = [40, 5, 12]
  const [common, own] = [randomUnitRows(groups, half, 91), randomUnitRows(groups * members, half, 92)]
  const rows = (size: number, part: (i: number) => [ArrayLike<number>, (j: number) => number]): Matrix => {
    const out = matrix(size, 2 * half)
    for (let i = 0; i < size; i++) {
      const [group, member] = part(i)
      for (let j = 0; j < half; j++) {
        out.data[i * 2 * half + j] = group[j]
        out.data[i * 2 * half + half + j] = 0.4 * member(j)
      }
    }
    return out
  }
  const draw = createRandom(seed)
  const positives = Array.from({ length: count }, () => [draw.int(groups * members)])
  const noise = randomMatrix(count, half, seed + 1)
  const groupOf = (document: number) => row(common, Math.floor(document / members))
  return embedded({
    docs: rows(groups * members, i => [groupOf(i), j => row(own, i)[j]]),
    queries: rows(count, i => {
      const [document] = positives[i]
      return [groupOf(document), j => row(own, document)[(j + 1) % half] + 0.05 * row(noise, i)[j]]
    }),
    positives,
  })
}

test('hard negatives find what small batches seldom show', async () => {
  const [train, held] = [planted(300, 1), planted(150, 3)]
  const evaluator = createEvaluator(held, ['mrr@10'])
  const score = async (negatives: TrainOptions['negatives']) => {
    const options = { engine: cpu, negatives, epochs: 6, batchSize: 4, learningRate: 0.005, scale: 20, maxGradNorm: 0 }
    const { weights } = await trainAdapter({ train }, options)
    return evaluator.evaluate(await adaptOn(cpu, linear, weights, held.queries)).mean['mrr@10']
  }
  const [inBatch, mined] = [await score('in-batch'), await score('hard')]
  expect(mined).toBeGreaterThan(inBatch + 0.05)
})

describe('trainAdapter', () => {
  test('stops while it mines when it is told to, before the first step', async () => {
    const steps: number[] = []
    const options: TrainOptions = { negatives: 'hard', signal: AbortSignal.abort(), onStep: step => steps.push(step) }
    expect(await rejection(trainAdapter({ train: data }, options))).toMatchObject({ code: 'ABORTED' })
    expect(steps).toEqual([])
  })

  test.each([
    ['hardNegatives', 0],
    ['hardNegatives', 1.5],
    ['hardMargin', -0.1],
    ['hardMargin', Number.NaN],
    ['mineEvery', 0],
  ] as const)('refuses %s %d', async (name, value) => {
    const error = await rejection(trainAdapter({ train: data }, { negatives: 'hard', [name]: value }))
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(name) })
  })
})
