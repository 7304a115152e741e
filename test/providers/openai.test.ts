import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { openai } from '../../src/providers/openai.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import { fakeServers } from '../helpers/fake-servers.js'
import { fakeVector } from '../helpers/fake-vector.js'
import { rejection } from '../helpers/rejection.js'

const KEY = 'sk-proj-A1b2C3d4E5f6G7h8I9j0'

const start = fakeServers(startFakeOpenAI, ['OPENAI_API_KEY', 'OPENAI_BASE_URL'])

describe('a request', () => {
  test('asks for base64 with the model, the texts and the key, once', async () => {
    const server = await start({ apiKey: KEY })
    const provider = await openai.create({ baseUrl: server.url, apiKey: KEY })
    const usage: number[] = []
    const vectors = await provider.embed(['ships', 'a <|endoftext|> b'], 'document', {
      onUsage: u => usage.push(u.tokens),
    })
    expect(vectors).toEqual([fakeVector('ships', 8), fakeVector('a <|endoftext|> b', 8)])
    expect(server.requests).toHaveLength(1)
    const [{ method, path, headers, body }] = server.requests
    expect([method, path, headers.authorization]).toEqual(['POST', '/v1/embeddings', `Bearer ${KEY}`])
    expect(body).toEqual({
      model: 'text-embedding-3-small',
      input: ['ships', 'a <|endoftext|> b'],
      encoding_format: 'base64',
    })
    expect(usage).toEqual([2 + 5])
  })

  test('takes vectors in numbers, which some servers send whatever is asked', async () => {
    const { url } = await start({ encoding: 'float' })
    const provider = await openai.create({ baseUrl: url })
    expect(await provider.embed(['ships'], 'query')).toEqual([fakeVector('ships', 8)])
  })

  test('puts the vectors in the order of the texts', async () => {
    const { url } = await start({ reversed: true })
    const provider = await openai.create({ baseUrl: url })
    const texts = ['one', 'two', 'three']
    expect(await provider.embed(texts, 'query')).toEqual(texts.map(text => fakeVector(text, 8)))
  })

  test('is not sent for no texts', async () => {
    const server = await start()
    const provider = await openai.create({ baseUrl: server.url })
    expect(await provider.embed([], 'query')).toEqual([])
    expect(server.requests).toHaveLength(0)
  })

  test('carries 2048 texts of 1536 values', async () => {
    const { url } = await start({ dimensions: 1536 })
    const provider = await openai.create({ baseUrl: url })
    const texts = Array.from({ length: 2048 }, (_, i) => `${i}`)
    const vectors = await provider.embed(texts, 'document')
    expect(vectors).toHaveLength(2048)
    expect(vectors[2047]).toEqual(fakeVector('2047', 1536))
  })

  test('reports no usage where the service reports none', async () => {
    const data = [{ index: 0, embedding: [1, 0] }]
    const { url } = await start({ script: [{ status: 200, body: { data } }] })
    const provider = await openai.create({ baseUrl: url })
    const onUsage = vi.fn()
    await provider.embed(['a'], 'query', { onUsage })
    expect(onUsage).not.toHaveBeenCalled()
  })

  test('puts the prefix of the role before the text', async () => {
    const server = await start()
    const provider = await openai.create({ baseUrl: server.url, queryPrefix: 'query: ', documentPrefix: 'passage: ' })
    await provider.embed(['ships'], 'query')
    await provider.embed(['ships'], 'document')
    expect(server.requests.map(request => request.body.input)).toEqual([['query: ships'], ['passage: ships']])
  })
})

