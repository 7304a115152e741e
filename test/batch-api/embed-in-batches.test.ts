import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { BatchOptions } from '../../src/batch-api/run-batches.js'
import { hashText } from '../../src/cache/cache.js'
import { openCache, type SqliteCache } from '../../src/cache/sqlite-cache.js'
import type { QADataset } from '../../src/dataset/dataset.js'
import { embedDataset } from '../../src/embed/embed-dataset.js'
import { createProvider } from '../../src/providers/index.js'
import { type FakeBatchApi, type FakeBatchOptions, startFakeBatchApi } from '../helpers/fake-batch-api.js'
import { fakeVector } from '../helpers/fake-vector.js'

const KEY = 'sk-test-0123456789abcdef'
const folder = mkdtempSync(join(tmpdir(), 'adapter-train-batch-'))
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
async function setUp(options: FakeBatchOptions = {}, providerOptions: object = {}) {
  const api = await startFakeBatchApi({ apiKey: KEY, ...options })
  const cache = await openCache(join(folder, `${files++}.sqlite`))
  closing.push(api.close, () => cache.close())
  const provider = await createProvider('openai', {
    baseUrl: api.url,
    apiKey: KEY,
    batchApi: true,
    maxInputs: 3,
    ...providerOptions,
  })
  return { api, cache, provider }
}

function dataset(size: number): QADataset {
  const numbers = Array.from({ length: size }, (_, i) => i)
  return {
    name: 'set',
    queries: new Map(numbers.map(i => [`q${i}`, `question ${i}`])),
    corpus: new Map(numbers.map(i => [`d${i}`, `document ${i} says something`])),
    qrels: new Map(numbers.map(i => [`q${i}`, new Map([[`d${i}`, 1]])])),
  }
}

const count = (api: FakeBatchApi, call: string): number => api.calls.filter(other => other === call).length
const options = (cache: SqliteCache, more: Partial<BatchOptions> = {}) => ({
  cache,
  retries: 2,
  sleep: async () => undefined,
  batches: { store: cache.batches, pollMs: 5, ...more },
})

test('every text gets its own vector, though answers and their vectors come in reverse order over several batches', async () => {
  const { api, cache, provider } = await setUp()
  const progress: object[] = []
  const { datasets, stats } = await embedDataset(
    provider,
    [dataset(20)],
    options(cache, { limits: { inputs: 6 }, onProgress: p => progress.push(p) }),
  )
  const [{ queries, docs }] = datasets
  for (let i = 0; i < 20; i++) {
    expect(queries.data.slice(8 * i, 8 * i + 8)).toEqual(fakeVector(`question ${i}`, 8))
    expect(docs.data.slice(8 * i, 8 * i + 8)).toEqual(fakeVector(`document ${i} says something`, 8))
  }
  expect(api.batches.length).toBe(8)
  for (const lines of api.batches) {
    expect(lines.flatMap(line => line.body.input).length).toBeLessThanOrEqual(6)
    // A server that refuses the parameter would say so hours later.
    expect(lines.some(line => 'encoding_format' in line.body)).toBe(false)
    expect(lines.every(line => line.url === '/v1/embeddings' && line.body.input.length <= 3)).toBe(true)
  }
  expect(stats).toMatchObject({ unique: 40, hits: 0, misses: 40, requests: 14 })
  expect(stats.tokens).toBeGreaterThan(0)
  expect(progress.at(-1)).toEqual({ completed: 14, failed: 0, total: 14, batches: 0 })

  const again = await embedDataset(provider, [dataset(20)], options(cache))
  expect(again.stats).toMatchObject({ hits: 40, misses: 0, requests: 0 })
  expect(again.datasets[0].docs.data).toEqual(docs.data)
  expect(api.batches.length).toBe(8)
})

