import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from 'gpt-tokenizer/encoding/cl100k_base'
import { describe, expect, test } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { createTerms } from '../../src/adapters/terms.js'
import { hashText } from '../../src/cache/cache.js'
import { memoryCache } from '../../src/cache/memory-cache.js'
import { openCache } from '../../src/cache/sqlite-cache.js'
import { fromRows } from '../../src/math/matrix.js'
import { composeProviders } from '../../src/providers/compose.js'
import { customProvider } from '../../src/providers/custom.js'
import { createProvider } from '../../src/providers/index.js'
import { createBaseEmbedder } from '../../src/serve/base-embedder.js'
import { createEmbeddingServer } from '../../src/serve/index.js'
import { createMetrics } from '../../src/serve/metrics.js'
import { buildWords } from '../../src/train/terms/corpus-terms.js'
import { adaptedVector, adapterFor, baseVector, MODEL, metric, type Serving, startServing, temporaryFolder } from './serving.js'

interface Answer {
  readonly data: readonly { readonly embedding: number[] }[]
  readonly usage: { readonly total_tokens: number }
}

async function vectorsOf(s: Serving, model: string, input: string | string[]): Promise<number[][]> {
  const answer = await s.post('/v1/embeddings', { model, input })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as Answer).data.map(({ embedding }) => embedding)
}

