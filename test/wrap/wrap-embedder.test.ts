import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { memoryCache } from '../../src/cache/memory-cache.js'
import { AdapterTrainError } from '../../src/errors.js'
import { matrix, norm } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import type { EmbeddingProvider, Role } from '../../src/providers/provider.js'
import { type Embedder, type WrapOptions, wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { rejection } from '../helpers/rejection.js'

const d = 6
const adapter: Adapter = {
  kind: 'linear',
  base: { id: 'test/model', dimensions: d, normalized: false },
  training: { tool: 'test', date: '2024-01-01T00:00:00Z', data: {}, options: {}, metrics: {} },
  params: { W: randomMatrix(d, d, 1), b: randomMatrix(1, d, 2) },
}

/** A vector that follows from the text, as a model gives it. */
function vectorOf(text: string, length = d): Float32Array {
  const random = createRandom([...text].reduce((hash, c) => (hash * 31 + (c.codePointAt(0) as number)) % 1e9, 7))
  return Float32Array.from({ length }, () => random.normal())
}

/** W q + b in float64. */
function expected(q: Float32Array): number[] {
  const { W, b } = adapter.params
  return Array.from(b.data, (bias, i) => q.reduce((sum, x, j) => sum + W.data[i * d + j] * x, bias))
}

function expectVector(actual: ArrayLike<number>, wanted: number[]): void {
  const difference = Math.max(...wanted.map((value, j) => Math.abs(value - actual[j])))
  expect(actual).toHaveLength(wanted.length)
  expect(difference).toBeLessThan(1e-6 * Math.max(...wanted.map(Math.abs)))
}

interface TestProvider extends EmbeddingProvider {
  readonly calls: { texts: readonly string[]; role: Role; signal?: AbortSignal }[]
  closed: number
}

function testProvider(overrides: { id?: string; dimensions?: number; length?: number } = {}): TestProvider {
  const { id = 'test/model', length } = overrides
  const provider: TestProvider = {
    id,
    dimensions: 'dimensions' in overrides ? overrides.dimensions : d,
    limits: { maxInputs: 3, maxConcurrency: 2 },
    price: 0.02,
    calls: [],
    closed: 0,
    cacheKey: role => `${id}|${role}`,
    countTokens: text => text.length,
    async embed(texts, role, options) {
      provider.calls.push({ texts, role, signal: options?.signal })
      return texts.map(text => vectorOf(text, length))
    },
    async close() {
      provider.closed++
    },
  }
  return provider
}

describe('a wrapped provider', () => {
  test('embeds queries as W q + b, and documents as the base model does, bit for bit', async () => {
    const base = testProvider()
    const wrapped = wrapEmbedder(base, adapter)
    const { signal } = new AbortController()
    const queries = await wrapped.embed(['how', 'why'], 'query', { signal })
    expect(queries[0]).toBeInstanceOf(Float32Array)
    expectVector(queries[0], expected(vectorOf('how')))
    expectVector(queries[1], expected(vectorOf('why')))
    expect(await wrapped.embed(['how', 'why'], 'document')).toEqual([vectorOf('how'), vectorOf('why')])
    expect(base.calls[0]).toEqual({ texts: ['how', 'why'], role: 'query', signal })
  })

  test("answers LangChain's methods with plain numbers", async () => {
    const wrapped = wrapEmbedder(testProvider(), adapter)
    const query = await wrapped.embedQuery('how')
    expect(Array.isArray(query)).toBe(true)
    expectVector(query, expected(vectorOf('how')))
    const documents = await wrapped.embedDocuments(['one', 'two', 'one'])
    expect(documents).toEqual(['one', 'two', 'one'].map(text => Array.from(vectorOf(text))))
    expect(await wrapped.embedDocuments([])).toEqual([])
  })

  test('asks for no more texts at once than the model takes', async () => {
    const base = testProvider()
    const texts = Array.from({ length: 8 }, (_, i) => `text ${i}`)
    const documents = await wrapEmbedder(base, adapter).embedDocuments(texts)
    expect(documents).toEqual(texts.map(text => Array.from(vectorOf(text))))
    expect(base.calls.map(call => call.texts.length)).toEqual([3, 3, 2])
  })

  test('is a provider again: it keeps what the base model says of itself and closes it', async () => {
    const base = testProvider()
    const wrapped = wrapEmbedder(base, adapter)
    expect(wrapped).toMatchObject({ id: 'test/model', dimensions: d, limits: base.limits, price: 0.02, adapter })
    expect(wrapped.countTokens('four')).toBe(4)
    await wrapped.close?.()
    expect(base.closed).toBe(1)
    expectVector(
      (await wrapEmbedder(wrapped, adapter).embed(['x'], 'query'))[0],
      expected(Float32Array.from(expected(vectorOf('x')))),
    )
  })

  test('knows the dimensions as soon as the base model does', () => {
    const base = { ...testProvider(), dimensions: undefined as number | undefined }
    const wrapped = wrapEmbedder(base, adapter)
    expect(wrapped.dimensions).toBeUndefined()
    base.dimensions = d
    expect(wrapped.dimensions).toBe(d)
  })

  test('has a cache key of its own for queries, by adapter and option, and the base key for documents', () => {
    const base = testProvider()
    const other: Adapter = { ...adapter, params: { ...adapter.params, b: matrix(1, d) } }
    const keys = [adapter, other].map(a => wrapEmbedder(base, a).cacheKey('query'))
    keys.push(wrapEmbedder(base, adapter, { normalize: true }).cacheKey('query'), base.cacheKey('query'))
    expect(new Set(keys).size).toBe(4)
    expect(wrapEmbedder(base, { ...adapter }).cacheKey('query')).toBe(keys[0])
    expect(wrapEmbedder(base, adapter).cacheKey('document')).toBe(base.cacheKey('document'))
  })

  test('keeps vectors of the base model in the cache, so that another adapter can use them', async () => {
    const [base, cache] = [testProvider(), memoryCache()]
    const first = await wrapEmbedder(base, adapter, { cache }).embedQuery('how')
    await wrapEmbedder(base, adapter, { cache }).embedDocuments(['how'])
    expect(base.calls).toHaveLength(2)
    expect(await wrapEmbedder(base, adapter, { cache }).embedQuery('how')).toEqual(first)
    const zero: Adapter = { ...adapter, params: { ...adapter.params, W: matrix(d, d) } }
    expect(await wrapEmbedder(base, zero, { cache }).embedQuery('how')).toEqual([...adapter.params.b.data])
    expect(base.calls).toHaveLength(2)
  })

  test('of an adapter to fewer dimensions documents keep the first ones, at length 1, under a cache key of their own', async () => {
    const short: Adapter = { ...adapter, params: { W: randomMatrix(2, d, 1), b: randomMatrix(1, 2, 2) } }
    const [base, cache] = [testProvider(), memoryCache()]
    const wrapped = wrapEmbedder(base, short, { cache })
    const [x, y] = vectorOf('how')
    const start = [x / Math.hypot(x, y), y / Math.hypot(x, y)]
    expect(wrapped.dimensions).toBe(2)
    expectVector((await wrapped.embed(['how'], 'document'))[0], start)
    expectVector((await wrapped.embedDocuments(['how']))[0], start)
    expect(await wrapped.embedQuery('how')).toHaveLength(2)
    expect(wrapped.cacheKey('document')).not.toBe(base.cacheKey('document'))
    // The cache has whole vectors, for other adapters.
    expect(await wrapEmbedder(base, adapter, { cache }).embedDocuments(['how'])).toEqual([[...vectorOf('how')]])
    expect((await wrapEmbedder(wrapped, short, { allowMismatch: true }).embedDocuments(['how']))[0]).toHaveLength(2)
  })

  test('scales queries, and only these, to length 1 where it is asked to', async () => {
    const wrapped = wrapEmbedder(testProvider(), adapter, { normalize: true })
    const length = norm(expected(vectorOf('how')))
    const unit = expected(vectorOf('how')).map(value => value / length)
    expectVector((await wrapped.embed(['how'], 'query'))[0], unit)
    expectVector(await wrapped.embedQuery('how'), unit)
    expect(await wrapped.embed(['how'], 'document')).toEqual([vectorOf('how')])
  })

  test('refuses a base model that answers with vectors of another length, also with allowMismatch', async () => {
    const base = testProvider({ dimensions: undefined, length: 4 })
    for (const allowMismatch of [false, true]) {
      const wrapped = wrapEmbedder(base, adapter, { allowMismatch })
      for (const answer of [wrapped.embed(['how'], 'query'), wrapped.embedQuery('how')]) {
        expect(await rejection(answer)).toMatchObject({
          code: 'VECTOR_INVALID',
          message: expect.stringMatching(/4 dimensions.*trained for 6/),
        })
      }
    }
  })

  test('passes on what the base model throws', async () => {
    const failing = { ...testProvider(), embed: () => Promise.reject(new AdapterTrainError('PROVIDER_KEY', 'no key')) }
    expect(await rejection(wrapEmbedder(failing, adapter).embedQuery('how'))).toMatchObject({ code: 'PROVIDER_KEY' })
  })
})

describe('a wrapped object of another library', () => {
  /** As LangChain's classes are: private state, documents by way of queries, a callable with properties, an accessor. */
  class Embeddings implements Embedder {
    static readonly family = 'test'
    #calls = 0
    #timeout = 1
    readonly model = 'test-embed'
    readonly client = Object.assign((path: string) => `called ${path}`, { get: (path: string) => `got ${path}` })
    async embedQuery(text: string) {
      this.#calls++
      return Array.from(vectorOf(text))
    }
    async embedDocuments(texts: string[]) {
      return Promise.all(texts.map(text => this.embedQuery(text)))
    }
    callCount(): number {
      return this.#calls
    }
    get timeout() {
      return this.#timeout
    }
    set timeout(value: number) {
      this.#timeout = value
    }
  }

  test('adapts queries and leaves documents as they are, also where they are embedded by way of queries', async () => {
    const base = new Embeddings()
    const wrapped = wrapEmbedder(base, adapter)
    const query = await wrapped.embedQuery('how')
    expect(Array.isArray(query)).toBe(true)
    expectVector(query, expected(vectorOf('how')))
    expect(await wrapped.embedDocuments(['how', 'why'])).toEqual([vectorOf('how'), vectorOf('why')].map(v => Array.from(v)))
    expect(await base.embedQuery('how')).toEqual(Array.from(vectorOf('how')))
  })

  test('keeps its class, its state and its other members', async () => {
    const base = new Embeddings()
    const wrapped = wrapEmbedder(base, adapter)
    await wrapped.embedQuery('how')
    expect(wrapped).toBeInstanceOf(Embeddings)
    expect(wrapped.constructor).toBe(Embeddings)
    expect(wrapped.model).toBe('test-embed')
    expect(wrapped.callCount()).toBe(1)
    expect([wrapped.client('/a'), wrapped.client.get('/b')]).toEqual(['called /a', 'got /b'])
    wrapped.timeout = 5
    expect([wrapped.timeout, base.timeout]).toEqual([5, 5])
    expect(Object.keys(wrapped)).toEqual(Object.keys(base))
  })

  test('works with its methods taken off it', async () => {
    const { embedQuery, embedDocuments } = wrapEmbedder(new Embeddings(), adapter)
    expectVector(await embedQuery('how'), expected(vectorOf('how')))
    expect(await embedDocuments(['how'])).toEqual([Array.from(vectorOf('how'))])
  })

  test('may be a frozen object', async () => {
    const { embedQuery, embedDocuments } = wrapEmbedder(new Embeddings(), adapter)
    const base = Object.freeze({
      embedQuery: async (text: string) => Array.from(vectorOf(text)),
      embedDocuments,
    })
    expect(await wrapEmbedder(base, adapter).embedQuery('how')).toEqual(await embedQuery('how'))
    expect(await wrapEmbedder(base, adapter).embedDocuments(['how'])).toEqual(await embedDocuments(['how']))
  })

  test('scales queries to length 1 where it is asked to, and refuses vectors of another length', async () => {
    const unit = await wrapEmbedder(new Embeddings(), adapter, { normalize: true }).embedQuery('how')
    expect(norm(unit)).toBeCloseTo(1, 6)
    const short: Embedder = { embedQuery: async () => [1, 2], embedDocuments: async () => [[1, 2]] }
    const error = await rejection(wrapEmbedder(short, adapter).embedQuery('how'))
    expect(error).toMatchObject({
      code: 'VECTOR_INVALID',
      message: expect.stringMatching(/2 dimensions.*trained for 6/),
    })
  })
})

describe('wrapEmbedder', () => {
  const object = (members: object): Embedder => ({
    embedQuery: async () => [],
    embedDocuments: async () => [],
    ...members,
  })

  test.each<[string, string, EmbeddingProvider | Embedder]>([
    ['provider of another model', '"test/model", but the provider is "other/model"', testProvider({ id: 'other/model' })],
    ['provider of other dimensions', '6 dimensions, but the provider "test/model" gives 4', testProvider({ dimensions: 4 })],
    ['object of another model', '"test/model", but the provider is "other"', object({ id: 'other' })],
    ['object of other dimensions', '6 dimensions, but the provider "given" gives 4', object({ dimensions: 4 })],
  ])('refuses a %s unless the mismatch is allowed', (_, message, base) => {
    const wrap = (options?: WrapOptions) => wrapEmbedder(base as EmbeddingProvider, adapter, options)
    expect(wrap).toThrow(expect.objectContaining({ code: 'ADAPTER_MISMATCH', message: expect.stringContaining(message) }))
    expect(wrap).toThrow('allowMismatch: true')
    expect(() => wrap({ allowMismatch: true })).not.toThrow()
  })

  test('takes the path of an adapter file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wrap-'))
    try {
      const path = join(folder, 'adapter.json')
      saveAdapter(adapter, path)
      const query = await wrapEmbedder(testProvider(), path).embedQuery('how')
      expect(query).toEqual(await wrapEmbedder(testProvider(), adapter).embedQuery('how'))
      expect(() => wrapEmbedder(testProvider(), join(folder, 'missing.json'))).toThrow(
        expect.objectContaining({ code: 'FILE_NOT_FOUND', message: expect.stringContaining('missing.json') }),
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test.each<[unknown]>([
    [undefined],
    [null],
    [{}],
    ['openai/text-embedding-3-small'],
    [7],
    [{ embedQuery: async () => [] }],
    [{ embed: async () => [] }],
  ])('refuses %o as an embedder', base => {
    expect(() => wrapEmbedder(base as EmbeddingProvider, adapter)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('embedQuery and embedDocuments') }),
    )
  })

  test.each<[unknown]>([
    [undefined],
    [null],
    [{}],
    [[]],
    [7],
    [{ kind: 'linear', base: adapter.base }],
    [{ ...adapter, base: null }],
  ])('refuses %o as an adapter', wrong => {
    for (const base of [testProvider(), object({})]) {
      expect(() => wrapEmbedder(base as EmbeddingProvider, wrong as Adapter)).toThrow(
        expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('path') }),
      )
    }
  })

  test('refuses an adapter whose weights are not finite or not of its dimensions', () => {
    const W = matrix(d, d, new Float32Array(d * d).fill(Number.NaN))
    const wrap = (params: Adapter['params']) => () => wrapEmbedder(testProvider(), { ...adapter, params })
    expect(wrap({ ...adapter.params, W })).toThrow(expect.objectContaining({ code: 'ADAPTER_CORRUPT' }))
    expect(wrap({ ...adapter.params, W: matrix(d, d + 1) })).toThrow(expect.objectContaining({ code: 'ADAPTER_FORMAT' }))
  })
})