test('a text that is a query and a document is submitted once, where both go to one space', async () => {
  const { api, cache, provider } = await setUp()
  const same = new Map([['x', 'the same text']])
  const set = { name: 'set', queries: same, corpus: same, qrels: new Map() }
  const { stats } = await embedDataset(provider, [set], options(cache))
  expect(api.batches.flat().flatMap(line => line.body.input)).toEqual(['the same text'])
  expect(stats.unique).toBe(2)
})

test('files stay below the limits of requests and bytes', async () => {
  const { api, cache, provider } = await setUp()
  await embedDataset(provider, [dataset(12)], options(cache, { limits: { requests: 3, bytes: 400 } }))
  for (const lines of api.batches) {
    expect(lines.length).toBeLessThanOrEqual(3)
    expect(lines.map(line => `${JSON.stringify(line)}\n`).join('').length).toBeLessThanOrEqual(400)
  }
  expect(api.batches.flat().flatMap(line => line.body.input).length).toBe(24)
})

test('the estimate is half of the standard price', async () => {
  const { provider } = await setUp({}, { model: 'text-embedding-3-small' })
  const standard = await createProvider('openai', { baseUrl: 'http://localhost:1/v1', model: 'text-embedding-3-small' })
  expect(standard.price).toBeGreaterThan(0)
  expect(provider.price).toBe(standard.price! / 2)
  expect((await createProvider('openai', { baseUrl: 'http://localhost:1/v1', price: 3, batchApi: true })).price).toBe(1.5)
  expect(standard.batches).toBeUndefined()
})

test('refused, missing and misshapen answers are named by custom id, without the key; the rest is kept and only they go again', async () => {
  let sound = false
  const { api, cache, provider } = await setUp({
    fate(line) {
      if (sound) return 'ok'
      const [text] = line.body.input as string[]
      if (text === 'question 0') return 'error'
      if (text === 'question 3') return 'missing'
      if (text === 'question 6') return { response: { status_code: 200, body: { data: [] } } }
      if (text === 'document 0 says something') return { response: { status_code: 200, body: 'x' } }
      return 'ok'
    },
  })
  const failed = await embedDataset(provider, [dataset(12)], options(cache)).catch(error => error)
  expect(failed).toMatchObject({ code: 'PROVIDER_REQUEST', details: { failed: 4, texts: 12 } })
  expect(failed.message).toMatch(/4 of 8 requests, with 12 texts, have no vectors/)
  expect(failed.message).toMatch(/batch_0 [0-9a-f]{32} \(3 texts\): HTTP 400: refused for key \[redacted\]/)
  expect(failed.message).toMatch(/the files of the batch have no answer to it/)
  expect(JSON.stringify(failed) + failed.message + failed.stack).not.toContain(KEY)
  const ids = failed.details.failures.map((f: { customId: string }) => f.customId)
  expect(api.batches.flat().map(line => line.custom_id)).toEqual(expect.arrayContaining(ids))

  sound = true
  const { stats } = await embedDataset(provider, [dataset(12)], options(cache))
  expect(stats).toMatchObject({ hits: 12, misses: 12 })
  const again = api.batches
    .slice(2)
    .flat()
    .map(line => line.custom_id)
  expect(again.toSorted()).toEqual(ids.toSorted())
})

test('texts whose vectors cannot be used are named, or left out; the others of their request are kept, and not paid for again', async () => {
  const { api, cache, provider } = await setUp({ dimensionsOf: text => (/question [45]/.test(text) ? 5 : 8) })
  const failed = await embedDataset(provider, [dataset(12)], options(cache)).catch(error => error)
  expect(failed).toMatchObject({
    code: 'PROVIDER_RESPONSE',
    details: { count: 2, texts: ['query q4 of set ("question 4")', 'query q5 of set ("question 5")'] },
  })
  expect(failed.message).toMatch(/cannot embed query q4 of set .*wrong length; expected 8 values, found 5/)
  expect(failed.stats).toMatchObject({ unique: 24, hits: 0, misses: 24, requests: 8 })
  expect(cache.stats().vectors).toBe(22)

  // Alone in their request, in a process that has seen no other answer.
  const { provider: again } = await setUp({}, { baseUrl: api.url })
  const warnings: string[] = []
  const skipping = { ...options(cache), skipRefused: true, onWarning: (message: string) => warnings.push(message) }
  const { datasets, stats } = await embedDataset(again, [dataset(12)], skipping)
  expect(datasets[0].queryIds).not.toContain('q4')
  expect(datasets[0].queryIds).toHaveLength(10)
  expect(stats).toMatchObject({ unique: 24, hits: 22, misses: 2, requests: 1 })
  expect(warnings).toEqual([expect.stringMatching(/2 texts that .* refuses are left out:\n.*query q4 of set/)])
  expect(api.batches.slice(2).flatMap(lines => lines.flatMap(line => line.body.input))).toEqual(['question 4', 'question 5'])
})