describe('several adapters', () => {
  const start = (more = {}) => {
    const folder = temporaryFolder()
    const files = ['now', 'next'].map((name, i) => {
      const adapter = adapterFor(i + 1)
      saveAdapter(adapter, join(folder, `${name}.json`))
      return { name, path: join(folder, `${name}.json`), adapter }
    })
    return { files, started: startServing({ adapters: files, ...more }) }
  }

  test('are served by name, the first by default', async () => {
    const { files, started } = start()
    const s = await started
    const [now, next] = files.map(({ adapter }) => [adaptedVector(adapter, 'x')])
    expect(await vectorsOf(s, `${MODEL}:query`, 'x')).toEqual(now)
    expect(await vectorsOf(s, `${MODEL}:now`, 'x')).toEqual(now)
    expect(await vectorsOf(s, `${MODEL}:next`, 'x')).toEqual(next)
    expect(await vectorsOf(s, `openai/${MODEL}:next`, 'x')).toEqual(next)
    expect(await vectorsOf(s, MODEL, 'x')).toEqual([baseVector('x')])
    expect(s.server.models).toEqual([MODEL, `${MODEL}:query`, `${MODEL}:now`, `${MODEL}:next`])
  })

  test('with text terms answer texts and lists of tokens alike, as the library does', async () => {
    const path = join(temporaryFolder(), 'terms.json')
    const TEXTS = ['card pin blocked', 'card arrival time', 'exchange rates']
    const analysis = { english: true, common: [] }
    const documents = { ids: TEXTS, texts: TEXTS, vectors: fromRows(TEXTS.map(baseVector)) }
    const corpus = { documents: 3, date: '2025-01-02T03:04:05.000Z', sha256: 'ab'.repeat(32) }
    const terms = createTerms(
      { source: 'words', alpha: 0.5, corpus, proven: true },
      analysis,
      buildWords(documents, analysis, [50])[0],
    )
    const adapter = { ...adapterFor(), terms }
    saveAdapter(adapter, path)
    const s = await startServing({ adapters: [{ name: 'default', path }] })
    const asked = ['is my card blocked?', 'Wechselkurs für Złoty']
    const expected = asked.map(text => [...applyAdapter(adapter, Float32Array.from(baseVector(text)), text)])
    expect(expected[0]).not.toEqual(adaptedVector(adapterFor(), asked[0]))
    const answer = async (input: unknown) => {
      const { data } = (await (await s.post('/v1/embeddings', { model: `${MODEL}:query`, input })).json()) as Answer
      return data.map(({ embedding }) => embedding)
    }
    const near = (found: number[][], wanted: number[][]) =>
      found.forEach((vector, i) => {
        vector.forEach((value, j) => {
          expect(value).toBeCloseTo(wanted[i][j], 6)
        })
      })
    near(await answer(asked), expected)
    near(await answer(asked.map(text => encode(text))), expected)
    near(await answer(encode(asked[0])), expected.slice(0, 1))
  })

  test('are compared in shadow mode, without texts, in bounded time', async () => {
    const texts = Array.from({ length: 600 }, (_, i) => `document ${i}`)
    const documents = fromRows(texts.map(baseVector))
    const { files, started } = start({ shadow: { adapter: 'next', documents, top: 20 } })
    const s = await started
    for (let i = 0; i < 5; i++) await vectorsOf(s, `${MODEL}:query`, `private question ${i}`)
    await vectorsOf(s, MODEL, 'a document')
    await expect.poll(() => s.log()).toContain('"msg":"shadow"')
    const lines = s
      .log()
      .split('\n')
      .filter(line => line.includes('"msg":"shadow"'))
    expect(lines).toHaveLength(1)
    const ranking = (query: number[]) =>
      texts
        .map((text, i) => ({
          i,
          score: baseVector(text).reduce((sum, x, j) => sum + x * query[j], 0) / Math.hypot(...baseVector(text)),
        }))
        .sort((a, b) => b.score - a.score)
        .slice(0, 20)
        .map(({ i }) => i)
    const [now, next] = files.map(({ adapter }) => ranking(adaptedVector(adapter, 'private question 0')))
    const overlap = now.filter(doc => next.includes(doc)).length / 20
    expect(JSON.parse(lines[0])).toMatchObject({
      served: 'now',
      shadow: 'next',
      k: 20,
      overlap,
      sameFirst: now[0] === next[0],
    })
    expect(s.log()).not.toContain('private question')
    expect(await metric(s, 'adapter_train_shadow_skipped_total{shadow="next"}')).toBe(4)
    expect(await metric(s, 'adapter_train_shadow_overlap_count{shadow="next"}')).toBe(1)
  })

  test('cannot share a name, have a name that means something else, or be missing', async () => {
    const provider = await createProvider('hashing')
    const server = (...adapters: { name: string; path: string }[]) => createEmbeddingServer({ provider, adapters })
    const path = 'x.json'
    for (const adapters of [
      [],
      [{ name: 'query', path }],
      [{ name: 'a b', path }],
      [
        { name: 'a', path },
        { name: 'a', path },
      ],
    ]) {
      expect(() => server(...adapters)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    }
    expect(() => server({ name: 'a', path: 'missing.json' })).toThrow(expect.objectContaining({ code: 'FILE_NOT_FOUND' }))
  })

  test('are refused in front of another model than their own', async () => {
    const path = join(temporaryFolder(), 'other.json')
    saveAdapter(adapterFor(1, 'cohere/embed-v4.0'), path)
    await expect(startServing({ adapters: [{ name: 'default', path }] })).rejects.toMatchObject({
      code: 'ADAPTER_MISMATCH',
    })
    const s = await startServing({ adapters: [{ name: 'default', path }], allowMismatch: true })
    expect(await vectorsOf(s, `${MODEL}:query`, 'x')).toEqual([adaptedVector(adapterFor(), 'x')])
  })
})

describe('a changed adapter file', () => {
  test('is taken within the interval, and the version in the answers changes with the vectors', async () => {
    const s = await startServing({ watchIntervalMs: 20 })
    const version = s.server.adapters[0].version
    const next = adapterFor(3)
    saveAdapter(next, s.path)
    await expect.poll(() => s.server.adapters[0].version).not.toBe(version)
    expect(await vectorsOf(s, `${MODEL}:query`, 'x')).toEqual([adaptedVector(next, 'x')])
    expect(await metric(s, 'adapter_train_adapter_reloads_total{adapter="default",result="taken"}')).toBe(1)
  })

  test('that is broken, missing, or of another model keeps the old one, and is logged and counted once', async () => {
    const s = await startServing({ watchIntervalMs: 20 })
    const { adapter } = s
    const failures = () => metric(s, 'adapter_train_adapter_reloads_total{adapter="default",result="failed"}')
    const moved = `${s.path}.moved`
    const changes = [
      () => writeFileSync(s.path, '{"format": "adapter-train/1"'),
      () => saveAdapter(adapterFor(2, 'cohere/embed-v4.0'), s.path),
      () => renameSync(s.path, moved),
    ]
    for (const [i, change] of changes.entries()) {
      change()
      await expect.poll(failures).toBe(i + 1)
      await sleep(60)
      expect(await failures()).toBe(i + 1)
      expect(await vectorsOf(s, `${MODEL}:query`, 'x')).toEqual([adaptedVector(adapter, 'x')])
    }
    expect(s.log().match(/adapter file not taken/g)).toHaveLength(3)
    saveAdapter(adapterFor(5), s.path)
    await expect.poll(() => vectorsOf(s, `${MODEL}:query`, 'x')).toEqual([adaptedVector(adapterFor(5), 'x')])
  })

  test('never mixes with the old one in an answer, and drops no request', async () => {
    const s = await startServing({ upstream: { latencyMs: 3 } })
    const texts = Array.from({ length: 70 }, (_, i) => `text ${i}`)
    const answers = [1, 2].map(scale => JSON.stringify(texts.map(text => adaptedVector(adapterFor(scale), text))))
    const versions = new Map<string | null, string>()
    const counts = new Array<number>(6).fill(0)
    const changes = [2, 1, 2, 1, 2]
    const client = async (_: number, own: number): Promise<void> => {
      for (; Math.min(...counts) <= changes.length; counts[own]++) {
        const answer = await s.post('/v1/embeddings', { model: `${MODEL}:query`, input: texts })
        expect(answer.status).toBe(200)
        const vectors = JSON.stringify(((await answer.json()) as Answer).data.map(({ embedding }) => embedding))
        expect(answers).toContain(vectors)
        const version = answer.headers.get('x-adapter-version')
        expect(versions.get(version) ?? vectors).toBe(vectors)
        versions.set(version, vectors)
      }
    }
    const clients = Promise.all(counts.map(client))
    for (const [i, scale] of changes.entries()) {
      // However slow the machine is: every client has had an answer since the last change.
      while (Math.min(...counts) <= i) await Promise.race([sleep(5), clients])
      saveAdapter(adapterFor(scale), s.path)
      s.server.reload()
    }
    await clients
    expect(versions.size).toBe(2)
  })
})

describe('the cache', () => {
  test('keeps documents, costs them once, and keeps queries only where that is asked for', async () => {
    for (const cacheQueries of [false, true]) {
      const s = await startServing({ cache: memoryCache(), cacheQueries })
      const usage = async (model: string): Promise<number> => {
        const answer = await s.post('/v1/embeddings', { model, input: ['eight ch', 'eight ch', 'x'] })
        return ((await answer.json()) as Answer).usage.total_tokens
      }
      expect([await usage(MODEL), await usage(MODEL)]).toEqual([3, 0])
      expect(s.upstream.requests).toHaveLength(1)
      await usage(`${MODEL}:query`)
      await usage(`${MODEL}:query`)
      expect(await vectorsOf(s, `${MODEL}:query`, ['x', 'eight ch'])).toEqual(
        ['x', 'eight ch'].map(t => adaptedVector(s.adapter, t)),
      )
      expect(await vectorsOf(s, MODEL, ['x', 'eight ch'])).toEqual(['x', 'eight ch'].map(baseVector))
      // The upstream's vectors of queries and documents are the same here, so queries find those of documents.
      expect(s.upstream.requests).toHaveLength(cacheQueries ? 1 : 4)
      expect(await metric(s, 'adapter_train_cache_hits_total{role="document"}')).toBe(4)
      expect(await metric(s, 'adapter_train_cache_misses_total{role="document"}')).toBe(2)
      expect(await metric(s, 'adapter_train_cache_hits_total{role="query"}')).toBe(cacheQueries ? 6 : 0)
    }
  })

  test('keeps the parts of a composed model, of documents alone', async () => {
    const cache = memoryCache()
    const asked: string[] = []
    const part = (id: string, dimensions: number) =>
      customProvider({
        id,
        dimensions,
        embed: (texts: string[]) => {
          asked.push(...texts)
          return texts.map(text => Array.from({ length: dimensions }, (_, j) => text.length + j))
        },
      })
    const parts = [part('acme/a', 3), part('acme/b', 5)]
    const composed = composeProviders(parts)
    const embed = createBaseEmbedder({ cache, concurrency: 1, metrics: createMetrics() })
    const { signal } = new AbortController()
    const first = await embed(composed, ['one', 'two'], 'document', signal)
    expect(await embed(composed, ['one', 'two'], 'document', signal)).toMatchObject({
      vectors: first.vectors,
      cacheHits: 2,
    })
    await embed(parts[1], ['two'], 'document', signal)
    expect(asked).toEqual(['one', 'two', 'one', 'two'])
    await embed(composed, ['a query'], 'query', signal)
    for (const one of parts) expect(cache.get(one.cacheKey('query'), [hashText('a query')])).toEqual([undefined])
  })

  test('that fails costs no answer', async () => {
    const cache = await openCache(join(temporaryFolder(), 'cache.sqlite'))
    const s = await startServing({ cache })
    cache.close()
    expect(await vectorsOf(s, MODEL, 'x')).toEqual([baseVector('x')])
    expect(await metric(s, 'adapter_train_cache_errors_total{operation="read"}')).toBe(1)
    expect(await metric(s, 'adapter_train_cache_errors_total{operation="write"}')).toBe(1)
  })
})

test('more requests within a minute than the limit are turned away with the seconds to wait', async () => {
  const s = await startServing({ rateLimit: 3 })
  const answers = []
  for (let i = 0; i < 5; i++) answers.push(await s.post('/v1/embeddings', { model: MODEL, input: 'x' }))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429])
  const wait = Number(answers[4].headers.get('retry-after'))
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(60)
  expect(await answers[4].json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limit' } })
  expect((await fetch(`${s.url}/healthz`)).status).toBe(200)
})

