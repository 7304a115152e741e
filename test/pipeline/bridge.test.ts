import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lancedb/lancedb'
import { expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { encodeAdapter } from '../../src/adapters/file.js'
import { memoryCache } from '../../src/cache/memory-cache.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import type { EmbeddedDataset, VectorParts } from '../../src/embed/embedded-dataset.js'
import { createJsEngine } from '../../src/engines/js.js'
import { firstNonFinite, type Matrix, matrix, normalizedRows, row } from '../../src/math/matrix.js'
import { multiplyTransposed } from '../../src/math/product.js'
import { createRandom } from '../../src/math/random.js'
import { bridge, cachedTarget, indexTarget, openBridgeFolders, openBridgeTexts } from '../../src/pipeline/bridge-data.js'
import { createProvider } from '../../src/providers/index.js'
import { fitBridge } from '../../src/train/bridge/fit-bridge.js'

const LATENT = 8

function normal(rows: number, cols: number, seed: number): Matrix {
  const random = createRandom(seed)
  return matrix(
    rows,
    cols,
    Float32Array.from({ length: rows * cols }, () => random.normal()),
  )
}

/** Queries and documents as two models see them: rotations and stretches of the same meanings, with noise of their own. */
function twoModels(from: number, to: number, { noise = 0.1, unrelated = false } = {}) {
  const meaning = { docs: normal(240, LATENT, 1), train: normal(120, LATENT, 2), test: normal(80, LATENT, 3) }
  const near = (part: Matrix): Matrix =>
    matrix(
      part.rows,
      LATENT,
      part.data.map((x, i) => meaning.docs.data[i] + 0.3 * x),
    )
  const texts = { docs: meaning.docs, train: near(meaning.train), test: near(meaning.test) }
  const seen = (m: Matrix, dimensions: number, seed: number): Matrix => {
    const out = normal(m.rows, dimensions, 100 * seed + m.rows)
    for (let i = 0; i < out.data.length; i++) out.data[i] *= noise
    if (!unrelated || seed === 7) multiplyTransposed(m, normal(dimensions, LATENT, seed), out, 1, 1)
    else out.data.set(normal(m.rows, dimensions, seed).data)
    return normalizedRows(out)
  }
  const partsOf = (dimensions: number, seed: number): VectorParts => {
    const docs = seen(texts.docs, dimensions, seed)
    const part = (queries: Matrix): EmbeddedDataset => ({
      baseId: `acme/${seed}`,
      queryIds: Array.from({ length: queries.rows }, (_, i) => `q${i}`),
      docIds: Array.from({ length: docs.rows }, (_, i) => `d${i}`),
      queries: seen(queries, dimensions, seed),
      docs,
      positives: Array.from({ length: queries.rows }, (_, i) => new Map([[i, 1]])),
      docTextGroup: Uint32Array.from({ length: docs.rows }, (_, i) => i),
    })
    return { train: part(texts.train), test: part(texts.test) }
  }
  return { from: partsOf(from, 7), to: partsOf(to, 9) }
}

const options = { engine: 'js', seed: 1 }
const labelling = { engine: 'cpu', tuneBudget: 1 }

test.each([
  [12, 20],
  [20, 12],
  [12, 12],
])('a model of %s dimensions finds nearly what the index of %s finds by its own, with no label', async (from, to) => {
  const { adapter, rejected, report } = await bridge({ ...twoModels(from, to), ...options })
  expect(rejected).toBeUndefined()
  expect(adapter).toMatchObject({ base: { id: 'acme/7', dimensions: from }, index: { id: 'acme/9', dimensions: to } })
  expect(adapter.params.W).toMatchObject({ rows: to, cols: from })
  expect(report.recovered).toBeGreaterThan(0.95)
  expect(report).toMatchObject({ verdict: 'switch', recoveredBy: 'ndcg@10', metrics: { labelled: null } })
  expect(report.recovered).toBeCloseTo(report.metrics.mapped!['ndcg@10'] / report.metrics.native!['ndcg@10'], 10)
  expect(report.tried.map(({ fit }) => fit)).toEqual(expect.arrayContaining(['procrustes', 'ridge', 'low-rank', 'residual-mlp']))
  const { params } = (await bridge({ ...twoModels(from, to), ...options })).adapter
  expect(params).toEqual(adapter.params)
})

test('two models that have nothing in common are told so', async () => {
  const { report } = await bridge({ ...twoModels(12, 20, { unrelated: true }), ...options })
  expect(report.recovered).toBeLessThan(0.5)
  expect(report).toMatchObject({ verdict: 'unusable' })
  expect(report.sentence).toMatch(/^not usable: .* 12 dimensions cannot hold all that 20 do/)
})

test('labels are trained on from the bridge, in one matrix, and are never worse than none by more than .004', async () => {
  const { openPairs, remove } = pairsFile(Array.from({ length: 120 }, (_, i) => [i, i]))
  try {
    const models = twoModels(12, 20, { noise: 0.6 })
    const { adapter, report } = await bridge({ ...models, train: openPairs, ...options, ...labelling })
    const { mapped, labelled } = report.metrics
    expect(labelled!['ndcg@10']).toBeGreaterThanOrEqual(mapped!['ndcg@10'] - 0.004)
    expect(report.gate).toBeDefined()
    expect(adapter.params.W).toMatchObject({ rows: 20, cols: 12 })
    expect(adapter.training.queries).toMatchObject({ count: 120 })
    expect(adapter.training.familiarity).toBeDefined()
  } finally {
    remove()
  }
})

test('labels without a gain are rejected: the bridge without them stays, and what they gave is kept apart', async () => {
  const { openPairs, remove } = pairsFile(Array.from({ length: 120 }, (_, i) => [i, (i * 53 + 7) % 240]))
  try {
    const models = twoModels(12, 20)
    const { adapter, rejected, report } = await bridge({ ...models, train: openPairs, ...options, ...labelling })
    const { adapter: without } = await bridge({ ...models, ...options, engine: 'cpu' })
    expect(report.gate).toMatchObject({ kept: false })
    expect(adapter.params).toEqual(without.params)
    expect(rejected?.params.W.data).not.toEqual(adapter.params.W.data)
    expect(report.metrics.labelled).toEqual(report.metrics.mapped)
  } finally {
    remove()
  }
})

test('an adapter in use that labels have proven is not replaced by a bridge without labels, unless always', async () => {
  const models = twoModels(12, 20)
  const { adapter } = await bridge({ ...models, ...options })
  const proven: Adapter = { ...adapter, training: { ...adapter.training, queries: undefined, gate: { passed: true } } }
  const kept = await bridge({ ...models, ...options, incumbent: proven })
  expect(kept).toMatchObject({
    held: true,
    report: { duel: { replaces: false, reason: expect.stringContaining('labels have proven') } },
  })
  const always = await bridge({ ...models, ...options, incumbent: proven, replace: 'always' })
  expect(always.held).toBeUndefined()
  const duel = await bridge({ ...models, ...options, incumbent: adapter })
  expect(duel.report.duel).toMatchObject({ replaces: true, queries: 80, difference: { mean: 0 } })
})

test('twenty texts are enough, whatever the dimensions; those without a direction are left out', async () => {
  const engine = createJsEngine()
  const texts = { from: normal(24, 40, 5), to: normal(24, 30, 6) }
  for (const [m, i] of [
    [texts.from, 3],
    [texts.to, 7],
  ] as const)
    row(m, i).fill(0)
  const { weights, texts: used } = await fitBridge(engine, texts, { seed: 1 })
  expect(used).toBe(22)
  expect(weights.W).toMatchObject({ rows: 30, cols: 40 })
  expect(firstNonFinite(weights.W.data)).toBe(-1)
  const few = { from: normal(20, 4, 5), to: normal(20, 4, 6) }
  row(few.to, 0).fill(0)
  await expect(fitBridge(engine, few, { seed: 1 })).rejects.toThrow(/at least 20 texts with both vectors, found 19/)
})

test('folders of other rows, or of one name, are refused', async () => {
  const { from, to } = twoModels(12, 20)
  const other = { ...to, test: { ...to.test!, queries: normal(3, 20, 1) } }
  await expect(openBridgeFolders({ from, to: other })).rejects.toThrow(/found 80 and 3 test queries/)
  await expect(openBridgeFolders({ from, to: from })).rejects.toThrow(/names of two spaces, found "acme\/7"/)
})

test('the index may be known by the cache alone: its model is not called, and texts that the cache lacks are left out', async () => {
  const subjects = ['card', 'loan', 'fund', 'bond', 'fee', 'rate']
  const texts = Array.from({ length: 90 }, (_, i) => `the ${subjects[i % 6]} of customer ${i} at branch ${i % 7}`)
  const old = await createProvider('hashing', { dimensions: 64 })
  const cache = memoryCache()
  await embedTexts(old, texts.slice(0, 80), 'document', { cache })
  const silent = { ...old, embed: () => Promise.reject(new Error('retired')) }
  const target = await cachedTarget(silent, texts, cache)
  expect(target).toMatchObject({ documents: 90, index: { id: old.id, dimensions: 64 } })
  expect(target.texts).toHaveLength(80)
  const provider = await createProvider('hashing', { dimensions: 96 })
  const test = {
    name: 'labels',
    queries: new Map(Array.from({ length: 30 }, (_, i) => [`q${i}`, `customer ${i} branch ${i % 7}`])),
    corpus: new Map(texts.map((text, i) => [`d${i}`, text])),
    qrels: new Map(Array.from({ length: 30 }, (_, i) => [`q${i}`, new Map([[`d${i}`, 1]])])),
  }
  const onPlan = ({ missing }: { missing: number }) => {
    throw new Error(`${missing} texts would be sent`)
  }
  const paid = { ...provider, embed: () => Promise.reject(new Error('sent')) }
  await expect(openBridgeTexts({ provider: paid, target, test, cache, embed: { onPlan } })).rejects.toThrow(
    '110 texts would be sent',
  )
  const data = await openBridgeTexts({ provider, target, test, cache })
  expect(data.cost.bridge).toMatchObject({ texts: 80, dollars: 0 })
  expect(data.cost.reembed.texts).toBe(90)
  const { adapter, report } = await bridge({ provider, target, test, cache, ...options })
  expect(report).toMatchObject({
    metrics: { native: null },
    recoveredBy: 'overlap@10',
    base: { provider: { name: 'hashing' } },
  })
  expect(applyAdapter(adapter, new Float32Array(96))).toHaveLength(64)
  expect(encodeAdapter(adapter)).not.toContain('customer')
  await expect(openBridgeTexts({ provider, target: await cachedTarget(silent, ['unknown'], cache) })).rejects.toThrow(
    /at least 20 texts/,
  )
})

test('the index may be a database, read in one pass: labelled documents come with the sample', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-index-'))
  try {
    const old = await createProvider('hashing', { dimensions: 32 })
    const texts = Array.from({ length: 70 }, (_, i) => `branch ${i % 9} sells fund ${i}`)
    const vectors = await old.embed(texts, 'document')
    const rows = texts.map((text, i) => ({ id: `d${i}`, text, vector: Array.from(vectors[i]) }))
    await (await connect(folder)).createTable('docs', rows)
    const wanted = [texts[69]]
    const target = await indexTarget(`lancedb://${folder}?metric=cosine#docs`, {
      id: old.id,
      sample: 30,
      seed: 3,
      wanted,
    })
    expect(target).toMatchObject({ index: { id: old.id, dimensions: 32, metric: 'cosine' }, documents: 70 })
    expect(target.texts).toContain(texts[69])
    expect([30, 31]).toContain(target.texts.length)
    expect(target.texts).not.toEqual(texts.slice(0, 30))
    const { adapter } = await bridge({
      provider: await createProvider('hashing', { dimensions: 48 }),
      target,
      ...options,
    })
    expect(adapter).toMatchObject({ index: target.index, base: { dimensions: 48 } })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

function pairsFile(pairs: readonly (readonly number[])[]) {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-pairs-'))
  const openPairs = join(folder, 'pairs.json')
  writeFileSync(openPairs, JSON.stringify(pairs))
  return { openPairs, remove: () => rmSync(folder, { recursive: true }) }
}