test('a model that changed is said to have, not its texts to be at fault', async () => {
  let length = 8
  const { cache, provider, api } = await setUp({ dimensionsOf: () => length }, { maxInputs: 100 })
  await embedDataset(provider, [dataset(3)], options(cache))
  length = 5
  const { provider: again } = await setUp({}, { baseUrl: api.url, maxInputs: 100 })
  await expect(embedDataset(again, [dataset(30)], { ...options(cache), skipRefused: true })).rejects.toThrow(
    /cache holds vectors of 8 values .*the model now gives 5/,
  )
})

test('a batch of more texts than a run has counts for the run with its own', async () => {
  const { api, cache, provider } = await setUp()
  api.held = true
  await embedDataset(provider, [dataset(20)], options(cache, { wait: false })).catch(() => undefined)
  api.held = false
  const { stats } = await embedDataset(provider, [dataset(2)], options(cache))
  expect(stats).toMatchObject({ unique: 4, hits: 0, misses: 4 })
})

test('of an expired batch what was answered is kept, and a rerun submits the rest', async () => {
  const { api, cache, provider } = await setUp({ expireAfter: batch => (batch === 0 ? 2 : undefined) })
  const failed = await embedDataset(provider, [dataset(12)], options(cache)).catch(error => error)
  expect(failed.message).toMatch(/completion window expired/)
  expect(cache.stats().vectors).toBe(6 + 12)
  await embedDataset(provider, [dataset(12)], options(cache))
  expect(api.batches[2].length).toBe(2)
  expect(api.batches.length).toBe(3)
})

test('a batch that fails validation is reported with the reasons of the service', async () => {
  const { cache, provider } = await setUp({ invalid: batch => (batch === 0 ? `bad line for ${KEY}` : undefined) })
  const failed = await embedDataset(provider, [dataset(6)], options(cache)).catch(error => error)
  expect(failed.message).toMatch(/2 of 4 requests.*line 1: bad line for \[redacted\]/s)
  expect(cache.stats().vectors).toBe(6)
})

test('without waiting, batches are submitted once; later runs collect them', async () => {
  const { api, cache, provider } = await setUp()
  api.held = true
  for (let i = 0; i < 2; i++) {
    const pending = await embedDataset(provider, [dataset(6)], options(cache, { wait: false })).catch(error => error)
    expect(pending).toMatchObject({ code: 'BATCH_PENDING', details: { batches: ['batch_0', 'batch_1'], requests: 4 } })
  }
  // Texts that are new since go into a batch of their own.
  await expect(embedDataset(provider, [dataset(8)], options(cache, { wait: false }))).rejects.toThrow(/3 batches|4 batches/)
  expect(
    api.batches
      .slice(2)
      .flat()
      .flatMap(line => line.body.input).length,
  ).toBe(4)
  api.held = false
  const resumed: string[] = []
  await embedDataset(provider, [dataset(8)], options(cache, { wait: false, onResume: ({ id }) => resumed.push(id) }))
  expect(resumed).toEqual(['batch_0', 'batch_2', 'batch_1', 'batch_3'])
  expect(api.batches.flat().flatMap(line => line.body.input).length).toBe(16)
})