describe('pages of other origins', () => {
  const origin = 'https://app.example'
  const preflight = (s: Serving, from: string) =>
    fetch(`${s.url}/v1/embeddings`, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-os',
      },
    })

  test('may not read anything by default', async () => {
    const s = await startServing()
    const asked = await preflight(s, origin)
    expect(asked.status).toBe(404)
    const answer = await s.post('/v1/embeddings', { model: MODEL, input: 'x' }, { origin })
    for (const { headers } of [asked, answer]) {
      expect([...headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([])
    }
  })

  test('may read the answers, errors included, where their origin is named, after asking without a token', async () => {
    const s = await startServing({ corsOrigins: [origin], token: 'the-token' })
    const asked = await preflight(s, origin)
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-origin')).toBe(origin)
    expect(asked.headers.get('access-control-allow-headers')).toBe('authorization,content-type,x-stainless-os')
    const refused = await s.post('/v1/embeddings', { model: MODEL, input: 'x' }, { origin })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, origin])
    const other = await preflight(s, 'https://evil.example')
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
    expect(other.status).toBe(401)
  })
})

describe('closing', () => {
  test.each([5000, 2 ** 32])('within %i ms lets what is in flight finish, and takes nothing more', async time => {
    const s = await startServing({ upstream: { latencyMs: 500 } })
    const inFlight = Array.from({ length: 5 }, () => s.post('/v1/embeddings', { model: `${MODEL}:query`, input: 'x' }))
    await expect.poll(() => s.upstream.requests.length).toBe(5)
    const closed = s.server.close(time)
    for (const answer of await Promise.all(inFlight)) {
      expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close'])
    }
    await closed
    await expect(fetch(`${s.url}/healthz`)).rejects.toThrow()
  })

  test('gives up what does not finish in time, with an error', async () => {
    const s = await startServing({ upstream: { script: ['hang'] } })
    const hanging = s.post('/v1/embeddings', { model: MODEL, input: 'x' })
    await expect.poll(() => s.upstream.requests.length).toBe(1)
    const started = Date.now()
    await s.server.close(100)
    expect(Date.now() - started).toBeLessThan(2000)
    const answer = await hanging
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ error: { code: 'shutting_down', type: 'server_error' } })
  })
})

