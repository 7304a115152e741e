import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Adapter } from '../../../src/adapters/adapter.js'
import { memoryCache } from '../../../src/cache/memory-cache.js'
import type { QADataset } from '../../../src/dataset/dataset.js'
import { AdapterTrainError } from '../../../src/errors.js'
import { compareSystems } from '../../../src/evaluate/compare-systems.js'
import type { Evaluation } from '../../../src/evaluate/evaluator.js'
import { fromRows } from '../../../src/math/matrix.js'
import { createRandom } from '../../../src/math/random.js'
import type { CompareCandidate, NamedVectors } from '../../../src/pipeline/compare/candidates.js'
import { estimateCompare } from '../../../src/pipeline/compare/plan-compare.js'
import { runCompare } from '../../../src/pipeline/compare/run-compare.js'
import { openData } from '../../../src/pipeline/open-data.js'
import { runEvaluation } from '../../../src/pipeline/run-evaluation.js'
import { fakeProvider } from '../../embed/fake-provider.js'
import { embedded } from '../../helpers/embedded.js'
import { rejection } from '../../helpers/rejection.js'

const [QUERIES, DOCS, D] = [6, 9, 4]
const random = createRandom(5)
const rows = (n: number) => Array.from({ length: n }, () => Array.from({ length: D }, () => random.normal()))
const documents = rows(DOCS)
/** Query i is near document i; of the two models the second sees it through more noise. */
const queriesOf = (noise: number) => documents.slice(0, QUERIES).map(v => v.map(x => Math.fround(x + noise * random.normal())))
const MODELS: Record<string, number[][]> = { sharp: queriesOf(0.4), blurred: queriesOf(1.6) }
/** Query 2 has a second relevant document. */
const relevant = (i: number): number[] => (i === 2 ? [2, 7] : [i])

const data: QADataset = {
  name: 'test.json',
  queries: new Map(MODELS.sharp.map((_, i) => [`q${i}`, `query number ${i}`])),
  corpus: new Map(documents.map((_, i) => [`d${i}`, `document ${i}`])),
  qrels: new Map(MODELS.sharp.map((_, i) => [`q${i}`, new Map(relevant(i).map(d => [`d${d}`, 1]))])),
}

/** A model that reads the number at the end of a text and gives the vector of that query or document. */
const model = (name: string, price?: number) =>
  fakeProvider({
    id: name,
    dimensions: D,
    price,
    script: (_, { texts, role }) =>
      texts.map(text => Float32Array.from((role === 'query' ? MODELS[name] : documents)[Number(text.split(' ').at(-1))])),
  })