describe('the key', () => {
  test('comes from OPENAI_API_KEY, without the line end that a file adds', async () => {
    vi.stubEnv('OPENAI_API_KEY', `${KEY}\n`)
    const server = await start({ apiKey: KEY })
    const provider = await openai.create({ baseUrl: server.url })
    await provider.embed(['a'], 'query')
    expect(server.requests[0].headers.authorization).toBe(`Bearer ${KEY}`)
  })

  test('comes from the option before the environment', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'another-key')
    const { url } = await start({ apiKey: KEY })
    const provider = await openai.create({ baseUrl: url, apiKey: KEY })
    expect(await provider.embed(['a'], 'query')).toHaveLength(1)
  })

  test.each([undefined, '', '  '])('is missed before any request, with both remedies (%j)', async value => {
    vi.stubEnv('OPENAI_API_KEY', value)
    const error = await rejection(openai.create({ apiKey: value }))
    expect(error.code).toBe('PROVIDER_KEY')
    expect(error.message).toBe('no key for openai. Set OPENAI_API_KEY, or pass { apiKey } to createProvider')
  })

  test('is needed for api.openai.com also where that is given as the base URL', async () => {
    const error = await rejection(openai.create({ baseUrl: 'https://api.openai.com/v1/' }))
    expect(error.code).toBe('PROVIDER_KEY')
  })

  test('is not needed for another server', async () => {
    const server = await start()
    const provider = await openai.create({ baseUrl: server.url })
    await provider.embed(['a'], 'query')
    expect(server.requests[0].headers.authorization).toBe('Bearer none')
  })

  test.each(['sk-proj-A1b2…', 'sk-proj A1b2C3', 'sk-proj-A1b2\nC3d4'])(
    'is refused, unquoted, when it cannot be one: %j',
    async apiKey => {
      const error = await rejection(openai.create({ apiKey }))
      expect(error.code).toBe('PROVIDER_KEY')
      expect(inspect(error)).not.toContain('A1b2')
    },
  )
})

describe('dimensions', () => {
  test('are known at once for a model of OpenAI, and with the first answer of another server', async () => {
    expect((await openai.create({ apiKey: KEY })).dimensions).toBe(1536)
    expect((await openai.create({ apiKey: KEY, model: 'text-embedding-3-large' })).dimensions).toBe(3072)
    expect((await openai.create({ apiKey: KEY, model: 'a-later-model' })).dimensions).toBeUndefined()
    const { url } = await start({ dimensions: 16 })
    const provider = await openai.create({ baseUrl: url, model: 'nomic-embed-text' })
    expect(provider.dimensions).toBeUndefined()
    await provider.embed(['a'], 'query')
    expect(provider.dimensions).toBe(16)
  })

  test('are sent, and are in the id, where they differ from the model’s own', async () => {
    const server = await start()
    const provider = await openai.create({ baseUrl: server.url, dimensions: 5 })
    const [vector] = await provider.embed(['a'], 'query')
    expect(server.requests[0].body.dimensions).toBe(5)
    expect([vector.length, provider.dimensions, provider.id]).toEqual([5, 5, 'openai/text-embedding-3-small@5'])
  })

  test('that are the model’s own change nothing, also for ada-002, which takes none', async () => {
    const plain = await openai.create({ apiKey: KEY, model: 'text-embedding-ada-002' })
    const explicit = await openai.create({ apiKey: KEY, model: 'text-embedding-ada-002', dimensions: 1536 })
    expect([explicit.id, explicit.cacheKey('query')]).toEqual([plain.id, plain.cacheKey('query')])
  })

  test.each([
    ['text-embedding-ada-002', 512, 'cannot be shortened'],
    ['text-embedding-3-small', 1537, 'at most 1536'],
    ['text-embedding-3-large', 4096, 'at most 3072'],
  ])('that %s does not have are refused: %i', async (model, dimensions, expected) => {
    const error = await rejection(openai.create({ apiKey: KEY, model, dimensions }))
    expect(error.code).toBe('USAGE')
    expect(error.message).toContain(expected)
  })

  test('that a server ignores are an error, not a vector of another length', async () => {
    const { url } = await start({ ignoreDimensions: true })
    const provider = await openai.create({ baseUrl: url, model: 'x', dimensions: 4 })
    const error = await rejection(provider.embed(['a'], 'query'))
    expect(error.code).toBe('PROVIDER_RESPONSE')
    expect(error.message).toContain('has a wrong length; expected 4 values, found 8')
  })

  test('that change between two answers are an error', async () => {
    const server = await start({ dimensions: 8 })
    const provider = await openai.create({ baseUrl: server.url })
    await provider.embed(['a'], 'query')
    server.enqueue({ status: 200, body: { data: [{ index: 0, embedding: [1, 2] }] } })
    expect((await rejection(provider.embed(['b'], 'query'))).code).toBe('PROVIDER_RESPONSE')
  })
})