test('a local model is asked by one request at a time', async () => {
  const provider = await createProvider('hashing', { dimensions: 8, baseId: `openai/${MODEL}` })
  let [now, peak] = [0, 0]
  const slow = {
    ...provider,
    embed: async (...args: Parameters<typeof provider.embed>) => {
      peak = Math.max(peak, ++now)
      await sleep(10)
      now--
      return provider.embed(...args)
    },
  }
  const s = await startServing({ provider: slow })
  const answers = await Promise.all(Array.from({ length: 8 }, () => vectorsOf(s, MODEL, 'some words')))
  expect(peak).toBe(1)
  expect(new Set(answers.map(String)).size).toBe(1)
})

test('every request leaves one line in the log and is measured', async () => {
  const s = await startServing()
  const answer = await s.post('/v1/embeddings', { model: `${MODEL}:query`, input: ['one', 'two'] })
  await answer.text()
  await expect.poll(() => s.log()).toContain('/v1/embeddings')
  const [line] = s
    .log()
    .split('\n')
    .filter(text => text.includes('/v1/embeddings'))
  expect(JSON.parse(line)).toMatchObject({
    request: answer.headers.get('x-request-id'),
    method: 'POST',
    route: '/v1/embeddings',
    status: 200,
    ms: expect.any(Number),
    role: 'query',
    adapter: 'default',
    adapterVersion: s.server.adapters[0].version,
    inputs: 2,
    tokens: 2,
  })
  const labels = 'route="/v1/embeddings",role="query"'
  expect(await metric(s, `adapter_train_requests_total{${labels},status="200"}`)).toBe(1)
  expect(await metric(s, `adapter_train_request_duration_seconds_count{${labels}}`)).toBe(1)
  expect(await metric(s, 'adapter_train_requests_in_flight')).toBe(1)
  expect(await metric(s, 'adapter_train_inputs_total{role="query"}')).toBe(2)
})