function adapter(base: string, W: number[][]): Adapter {
  return {
    kind: 'linear',
    base: { id: base, dimensions: D, normalized: false },
    params: { W: fromRows(W), b: fromRows([W.map(() => 0)]) },
    training: { tool: '', date: '', data: {}, options: {}, metrics: {} },
  }
}
const mirror = adapter('sharp', [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) // biome-ignore format: a matrix
const shorter = adapter('sharp', [[1, 0, 0, 0], [0, 1, 0, 0]]) // biome-ignore format: a matrix

const wider: Adapter = {
  ...adapter('sharp', [[1, 0, 0, 0, 0]]),
  base: { id: 'sharp', dimensions: 5, normalized: false },
}

/** A folder of vectors as it has been read. */
function folder(name: string, { queries = MODELS.sharp, docs = documents, positives = relevant } = {}): NamedVectors {
  const data = embedded({ queries, docs, positives: queries.map((_, i) => positives(i)) })
  return { ...data, baseId: `vectors/${name}`, name: `the test part of ${name}` }
}

const OPTIONS = { data, engine: 'js', seed: 7 } as const

describe('the statistics', () => {
  // Everything here is worked out again with loops over float64, without a line of the program.
  const cosine = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0) / (Math.hypot(...a) * Math.hypot(...b))
  const metricsOf = (queries: number[][]) =>
    queries.map((query, i) => {
      const order = documents.map((_, d) => d).sort((a, b) => cosine(query, documents[b]) - cosine(query, documents[a]))
      const hits = order.slice(0, 3).map(d => (relevant(i).includes(d) ? 1 : 0))
      const gain = hits.reduce((sum: number, hit, rank) => sum + hit / Math.log2(rank + 2), 0)
      const ideal = relevant(i).reduce((sum, _, rank) => sum + 1 / Math.log2(rank + 2), 0)
      const first = hits.indexOf(1) + 1
      return {
        'ndcg@3': gain / ideal,
        'mrr@3': first === 0 ? 0 : 1 / first,
        'hit@1': hits[0],
        'recall@3': hits.reduce((sum: number, hit) => sum + hit, 0) / relevant(i).length,
      }
    })
  type Metric = keyof ReturnType<typeof metricsOf>[number]
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length
  /** All n^n resamples, so that the ends are exact. */
  function interval(values: number[]): [number, number] {
    const means: number[] = []
    for (let code = 0; code < values.length ** values.length; code++) {
      let sum = 0
      for (let i = 0, rest = code; i < values.length; i++, rest = Math.floor(rest / values.length)) {
        sum += values[rest % values.length]
      }
      means.push(sum / values.length)
    }
    means.sort((a, b) => a - b)
    return [means[Math.round(0.025 * (means.length - 1))], means[Math.round(0.975 * (means.length - 1))]]
  }
  /** All 2^n signs. */
  function exactP(delta: number[]): number {
    const observed = Math.abs(delta.reduce((sum, x) => sum + x, 0))
    let extreme = 0
    for (let mask = 0; mask < 2 ** delta.length; mask++) {
      const sum = delta.reduce((total, x, i) => total + ((mask >> i) & 1 ? -x : x), 0)
      if (Math.abs(sum) >= observed - 1e-9) extreme++
    }
    return extreme / 2 ** delta.length
  }
  function holm(p: number[]): number[] {
    const sorted = [...p].sort((a, b) => a - b)
    const at = (k: number) => Math.min(1, (p.length - k) * sorted[k])
    return p.map(value => Math.max(...sorted.slice(0, sorted.indexOf(value) + 1).map((_, k) => at(k))))
  }

  test('are those of an independent computation: means, intervals, pairwise p and Holm correction', async () => {
    const [sharp, blurred] = [model('sharp'), model('blurred')]
    const candidates: CompareCandidate[] = [
      { name: 'blurred', provider: blurred },
      { name: 'sharp', provider: sharp },
      { name: 'mirrored', provider: sharp, adapter: mirror },
    ]
    const metrics: Metric[] = ['ndcg@3', 'mrr@3', 'hit@1', 'recall@3']
    const report = await runCompare(candidates, { ...OPTIONS, metrics })
    const own = {
      blurred: metricsOf(MODELS.blurred),
      sharp: metricsOf(MODELS.sharp),
      mirrored: metricsOf(MODELS.sharp.map(([x, ...rest]) => [-x, ...rest])),
    }
    expect(report).toMatchObject({ metric: 'ndcg@3', queries: QUERIES })
    expect(report.data).toEqual({ name: 'test.json', queries: QUERIES, pairs: QUERIES + 1, documents: DOCS })
    const means = Object.entries(own).map(([name, scores]) => ({ name, mean: mean(scores.map(s => s['ndcg@3'])) }))
    expect(report.candidates.map(({ name }) => name)).toEqual(means.sort((a, b) => b.mean - a.mean).map(({ name }) => name))
    expect(new Set(means.map(m => m.mean)).size).toBe(3)
    for (const { name, metrics: found } of report.candidates) {
      for (const metric of metrics) {
        const values = own[name as keyof typeof own].map(scores => scores[metric])
        const [low, high] = interval(values)
        expect(found[metric].mean).toBeCloseTo(mean(values), 12)
        // 10,000 resamples against all 46,656.
        expect(Math.abs(found[metric].low - low)).toBeLessThan(0.04)
        expect(Math.abs(found[metric].high - high)).toBeLessThan(0.04)
      }
    }
    expect(report.pairs).toHaveLength(3)
    const expectedP = report.pairs.map(({ first, second, ...found }) => {
      const [a, b] = [own[first as keyof typeof own], own[second as keyof typeof own]]
      const delta = a.map((scores, i) => scores['ndcg@3'] - b[i]['ndcg@3'])
      expect(found.mean).toBeCloseTo(mean(delta), 12)
      expect(found.p).toBeCloseTo(exactP(delta), 12)
      return exactP(delta)
    })
    holm(expectedP).forEach((p, i) => {
      expect(report.pairs[i].holm).toBeCloseTo(p, 12)
    })
  })

  /** An evaluation by one metric of the given values. */
  const evaluation = (values: number[]): Evaluation => ({
    mean: { 'ndcg@10': mean(values) },
    perQuery: { 'ndcg@10': Float64Array.from(values) },
    firstRank: Uint32Array.from(values, () => 1),
    depth: 10,
  })
  const constant = (value: number) => evaluation(Array.from({ length: 40 }, (_, i) => value + (i % 2) * 0.1))

  test('mark as tied with the best what has Holm p of 0.05 or more, and nothing else', () => {
    const nearly = Array.from({ length: 40 }, (_, i) => 0.8 + (i % 2) * 0.1 + (i % 3 === 0 ? 0.05 : -0.03))
    const { order, tied, pairs } = compareSystems(
      [
        { name: 'worse', evaluation: constant(0.3) },
        { name: 'best', evaluation: constant(0.8) },
        { name: 'nearly', evaluation: evaluation(nearly) },
        { name: 'the same', evaluation: constant(0.8) },
      ],
      { seed: 1 },
    )
    expect(order).toEqual(['best', 'the same', 'nearly', 'worse'])
    expect(tied).toEqual(['the same', 'nearly'])
    expect(pairs.map(({ first, second }) => `${first}/${second}`)).toEqual([
      ...['best/the same', 'best/nearly', 'best/worse', 'the same/nearly', 'the same/worse', 'nearly/worse'],
    ])
    expect(pairs[0]).toMatchObject({ mean: 0, low: 0, high: 0, p: 1, holm: 1 })
    expect(pairs[2]).toMatchObject({ p: 1 / 10_001, holm: expect.closeTo(6 / 10_001, 10) })
  })

  test('give a pair the same p whatever else is compared', () => {
    const systems = [0.3, 0.31, 0.5].map((value, i) => ({
      name: String(i),
      evaluation: evaluation(Array.from({ length: 40 }, (_, q) => value + Math.sin(q * (i + 1)) * 0.2)),
    }))
    const p = (list: typeof systems) => compareSystems(list, { seed: 3 }).pairs.find(pair => pair.first + pair.second === '10')?.p
    expect(p(systems.slice(0, 2))).toBe(p(systems))
  })

  test('draw more signs for more pairs, so that correction leaves room to tell many systems apart', () => {
    const { samples, pairs, tied } = compareSystems(
      Array.from({ length: 12 }, (_, i) => ({ name: String(i), evaluation: constant(0.9 - i / 20) })),
      { seed: 1 },
    )
    expect(samples.randomization).toBe(200 * 66)
    expect(tied).toEqual([])
    expect(Math.max(...pairs.map(pair => pair.holm))).toBeLessThan(0.01)
  })

  test('refuse systems of other queries', () => {
    const systems = [
      { name: 'a', evaluation: constant(1) },
      { name: 'b', evaluation: evaluation([1, 0]) },
    ]
    expect(() => compareSystems(systems, { seed: 1 })).toThrow(/cannot compare ndcg@10 of 40 queries with .* of 2/)
  })
})

