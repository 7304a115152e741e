import { describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../../src/adapters/adapter.js'
import type { EmbeddedDataset } from '../../../src/embed/embedded-dataset.js'
import { createJsEngine } from '../../../src/engines/js.js'
import { createEvaluator } from '../../../src/evaluate/evaluator.js'
import { identity, matrix, takeRows } from '../../../src/math/matrix.js'
import { createRandom } from '../../../src/math/random.js'
import { mean } from '../../../src/math/statistics/moments.js'
import { gate } from '../../../src/train/gate.js'
import { chooseMemory, MEMORY_SETTINGS, memoryHint } from '../../../src/train/query-memory/choose-memory.js'
import { memoryScores, memoryWeights, rememberQueries } from '../../../src/train/query-memory/memory.js'
import { withQueries } from '../../../src/train/tune/sample.js'
import { createSearch, type Search } from '../../../src/train/tune/search.js'
import { randomMatrix } from '../../contracts/engine/support.js'
import { embedded } from '../../helpers/embedded.js'

const engine = createJsEngine()
const METRIC = 'ndcg@10'
const D = 8

/**
 * Many groups of like queries in few dimensions, each after a document that lies anywhere: no linear map leads from one to the
 * other, but who remembers a query of the group knows.
 */
function clustered(clusters: number, each: number, seed: number): EmbeddedDataset {
  const random = createRandom(seed)
  const centers = randomMatrix(clusters, D, seed + 1)
  const queries = matrix(clusters * each, D)
  for (let k = 0; k < queries.data.length; k++) {
    queries.data[k] = centers.data[Math.floor(k / D / each) * D + (k % D)] + 0.15 * random.normal()
  }
  const positives = Array.from({ length: clusters * each }, (_, i) => [Math.floor(i / each)])
  return embedded({ queries, docs: randomMatrix(2 * clusters, D, seed + 2), positives })
}

/** Queries after documents that have nothing to do with them. */
function noise(n: number, seed: number): EmbeddedDataset {
  const random = createRandom(seed)
  const positives = Array.from({ length: n }, () => [random.int(60)])
  return embedded({ queries: randomMatrix(n, D, seed + 1), docs: randomMatrix(60, D, seed + 2), positives })
}

/** Queries that are their document turned: a linear map says it all. */
function turned(n: number, seed: number): EmbeddedDataset {
  const docs = randomMatrix(n, D, seed)
  const random = createRandom(seed + 1)
  const queries = matrix(
    n,
    D,
    docs.data.map((_, k) => docs.data[Math.floor(k / D) * D + ((k + 1) % D)] + 0.1 * random.normal()),
  )
  return embedded({ queries, docs, positives: Array.from({ length: n }, (_, i) => [i]) })
}

async function withSearch<T>(data: EmbeddedDataset, use: (search: Search) => Promise<T>, pull = 30): Promise<T> {
  const fixed = { negatives: 'positives', scale: 8, pull, epochs: 8, learningRate: pull < 30 ? 0.1 : 0.01 } as const
  const search = await createSearch(engine, data, { fixed, seed: 1, metric: METRIC, budget: 600 })
  try {
    return await use(search)
  } finally {
    await search.free()
  }
}

const choose = (data: EmbeddedDataset, { proven = true, pull = 30 } = {}) =>
  withSearch(data, search => chooseMemory(search, search.first, data, { most: 1000, proven }), pull)

describe('chooseMemory', () => {
  test('chooses a memory where like queries ask for the same and no linear map can learn it', async () => {
    const data = clustered(30, 6, 1)
    const choice = await choose(data)
    expect(choice.setting).toBeDefined()
    expect(choice.gain).toBeGreaterThan(0.05)
    expect(choice).toMatchObject({ onIdentity: false })
    expect(choice.others).toHaveLength(MEMORY_SETTINGS.length - 1)
    expect(choice.scores).toHaveLength(180)
    expect(await choose(data)).toEqual(choice)
  })

  test('what it chooses where queries say nothing of their documents does not pass the gate', async () => {
    let passed = 0
    for (let seed = 0; seed < 10; seed++) {
      const data = noise(90, 10 * seed)
      const { setting, scores: adapted, others } = await choose(data, { proven: false })
      if (!setting) continue
      const base = await withSearch(data, search => search.base())
      if (gate({ base, adapted, others }, undefined, { metric: METRIC, seed: 1 }).passed) passed++
    }
    expect(passed).toBeLessThanOrEqual(1)
  })

  test('adds next to nothing where the linear map says it all', async () => {
    const { setting, gain } = await choose(turned(150, 1), { pull: 0.3 })
    expect(setting === undefined || gain < 0.02).toBe(true)
  })

  test('tries the unadapted query as well where the linear map is not proven, against the base', async () => {
    const data = clustered(30, 6, 1)
    const choice = await choose(data, { proven: false })
    expect(choice.setting).toBeDefined()
    expect(choice.others).toHaveLength(2 * MEMORY_SETTINGS.length - 1)
    const base = await withSearch(data, search => search.base())
    expect(mean(choice.scores)).toBeGreaterThan(mean(base))
  })

  test('chooses none with a memory of fewer than two queries to learn from', async () => {
    const data = clustered(2, 1, 1)
    const same = { ...data, queries: takeRows(data.queries, [0, 0]) }
    expect(await choose(same)).toEqual({
      gain: 0,
      standardError: 0,
      onIdentity: false,
      scores: new Float64Array(),
      others: [],
    })
  })

  test('works where all queries are tied together by a document', async () => {
    const data = clustered(10, 6, 1)
    const tied = { ...data, positives: data.positives.map(p => new Map([...p, [15, 1]])) }
    expect((await choose(tied)).gain).toEqual(expect.any(Number))
  })

  test('trains on the queries that the search has not looked at, where they are most', async () => {
    const data = clustered(30, 12, 1)
    const found = await withSearch(
      withQueries(
        data,
        Array.from({ length: 90 }, (_, i) => 4 * i),
      ),
      search => chooseMemory(search, search.first, data, { most: 1000, proven: true }),
    )
    expect(found.setting).toBeDefined()
    expect(found.scores).toHaveLength(90)
    expect(mean(found.scores)).toBeGreaterThan(0.5)
  })
})

describe('memoryHint', () => {
  test('names a gain where a memory pays, and none where it does not', async () => {
    const hint = (data: EmbeddedDataset, pull?: number) =>
      withSearch(data, search => memoryHint(search, search.first, data), pull)
    expect(await hint(clustered(30, 6, 1))).toBeGreaterThan(0.05)
    expect((await hint(turned(150, 1), 0.3)) ?? 0).toBeLessThan(0.02)
  })
})

describe('memoryScores', () => {
  test.each([false, true])('are those of the adapter that forgets the query, on the identity: %s', async onIdentity => {
    const data = clustered(12, 4, 3)
    const memory = (await rememberQueries(engine, data, { most: 1000, seed: 1 }))!
    const W = randomMatrix(D, D, 5)
    const map = { W, b: matrix(1, D, randomMatrix(1, D, 6).data) }
    const n = data.queries.rows
    const inside = Uint32Array.from({ length: n }, (_, i) => i)
    const hidden = Array.from(inside, i => Uint32Array.of(memory.keyOf[i]))
    const { without, withMemory } = await memoryScores(
      engine,
      data,
      [{ inside, outside: new Uint32Array(), weights: map }],
      memory,
      MEMORY_SETTINGS,
      { metric: METRIC, hidden, onIdentity },
    )
    const linear = onIdentity ? { W: identity(D), b: matrix(1, D) } : map
    const adapterOf = (kind: string, params: Adapter['params']): Adapter => ({
      kind,
      base: { id: 'x', dimensions: D, normalized: false },
      training: { tool: '', date: '', data: {}, options: {}, metrics: {} },
      params,
    })
    const scoreOf = (i: number, adapter: Adapter) => {
      const one = { ...data, ...withQueries(data, [i]) }
      return createEvaluator(one, [METRIC]).evaluate(applyAdapter(adapter, one.queries)).mean[METRIC]
    }
    for (const i of [0, 7, 30, 47]) {
      expect(without[i]).toBeCloseTo(scoreOf(i, adapterOf('linear', linear)), 10)
      const others = Array.from(memory.keys.data.keys())
        .slice(0, memory.keys.rows)
        .filter(key => key !== memory.keyOf[i])
      const rest = { ...memory, keys: takeRows(memory.keys, others), values: takeRows(memory.values, others) }
      MEMORY_SETTINGS.forEach((setting, s) => {
        const adapter = adapterOf('linear-memory', memoryWeights(linear, rest, setting))
        expect(withMemory[s][i]).toBeCloseTo(scoreOf(i, adapter), 10)
      })
    }
  })

  test('are those without a memory for a query that may see none of it', async () => {
    const data = clustered(5, 3, 3)
    const memory = (await rememberQueries(engine, data, { most: 1000, seed: 1 }))!
    const all = Uint32Array.from({ length: 15 }, (_, i) => i)
    const fits = [{ inside: all, outside: new Uint32Array(), weights: { W: identity(D), b: matrix(1, D) } }]
    const hidden = Array.from(all, () => all)
    const found = await memoryScores(engine, data, fits, memory, MEMORY_SETTINGS, { metric: METRIC, hidden })
    for (const scores of found.withMemory) expect(scores).toEqual(found.without)
  })
})