test('an abort stops waiting, says what goes on, and submits nothing again', async () => {
  const { api, cache, provider } = await setUp()
  api.held = true
  const abort = new AbortController()
  const stopping = { ...options(cache, { onProgress: () => abort.abort() }), signal: abort.signal }
  const stopped = await embedDataset(provider, [dataset(3)], stopping).catch(error => error)
  expect(stopped).toMatchObject({ code: 'ABORTED', details: { batches: ['batch_0', 'batch_1'] } })
  expect(stopped.message).toMatch(/still pending: 2 batches/)
  api.held = false
  await embedDataset(provider, [dataset(3)], options(cache))
  expect(api.batches.length).toBe(2)
})

test('a batch whose creation lost its answer is found again instead of being made twice', async () => {
  const { api, cache, provider } = await setUp({
    intercept: (method, path, times) => (method === 'POST' && path === '/v1/batches' && times === 1 ? 'drop-after' : undefined),
  })
  await embedDataset(provider, [dataset(3)], options(cache))
  expect(api.batches.length).toBe(2)
  expect(count(api, 'POST /v1/batches')).toBe(2)
})

test('where the run ends before the batch is found again, the next run finds it', async () => {
  let down = true
  const { api, cache, provider } = await setUp({
    intercept(method, path, times) {
      if (path !== '/v1/batches' || !down) return undefined
      return method === 'POST' && times === 1 ? 'drop-after' : 503
    },
  })
  const set = { ...dataset(3), queries: new Map([['q0', 'document 0 says something']]), qrels: new Map() }
  await expect(embedDataset(provider, [set], options(cache))).rejects.toThrow(/503/)
  down = false
  await embedDataset(provider, [set], options(cache))
  expect(
    api.batches
      .flat()
      .flatMap(line => line.body.input)
      .toSorted(),
  ).toEqual([...set.corpus.values()])
})

test.each([
  ['another number', () => spawnSync(process.execPath, ['-e', '']).pid, Date.now()],
  ['the number of this one', () => process.pid, Math.floor(Date.now() - 1000 * process.uptime() - 1000)],
])(
  'a batch of a process of %s that died while it submitted is looked for, one of a living one is awaited',
  async (_, pid, at) => {
    const { api, cache, provider } = await setUp()
    const scope = {
      kind: 'embeddings',
      space: provider.cacheKey('query'),
      model: 'text-embedding-3-small',
      baseUrl: api.url,
    } as const
    const keys = [...dataset(3).queries.values()].map(hashText)
    const { row } = cache.batches.add(scope, [keys], 0)!
    const db = new Sqlite(cache.file)
    closing.push(() => db.close())
    const sign = db.prepare('UPDATE batches SET owner = ?, submitted_at = ? WHERE id = ?')

    // This process is alive, so its batch is not looked for.
    sign.run(`${hostname()}:${process.pid}`, Date.now(), row)
    await expect(embedDataset(provider, [dataset(3)], options(cache, { wait: false }))).rejects.toThrow(
      /1 batch with 1 request .being submitted by another run/,
    )
    expect(count(api, 'GET /v1/batches')).toBe(0)

    sign.run(`${hostname()}:${pid()}`, at, row)
    await embedDataset(provider, [dataset(3)], options(cache))
    expect(count(api, 'GET /v1/batches')).toBe(1)
    expect(api.batches.flat().flatMap(line => line.body.input).length).toBe(6)
  },
)

test('a refused batch leaves those before it under way, and says so', async () => {
  const { api, cache, provider } = await setUp({
    intercept: (method, path, times) => (method === 'POST' && path === '/v1/batches' && times === 2 ? 400 : undefined),
  })
  api.held = true
  await expect(embedDataset(provider, [dataset(3)], options(cache))).rejects.toThrow(/HTTP 400.*Still pending: 1 batch .*batch_0/)
  api.held = false
  await embedDataset(provider, [dataset(3)], options(cache))
  expect(api.batches.length).toBe(2)
})