describe('runCompare', () => {
  test('embeds a base once, plans all before the first request, and asks the cache first', async () => {
    const [sharp, again, blurred] = [model('sharp', 2), model('sharp', 2), model('blurred')]
    const candidates: CompareCandidate[] = [
      { name: 'sharp', provider: sharp },
      { name: 'mirrored', provider: again, adapter: mirror },
      { name: 'blurred', provider: blurred },
    ]
    const cache = memoryCache()
    const plans: unknown[] = []
    const progress: number[] = []
    const onPlan = (plan: readonly unknown[]) => {
      expect(sharp.calls.length + blurred.calls.length).toBe(0)
      plans.push(...plan)
    }
    const onProgress = ({ done, total }: { done: number; total: number }) => {
      expect(total).toBe(30)
      progress.push(done)
    }
    const first = await runCompare(candidates, { ...OPTIONS, cache, onPlan, embed: { onProgress }, timing: false })
    // 6 queries of 3 words and 9 documents of 2.
    expect(plans).toEqual([
      { base: 'sharp', texts: 15, unique: 15, cached: 0, missing: 15, tokens: 36, cost: 72e-6 },
      { base: 'blurred', texts: 15, unique: 15, cached: 0, missing: 15, tokens: 36 },
    ])
    expect([sharp, again, blurred].map(({ calls }) => calls.flatMap(({ texts }) => texts).length)).toEqual([15, 0, 15])
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(progress.at(-1)).toBe(30)
    const second = await runCompare(candidates, { ...OPTIONS, cache, timing: false })
    expect(sharp.calls.length + blurred.calls.length).toBe(16)
    expect({ ...second, embedding: 0 }).toStrictEqual({ ...first, embedding: 0 })
    expect(second.embedding).toMatchObject([
      { base: 'sharp', hits: 15, requests: 0 },
      { base: 'blurred', hits: 15, requests: 0 },
    ])
  })

  test('estimates what a run plans, and sends nothing', async () => {
    const candidates = [{ name: 'sharp', provider: model('sharp', 2) }]
    const [plan] = await estimateCompare(candidates, { data, timing: true })
    expect(plan).toMatchObject({
      base: 'sharp',
      missing: 15,
      tokens: 36,
      timing: { requests: 7, tokens: 21, cost: 42e-6 },
    })
    expect(candidates[0].provider.calls).toEqual([])
  })

  test('sends nothing to the first base when the second refuses a text', async () => {
    const [sharp, blurred] = [model('sharp'), model('blurred')]
    const strict = { ...blurred, limits: { ...blurred.limits, maxInputTokens: 2 } }
    const candidates = [
      { name: 'sharp', provider: sharp },
      { name: 'strict', provider: strict },
    ]
    expect(await rejection(runCompare(candidates, OPTIONS))).toMatchObject({ code: 'PROVIDER_INPUT' })
    expect(sharp.calls).toEqual([])
  })

  test('says what a million queries cost, null where the price or the texts are not known', async () => {
    const vectors = folder('v')
    const { candidates } = await runCompare(
      [
        { name: 'paid', provider: model('sharp', 0.02) },
        { name: 'free', provider: { ...model('sharp'), price: 0, cacheKey: role => `free|${role}` } },
        { name: 'unknown', provider: model('blurred') },
        { name: 'vectors', vectors },
      ],
      OPTIONS,
    )
    const costs = candidates.map(({ name, costPerMillionQueries }) => [name, costPerMillionQueries])
    expect(Object.fromEntries(costs)).toEqual({ paid: expect.closeTo(0.06), free: 0, unknown: null, vectors: null })
  })

  test('truncates the documents for an adapter with fewer outputs, with the figures of evaluate', async () => {
    const provider = model('sharp')
    const report = await runCompare(
      [
        { name: 'whole', provider },
        { name: 'short', provider, adapter: shorter },
      ],
      OPTIONS,
    )
    const by = Object.fromEntries(report.candidates.map(candidate => [candidate.name, candidate]))
    expect(by.whole).toMatchObject({ dimensions: 4, indexBytes: 16 * DOCS, indexBytesPerMillion: 16e6 })
    expect(by.short).toMatchObject({
      dimensions: 2,
      indexBytes: 8 * DOCS,
      indexBytesPerMillion: 8e6,
      adapter: 'linear',
    })
    const { metrics } = await runEvaluation({
      provider,
      data: await openData({ test: data }),
      adapter: shorter,
      engine: 'js',
    })
    expect(by.short.metrics['ndcg@10'].mean).toBe(metrics.adapted!['ndcg@10'])
    expect(by.whole).not.toHaveProperty('adapter')
  })

  describe('the time of a query', () => {
    const slow = (name: string, isLocal: boolean) => {
      const provider = model(name)
      const embed: typeof provider.embed = async (texts, role, options) => {
        await sleep(5)
        return provider.embed(texts, role, options)
      }
      return { ...provider, isLocal, embed }
    }
    const timed = async (isLocal: boolean, timing?: boolean) => {
      const provider = slow('sharp', isLocal)
      const cache = memoryCache()
      const candidates = [
        { name: 'base', provider },
        { name: 'adapted', provider, adapter: mirror },
      ]
      await runCompare(candidates, { ...OPTIONS, cache, timing: false })
      const before = provider.calls.length
      let plan: unknown
      const onPlan = (plans: readonly unknown[]) => {
        plan = plans[0]
      }
      const report = await runCompare(candidates, { ...OPTIONS, cache, timing, onPlan })
      const of = (name: string) => report.candidates.find(candidate => candidate.name === name)!.milliseconds
      return { base: of('base'), adapted: of('adapted'), plan, calls: provider.calls.slice(before) }
    }

    test('is that of a local model and of the adapter, past the cache, measured once for a base', async () => {
      const { base, adapted, calls, plan } = await timed(true)
      expect(base!.embedding).toBeGreaterThan(4)
      expect(base!.adapter).toBe(0)
      expect(adapted!.embedding).toBe(base!.embedding)
      expect(adapted!.adapter).toBeGreaterThan(0)
      // Each query alone, after the first of them once.
      expect(calls.map(({ texts, role }) => [role, ...texts])).toEqual(
        [0, 0, 1, 2, 3, 4, 5].map(i => ['query', `query number ${i}`]),
      )
      expect(plan).not.toHaveProperty('timing')
    })

    test('asks a provider on the network only on request, and says before what that costs', async () => {
      const unasked = await timed(false)
      expect(unasked.calls).toEqual([])
      expect(unasked.base).toEqual({ embedding: null, adapter: 0 })
      expect(unasked.adapted).toEqual({ embedding: null, adapter: expect.any(Number) })
      const asked = await timed(false, true)
      expect(asked.calls).toHaveLength(7)
      expect(asked.base!.embedding).toBeGreaterThan(4)
      expect(asked.plan).toMatchObject({ missing: 0, tokens: 0, timing: { requests: 7, tokens: 21 } })
      expect(asked.plan).not.toHaveProperty('timing.cost')
    })

    test('is not measured without timing, and its failure costs no result', async () => {
      expect((await timed(true, false)).base).toBeUndefined()
      const broken = { ...model('sharp'), isLocal: true }
      const cache = memoryCache()
      await runCompare([{ name: 'a', provider: broken }], { ...OPTIONS, cache, timing: false })
      const embed = () => Promise.reject(new Error('the model is gone'))
      const { warnings, candidates } = await runCompare([{ name: 'a', provider: { ...broken, embed } }], {
        ...OPTIONS,
        cache,
      })
      expect(warnings).toEqual(['the time of a query of sharp could not be measured: the model is gone'])
      expect(candidates[0].milliseconds).toEqual({ embedding: null, adapter: 0 })
    })
  })

  test('takes folders of vectors without data, and scores them as the provider of the same vectors', async () => {
    const { candidates, pairs } = await runCompare(
      [
        { name: 'a', vectors: folder('a') },
        { name: 'b', vectors: folder('b', { queries: MODELS.blurred }) },
      ],
      { engine: 'js' },
    )
    expect(candidates.map(({ base }) => base)).toEqual(['vectors/a', 'vectors/b'])
    expect(pairs[0].mean).toBeGreaterThan(0)
    const mixed = await runCompare(
      [
        { name: 'texts', provider: model('sharp') },
        { name: 'vectors', vectors: folder('a') },
      ],
      OPTIONS,
    )
    expect(mixed.pairs).toMatchObject([{ mean: 0, p: 1 }])
    expect(mixed.candidates.map(({ rank }) => rank)).toEqual(['best', 'tied'])
  })

  test.each([
    ['queries', { queries: MODELS.sharp.slice(1) }, /of b is not .* of a: expected 6 queries, found 5; .*same data/],
    ['documents', { docs: documents.slice(0, 8) }, /expected 9 documents, found 8/],
    [
      'pairs',
      { positives: (i: number) => (i === 3 ? [3, 8] : relevant(i)) },
      /query row 3 has the relevant documents 3, 8, expected 3 /,
    ],
  ])('refuses vectors of other %s, before anything is embedded, and says what differs', async (_, other, message) => {
    const candidates = [
      { name: 'a', vectors: folder('a') },
      { name: 'b', vectors: folder('b', other) },
    ]
    expect(await rejection(runCompare(candidates))).toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(message),
    })
    const provider = model('sharp')
    const mixed = [{ name: 'texts', provider }, candidates[1]]
    await expect(runCompare(mixed, OPTIONS)).rejects.toThrow(/of b is not the data of test\.json/)
    expect(provider.calls).toEqual([])
  })

  test('refuses vectors of other texts where both are known', async () => {
    const vectors = { ...folder('v'), queryTexts: [undefined, 'query number 1', 'another'] }
    await expect(runCompare([{ name: 'v', vectors }], OPTIONS)).rejects.toThrow(/the text of query row 2 is another one/)
  })

  test.each<[string, CompareCandidate[], object, string, RegExp]>([
    ['no candidate', [], {}, 'USAGE', /nothing to compare; give at least one/],
    ['no data', [{ name: 'a', provider: model('sharp') }], { data: undefined }, 'USAGE', /"a" embeds .* needs labelled/],
    ['neither provider nor vectors', [{ name: 'a' }], {}, 'USAGE', /"a" needs either a provider or vectors/],
    ['an unknown metric', [{ name: 'a', vectors: folder('a') }], { metric: 'ndgc@3' }, 'USAGE', /"ndgc@3" is not a metric/],
    [
      'two of one name',
      [
        { name: 'a', vectors: folder('a') },
        { name: 'a', vectors: folder('b') },
      ],
      {},
      'USAGE',
      /two candidates are named "a"/,
    ],
    [
      'two that are the same',
      [
        { name: 'a', provider: model('sharp'), adapter: mirror },
        { name: 'b', provider: model('sharp') },
        { name: 'c', provider: model('sharp'), adapter: mirror },
      ],
      {},
      'USAGE',
      /candidates "a" and "c" are the same base with the same adapter/,
    ],
    [
      'queries without any relevant document',
      [{ name: 'a', provider: model('sharp') }],
      { data: { ...data, qrels: new Map() } },
      'DATASET_INVALID',
      /no query of test\.json has a relevant document/,
    ],
    [
      'an adapter of other dimensions, even where a mismatch is allowed',
      [{ name: 'a', provider: { ...model('blurred'), dimensions: undefined }, adapter: wider }],
      { allowMismatch: true },
      'ADAPTER_MISMATCH',
      /candidate "a": the adapter takes vectors of 5 dimensions, but "blurred" gives 4/,
    ],
    [
      'an adapter of another base',
      [{ name: 'a', provider: model('blurred'), adapter: mirror }],
      {},
      'ADAPTER_MISMATCH',
      /candidate "a": the adapter was trained on "sharp", but the provider is "blurred".*--allow-mismatch/,
    ],
  ])('refuses %s', async (_, candidates, options, code, message) => {
    const error = await rejection(runCompare(candidates, { ...OPTIONS, ...options }))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('measures the metric of the tests also where it is not among the metrics, and one candidate has no pairs', async () => {
    const report = await runCompare([{ name: 'a', provider: model('sharp') }], {
      ...OPTIONS,
      metrics: ['hit@1'],
      metric: 'mrr@3',
    })
    expect(Object.keys(report.candidates[0].metrics)).toEqual(['mrr@3', 'hit@1'])
    expect(report).toMatchObject({ metric: 'mrr@3', pairs: [], candidates: [{ rank: 'best' }] })
  })
})

