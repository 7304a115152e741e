import { expect, test } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import { familiarityOf } from '../../src/drift/familiarity.js'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createJsEngine } from '../../src/engines/js.js'
import { createEvaluator } from '../../src/evaluate/evaluator.js'
import { matrix, normalizeInPlace, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { gatherRows } from '../../src/math/row-source.js'
import { fitPartWeights, foldWeights, scaleParts } from '../../src/pipeline/compose-weights.js'
import { partsFromVectors } from '../../src/pipeline/embedded-parts.js'
import type { HybridComparison } from '../../src/pipeline/hybrid-rows.js'
import { runBridge } from '../../src/pipeline/run-bridge.js'
import { sweepParts } from '../../src/pipeline/run-sweep.js'
import { trainInFolds } from '../../src/pipeline/train-in-folds.js'
import { trainOnEmbedded } from '../../src/pipeline/train-on-embedded.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

const BLOCKS = [6, 10]

/** Two models side by side: queries of each are its documents' vectors with noise. */
function twoParts(queries: number, noise: readonly [number, number], seed: number): EmbeddedDataset {
  const random = createRandom(seed)
  const docs = matrix(60, 16)
  const asked = matrix(queries, 16)
  const unit = (m: typeof docs, i: number) => {
    normalizeInPlace(row(m, i).subarray(0, 6))
    normalizeInPlace(row(m, i).subarray(6))
  }
  for (let i = 0; i < docs.rows; i++) {
    for (let j = 0; j < 16; j++) docs.data[i * 16 + j] = createRandom(1000 * i + j).normal()
    unit(docs, i)
  }
  for (let i = 0; i < queries; i++) {
    for (let j = 0; j < 16; j++) asked.data[i * 16 + j] = docs.data[(i % 60) * 16 + j] + noise[j < 6 ? 0 : 1] * random.normal()
    unit(asked, i)
  }
  return {
    baseId: 'compose/a+b',
    queryIds: Array.from({ length: queries }, (_, i) => `q${i}`),
    docIds: Array.from({ length: 60 }, (_, i) => `d${i}`),
    queries: asked,
    docs,
    positives: Array.from({ length: queries }, (_, i) => new Map([[i % 60, 1]])),
    docTextGroup: Uint32Array.from({ length: 60 }, (_, i) => i),
  }
}

const options = { metric: 'ndcg@10', seed: 1, gated: true }

test('the better model gets the larger weight, by more than chance, or none counts more than another', async () => {
  const { weights, gate } = await fitPartWeights(createJsEngine(), twoParts(150, [0.3, 1.5], 5), BLOCKS, options)
  expect(gate.passed).toBe(true)
  expect(weights[0]).toBeGreaterThan(weights[1])
  expect(weights[0] ** 2 + weights[1] ** 2).toBeCloseTo(2, 9)
  const alike = await fitPartWeights(createJsEngine(), twoParts(40, [0.02, 0.02], 6), BLOCKS, options)
  expect(alike).toMatchObject({ weights: [1, 1], gate: { kept: false } })
})

test('the model that finds the more relevant of two documents counts more', async () => {
  const data = twoParts(150, [0.3, 0.3], 5)
  const { queries, docs } = data
  // The second model takes the less relevant document for the query's own.
  for (let i = 0; i < queries.rows; i++) row(queries, i).set(row(docs, (i + 1) % 60).subarray(6), 6)
  const positives = data.queryIds.map((_, i) => new Map([(i + 1) % 60, i % 60].map((doc, k) => [doc, k === 0 ? 1 : 3])))
  const { weights } = await fitPartWeights(createJsEngine(), { ...data, positives }, BLOCKS, options)
  expect(weights[0]).toBeGreaterThan(weights[1])
})

test('weights in W do what weighted queries do', () => {
  const adapter = sampleAdapter('linear', 16)
  const { queries } = twoParts(3, [0.3, 0.3], 2)
  const scaled = gatherRows(scaleParts(queries, BLOCKS, [1.2, 0.4]), [2]).data
  const [expected, found] = [
    applyAdapter(adapter, scaled),
    applyAdapter({ ...adapter, params: foldWeights(adapter.params, BLOCKS, [1.2, 0.4]) }, row(queries, 2)),
  ]
  found.forEach((x, j) => {
    expect(x).toBeCloseTo(expected[j], 5)
  })
})

test('training on a composed model ships the weights in W, measured against the plain concatenation', async () => {
  const data = { train: twoParts(150, [0.3, 1.5], 5), test: twoParts(90, [0.3, 1.5], 9) }
  const run = { train: { engine: 'cpu', seed: 1 }, tuneBudget: 1 }
  const plain = await trainOnEmbedded(partsFromVectors(data), {
    ...run,
    tune: 'off',
    train: { engine: 'cpu', epochs: 1 },
  })
  const { adapter, report, rejected } = await trainOnEmbedded({ ...partsFromVectors(data), blocks: BLOCKS }, run)
  expect(rejected).toBeUndefined()
  expect(report.weights).toMatchObject({ used: true, gate: { passed: true } })
  expect(report.metrics?.base).toEqual(plain.report.metrics?.base)
  expect(report.metrics!.adapted['ndcg@10']).toBeGreaterThan(report.metrics!.base['ndcg@10'])
  expect(adapter.training).toMatchObject({ options: { weights: report.weights?.weights }, metrics: { split: 'test' } })
})

test('an interrupted training keeps the weights that are in W, and says them', async () => {
  const stop = new AbortController()
  const { adapter, report } = await trainOnEmbedded(
    { ...partsFromVectors({ train: twoParts(150, [0.3, 1.5], 5) }), blocks: BLOCKS },
    {
      train: { engine: 'cpu', seed: 1, onEpoch: () => stop.abort() },
      textTerms: 'off',
      signal: stop.signal,
      keepOnAbort: true,
    },
  )
  expect(report).toMatchObject({ interrupted: { afterEpoch: 1 }, weights: { used: true } })
  expect(adapter.training.options).toMatchObject({ weights: report.weights!.weights })
})

test('figures and facts are of plain queries, with text terms too and fold by fold', async () => {
  const worded = (queries: number, seed: number) => {
    const set = twoParts(queries, [0.6, 1.5], seed)
    const words = set.docIds.map((_, i) => `a${i % 12} b${i % 7} c${i % 5}`)
    return { ...set, docTexts: words, queryTexts: set.queryIds.map((_, i) => words[i % 60]) }
  }
  const data = { train: worded(150, 5), test: worded(90, 9) }
  const run = { train: { engine: 'cpu', seed: 1 }, textTerms: 'words' } as const
  const { adapter, report } = await trainOnEmbedded({ ...partsFromVectors(data), blocks: BLOCKS }, run)
  expect(report).toMatchObject({ weights: { used: true }, terms: { source: expect.any(String) } })
  const base = createEvaluator(data.test).evaluate(data.test.queries).mean
  expect(report.metrics!.base['ndcg@10']).toBeCloseTo(base['ndcg@10'], 6)
  expect((report.hybrid as HybridComparison).rows[0]).toMatchObject({
    name: 'the base',
    vectors: expect.closeTo(base['ndcg@10'], 6),
  })
  expect(adapter.training.familiarity).toEqual(familiarityOf(data.train.queries, 1))
  const folds = await trainInFolds({ ...partsFromVectors(data), blocks: BLOCKS }, { ...run, kFold: 2 })
  expect(folds.report).toMatchObject({ metrics: { split: 'k-fold' }, weights: { used: true } })
  expect(folds.report.test!.metrics.base['ndcg@10']).toBeCloseTo(base['ndcg@10'], 6)
})

test('a sweep ships the W that it trained, without weights of the parts', async () => {
  const parts = partsFromVectors({ train: twoParts(80, [0.3, 1.5], 5) })
  const points = [{ negatives: 'positives', scale: 20, pull: 10 }] as const
  const run = { engine: 'cpu', seed: 1, gate: false } as const
  const plain = await sweepParts(parts, points, run)
  const composed = await sweepParts({ ...parts, blocks: BLOCKS }, points, run)
  expect(composed.report.weights).toBeUndefined()
  expect(composed.adapter.params).toEqual(plain.adapter.params)
})

test('labels of a bridge are gated without the texts, which it cannot hold', async () => {
  const set = twoParts(80, [1.5, 1.5], 5)
  const words = set.docIds.map((_, i) => `a${i % 12} b${i % 7} c${i % 5}`)
  const worded = { ...set, docTexts: words, queryTexts: set.queryIds.map((_, i) => words[i % 60]) }
  const space = { id: 'compose/a+b', dimensions: 16, normalized: true }
  const cost = { texts: 60, tokens: null, dollars: null }
  const bridge = (train: typeof set) =>
    runBridge(
      {
        base: space,
        index: { ...space, metric: 'cosine' },
        pairs: { from: set.docs, to: set.docs },
        documents: 60,
        train,
        cost: { bridge: cost, reembed: cost },
      },
      { engine: 'cpu', seed: 1, tuneBudget: 600 },
    )
  const [plain, withTexts] = [await bridge(set), await bridge(worded)]
  expect(withTexts.report.gate).toEqual(plain.report.gate)
  expect(withTexts.adapter.params).toEqual(plain.adapter.params)
})