test('prune --all forgets batches under way, other prunes do not', async () => {
  const { api, cache, provider } = await setUp()
  api.held = true
  await embedDataset(provider, [dataset(3)], options(cache, { wait: false })).catch(() => undefined)
  const scope = { kind: 'embeddings', space: provider.cacheKey('query'), model: '', baseUrl: api.url } as const
  cache.prune({ olderThanDays: 0 })
  expect(cache.batches.open(scope).batches.length).toBe(2)
  cache.prune({ all: true })
  expect(cache.batches.open(scope).batches.length).toBe(0)
})

test('two runs at once on one cache submit nothing twice', async () => {
  const { api, cache, provider } = await setUp()
  const other = await openCache(cache.file)
  closing.push(() => other.close())
  await Promise.all([embedDataset(provider, [dataset(9)], options(cache)), embedDataset(provider, [dataset(9)], options(other))])
  expect(api.batches.flat().flatMap(line => line.body.input).length).toBe(18)
})

test('a failed request to look is tried again; a batch the service does not know is not submitted again', async () => {
  const { api, cache, provider } = await setUp({
    intercept: (_, path, times) => (path === '/v1/batches/batch_0' ? (times === 1 ? 500 : 404) : undefined),
  })
  await expect(embedDataset(provider, [dataset(3)], options(cache))).rejects.toThrow(
    /does not know the batch batch_0.*Use the key and the base URL/,
  )
  await expect(embedDataset(provider, [dataset(3)], options(cache))).rejects.toThrow(/does not know the batch batch_0/)
  expect(api.batches.length).toBe(2)
})

test.each([
  ['POST /files', '/v1/files'],
  ['POST /batches', '/v1/batches'],
])('a server without %s is said to have no Batch API', async (call, missing) => {
  const { cache, provider } = await setUp({ intercept: (_, path) => (path === missing ? 404 : undefined) })
  const failed = await embedDataset(provider, [dataset(3)], options(cache)).catch(error => error)
  expect(failed.message).toMatch(/has no Batch API/)
  expect(failed.message).toContain(`${call} was answered with HTTP 404`)
  expect(cache.batches.open({ kind: 'embeddings', space: provider.cacheKey('query'), model: '', baseUrl: '' }).batches).toEqual(
    [],
  )
})

test('a wrong key is refused without being shown, and leaves nothing behind', async () => {
  const { cache, provider } = await setUp({ apiKey: 'sk-other-key-000000' })
  const failed = await embedDataset(provider, [dataset(3)], options(cache)).catch(error => error)
  expect(failed).toMatchObject({ code: 'PROVIDER_REQUEST', details: { status: 401 } })
  expect(JSON.stringify(failed) + failed.message).not.toContain(KEY)
})

test('the key is nowhere in the cache', async () => {
  const { api, cache, provider } = await setUp()
  api.held = true
  await embedDataset(provider, [dataset(3)], options(cache, { wait: false })).catch(() => undefined)
  api.held = false
  await embedDataset(provider, [dataset(3)], options(cache))
  for (const file of [cache.file, `${cache.file}-wal`]) expect(readFileSync(file).includes(KEY)).toBe(false)
})

test('without a cache file nothing is submitted', async () => {
  const { api, provider } = await setUp()
  await expect(embedDataset(provider, [dataset(3)])).rejects.toMatchObject({ code: 'USAGE' })
  expect(api.calls).toEqual([])
})

test('a wait that is longer than a timer of Node.js can be does not poll without a pause', async () => {
  const { api, cache, provider } = await setUp()
  api.held = true
  const signal = AbortSignal.timeout(300)
  const embedding = embedDataset(provider, [dataset(2)], { ...options(cache, { pollMs: 2 ** 31 }), signal })
  await expect(embedding).rejects.toMatchObject({ code: 'ABORTED' })
  expect(api.calls.filter(call => /^GET .*batches\//.test(call)).length).toBeLessThan(5)
})