test('with skipRefused, what one model refuses is left out for all candidates, and listed', async () => {
  const asked: string[][] = []
  const picky = fakeProvider({
    id: 'blurred',
    dimensions: D,
    script: (_, { texts, role }) => {
      asked.push([...texts])
      if (texts.includes('document 8') || (role === 'query' && texts.includes('query number 5'))) {
        throw new AdapterTrainError('PROVIDER_REQUEST', 'cannot tokenize', { details: { status: 400 } })
      }
      const from = role === 'query' ? MODELS.blurred : documents
      return texts.map(text => Float32Array.from(from[Number(text.split(' ').at(-1))]))
    },
  })
  const warnings: string[] = []
  const candidates = [
    { name: 'a', provider: model('sharp') },
    { name: 'b', provider: picky },
  ]
  const embed = { retries: 0, skipRefused: true, onWarning: (warning: string) => warnings.push(warning) }
  const report = await runCompare(candidates, { data, timing: false, embed })
  expect(report.data).toMatchObject({ queries: 5, documents: 8 })
  expect(report.queries).toBe(5)
  expect(warnings.join()).toMatch(/2 texts that blurred refuses are left out:\n.*query q5 .*\n.*document d8 /)
  // What was embedded is not asked for again for the smaller data.
  expect(asked.flat().filter(text => text === 'document 0')).toHaveLength(1)
  const without = {
    ...data,
    queries: new Map([...data.queries].slice(0, 5)),
    corpus: new Map([...data.corpus].slice(0, 8)),
  }
  const qrels = new Map([...data.qrels].slice(0, 5))
  const direct = await runCompare([{ name: 'a', provider: model('sharp') }], {
    data: { ...without, qrels },
    timing: false,
  })
  expect(report.candidates.find(({ name }) => name === 'a')!.metrics).toEqual(direct.candidates[0].metrics)
})