describe('options', () => {
  test.each([
    { dimensions: 0 },
    { dimensions: 2.5 },
    { maxInputs: -1 },
    { maxInputTokens: Number.NaN },
    { concurrency: 0 },
    { timeoutMs: 0 },
    { price: -1 },
    { price: Number.NaN },
  ])('out of range are refused by name: %o', async options => {
    const error = await rejection(openai.create({ apiKey: KEY, ...options }))
    expect(error.code).toBe('USAGE')
    expect(error.message).toContain(`"${Object.keys(options)[0]}"`)
  })

  test('set the limits and the price', async () => {
    const plain = await openai.create({ apiKey: KEY })
    expect(plain.limits).toEqual({
      maxInputs: 2048,
      maxInputTokens: 8192,
      maxRequestTokens: 300_000,
      maxConcurrency: 4,
    })
    expect(plain.price).toBe(0.02)
    const options = { maxInputs: 10, maxInputTokens: 512, concurrency: 2, price: 1 }
    const { limits, price } = await openai.create({ apiKey: KEY, ...options })
    expect(limits).toEqual({ maxInputs: 10, maxInputTokens: 512, maxRequestTokens: 300_000, maxConcurrency: 2 })
    expect(price).toBe(1)
    expect((await openai.create({ apiKey: KEY, maxInputs: 5000 })).limits.maxInputs).toBe(2048)
  })

  test('leave limit and price open for a model that is not known', async () => {
    const provider = await openai.create({ baseUrl: 'http://localhost:1/v1', model: 'constructor' })
    expect([provider.limits.maxInputTokens, provider.price, provider.dimensions]).toEqual([undefined, undefined, undefined])
  })

  test('can take a timeout longer than a timer can run', async () => {
    const { url } = await start({ latencyMs: 50 })
    const provider = await openai.create({ baseUrl: url, timeoutMs: 2 ** 40 })
    expect(await provider.embed(['a'], 'query')).toHaveLength(1)
  })
})

describe('the cache key', () => {
  test('is one string for both roles, so that nothing is billed twice', async () => {
    const provider = await openai.create({ apiKey: KEY })
    expect(provider.cacheKey('query')).toBe(provider.cacheKey('document'))
    expect(JSON.parse(provider.cacheKey('query'))).toEqual({ provider: 'openai', model: 'text-embedding-3-small' })
  })

  test('differs by role where the prefixes differ', async () => {
    const provider = await openai.create({ apiKey: KEY, queryPrefix: 'query: ' })
    expect(JSON.parse(provider.cacheKey('query')).prefix).toBe('query: ')
    expect(provider.cacheKey('document')).toBe((await openai.create({ apiKey: KEY })).cacheKey('document'))
  })

  test('holds the host of another server, and neither its port, nor its path, nor the key', async () => {
    const keyOf = async (baseUrl: string) => (await openai.create({ baseUrl, apiKey: KEY })).cacheKey('query')
    const local = await keyOf('http://localhost:11434/v1')
    for (const same of ['http://127.0.0.1:8000/v1', 'http://[::1]:1/api/', 'https://LOCALHOST/x', 'http://127.9.9.9']) {
      expect(await keyOf(same)).toBe(local)
    }
    expect(JSON.parse(local).host).toBe('localhost')
    expect(await keyOf('http://gpu-box:8000/v1')).not.toBe(local)
    expect(await keyOf('https://api.openai.com.evil.example/v1')).toContain('evil.example')
    expect(await keyOf('https://api.openai.com/v1/')).not.toContain('host')
    expect(local).not.toContain(KEY)
  })

  test('keeps apart what a base id keeps apart', async () => {
    const [a, b] = await Promise.all(['a', 'b'].map(baseId => openai.create({ baseUrl: 'http://localhost/v1', baseId })))
    expect(a.id).toBe('a')
    expect(a.cacheKey('query')).not.toBe(b.cacheKey('query'))
  })
})

describe('a provider', () => {
  test('does not show its key when it is printed', async () => {
    const provider = await openai.create({ apiKey: KEY })
    expect(inspect(provider, { depth: 20, showHidden: true }) + JSON.stringify(provider)).not.toContain(KEY)
  })
})
