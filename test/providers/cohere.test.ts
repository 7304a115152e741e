import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import type { AdapterTrainError } from '../../src/errors.js'
import { cohere } from '../../src/providers/cohere.js'
import { startFakeCohere } from '../helpers/fake-cohere.js'
import { fakeServers } from '../helpers/fake-servers.js'
import type { ScriptedAnswer } from '../helpers/fake-service.js'
import { fakeVector } from '../helpers/fake-vector.js'
import { rejection } from '../helpers/rejection.js'

const KEY = 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0'

const start = fakeServers(startFakeCohere, ['CO_API_KEY', 'COHERE_API_KEY'])

/** The error of one request that is answered like this. */
async function failureOf(answer: ScriptedAnswer, options: { timeoutMs?: number } = {}): Promise<AdapterTrainError> {
  const { url } = await start({ script: [answer] })
  const provider = await cohere.create({ baseUrl: url, apiKey: KEY, ...options })
  return rejection(provider.embed(['a'], 'query'))
}

describe('a request', () => {
  test('says what the texts are for, and asks for floats and for no cutting', async () => {
    const server = await start({ apiKey: KEY })
    const provider = await cohere.create({ baseUrl: server.url, apiKey: KEY })
    const usage: number[] = []
    const onUsage = ({ tokens }: { tokens: number }) => usage.push(tokens)
    const asQuery = await provider.embed(['ships'], 'query', { onUsage })
    const asDocument = await provider.embed(['ships', 'boats'], 'document', { onUsage })
    expect(asQuery).toEqual([fakeVector('ships search_query', 8)])
    expect(asDocument).toEqual(['ships', 'boats'].map(text => fakeVector(`${text} search_document`, 8)))
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /v2/embed', 'POST /v2/embed'])
    expect(server.requests[0].headers.authorization).toBe(`Bearer ${KEY}`)
    const common = { model: 'embed-v4.0', embedding_types: ['float'], truncate: 'NONE' }
    expect(server.requests.map(request => request.body)).toEqual([
      { ...common, texts: ['ships'], input_type: 'search_query' },
      { ...common, texts: ['ships', 'boats'], input_type: 'search_document' },
    ])
    expect(usage).toEqual([2, 4])
  })

  test('is not sent for no texts', async () => {
    const server = await start()
    expect(await (await cohere.create({ baseUrl: server.url })).embed([], 'query')).toEqual([])
    expect(server.requests).toHaveLength(0)
  })

  test('puts the prefix of the role before the text', async () => {
    const server = await start()
    const provider = await cohere.create({ baseUrl: server.url, queryPrefix: 'find: ' })
    await provider.embed(['ships'], 'query')
    await provider.embed(['ships'], 'document')
    expect(server.requests.map(request => request.body.texts)).toEqual([['find: ships'], ['ships']])
  })

  test.each(['', '/', '/v1', '/v2', '/v2/'])('reaches the same address whether the base URL ends in %j', async end => {
    const server = await start()
    const provider = await cohere.create({ baseUrl: server.url + end })
    await provider.embed(['a'], 'query')
    expect(server.requests[0].path).toBe('/v2/embed')
  })
})

describe('the key', () => {
  test.each(['CO_API_KEY', 'COHERE_API_KEY'])('comes from %s', async name => {
    vi.stubEnv(name, KEY)
    const { url } = await start({ apiKey: KEY })
    expect(await (await cohere.create({ baseUrl: url })).embed(['a'], 'query')).toHaveLength(1)
  })

  test('is missed before any request, with every remedy', async () => {
    const error = await rejection(cohere.create({}))
    expect(error.code).toBe('PROVIDER_KEY')
    expect(error.message).toBe('no key for cohere. Set CO_API_KEY or COHERE_API_KEY, or pass { apiKey } to createProvider')
  })

  test('is not needed for another server', async () => {
    const server = await start()
    await (await cohere.create({ baseUrl: server.url })).embed(['a'], 'query')
    expect(server.requests[0].headers.authorization).toBe('Bearer none')
  })

  test('is not shown when the provider is printed', async () => {
    const provider = await cohere.create({ apiKey: KEY })
    expect(inspect(provider, { depth: 20, showHidden: true }) + JSON.stringify(provider)).not.toContain(KEY)
  })
})

describe('dimensions', () => {
  test.each([
    ['embed-v4.0', 1536],
    ['embed-english-v3.0', 1024],
    ['embed-multilingual-v3.0', 1024],
    ['embed-english-light-v3.0', 384],
    ['embed-multilingual-light-v3.0', 384],
    ['a-later-model', undefined],
  ])('of %s are %s', async (model, dimensions) => {
    expect((await cohere.create({ apiKey: KEY, model })).dimensions).toBe(dimensions)
  })

  test('are sent, and are in the id, where they differ from the model’s own', async () => {
    const server = await start()
    const provider = await cohere.create({ baseUrl: server.url, dimensions: 256 })
    const [vector] = await provider.embed(['a'], 'query')
    expect(server.requests[0].body.output_dimension).toBe(256)
    expect([vector.length, provider.dimensions, provider.id]).toEqual([256, 256, 'cohere/embed-v4.0@256'])
    expect((await cohere.create({ apiKey: KEY, dimensions: 1536 })).id).toBe('cohere/embed-v4.0')
  })

  test.each([
    ['embed-v4.0', 300, 'one of 256, 512, 1024, 1536'],
    ['embed-english-v3.0', 512, 'expected 1024'],
  ])('that %s does not have are refused: %i', async (model, dimensions, expected) => {
    const error = await rejection(cohere.create({ apiKey: KEY, model, dimensions }))
    expect(error.code).toBe('USAGE')
    expect(error.message).toContain(expected)
  })
})

describe('limits, price and tokens', () => {
  test('are those of the service, or of the options', async () => {
    const plain = await cohere.create({ apiKey: KEY })
    expect(plain.limits).toEqual({ maxInputs: 96, maxInputTokens: undefined, maxConcurrency: 4 })
    expect(plain.price).toBe(0.12)
    const { limits, price } = await cohere.create({
      apiKey: KEY,
      maxInputs: 8,
      concurrency: 1,
      maxInputTokens: 512,
      price: 0,
    })
    expect(limits).toEqual({ maxInputs: 8, maxInputTokens: 512, maxConcurrency: 1 })
    expect(price).toBe(0)
    await expect(cohere.create({ apiKey: KEY, concurrency: 1.5 })).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('are estimated from above', async () => {
    const provider = await cohere.create({ apiKey: KEY })
    expect(provider.countTokens('')).toBe(0)
    expect(provider.countTokens('hello world, hello <|endoftext|>')).toBeGreaterThan(6)
  })
})

describe('the cache key', () => {
  test('differs by role, since the vectors do', async () => {
    const provider = await cohere.create({ apiKey: KEY })
    expect(JSON.parse(provider.cacheKey('query'))).toEqual({
      provider: 'cohere',
      model: 'embed-v4.0',
      inputType: 'search_query',
    })
    expect(JSON.parse(provider.cacheKey('document')).inputType).toBe('search_document')
  })

  test('holds the host of another server, and not the key', async () => {
    const provider = await cohere.create({ baseUrl: 'https://cohere.gateway.example:8443/team/v2', apiKey: KEY })
    expect(JSON.parse(provider.cacheKey('query')).host).toBe('cohere.gateway.example')
    expect(provider.cacheKey('query')).not.toContain(KEY)
    const own = await cohere.create({ baseUrl: 'https://api.cohere.com/v2', apiKey: KEY })
    expect(own.cacheKey('query')).not.toContain('host')
  })
})

describe('a refusal', () => {
  test.each([
    [408, true],
    [409, true],
    [429, true],
    [500, true],
    [503, true],
    [400, false],
    [401, false],
    [402, false],
    [403, false],
    [404, false],
    [422, false],
    [498, false],
  ])('with status %i can be retried: %s, and is sent once', async (status, retryable) => {
    const server = await start({
      script: [{ status, body: { message: 'because' }, headers: { 'retry-after': '1.5' } }],
    })
    const provider = await cohere.create({ baseUrl: server.url })
    const error = await rejection(provider.embed(['a'], 'query'))
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.details).toEqual({ provider: 'cohere', model: 'embed-v4.0', status, retryable, retryAfterMs: 1500 })
    expect(error.message).toContain(`cohere (embed-v4.0) answered HTTP ${status}: because`)
    expect(server.requests).toHaveLength(1)
  })

  test('for the spent month of a trial key is not retried; for its minute it is', async () => {
    const message = (period: string) => `You are using a Trial key, which is limited to 40 API calls / ${period}.`
    const month = await failureOf({ status: 429, body: { message: message('month') } })
    expect(month.details.retryable).toBe(false)
    expect(month.message).toContain('billing')
    const minute = await failureOf({ status: 429, body: { message: message('minute') } })
    expect(minute.details.retryable).toBe(true)
  })

  test('keeps its status when its body is not what it says', async () => {
    const headers = { 'content-type': 'application/json' }
    const error = await failureOf({ status: 503, headers, body: '<html>busy</html>' })
    expect(error.details).toMatchObject({ status: 503, retryable: true })
  })

  test('names both variables for a wrong key, and never carries the key', async () => {
    const body = { message: `invalid api token ${KEY} ${KEY.slice(0, 10)}…`, data: KEY }
    const error = await failureOf({ status: 401, body, headers: { 'x-echo': KEY } })
    expect(error.message).toContain('CO_API_KEY or COHERE_API_KEY')
    expect(inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error)).not.toContain('A1b2')
  })
})

describe('a connection', () => {
  test('that is refused names the base URL, and leaves no timer that keeps the process alive', async () => {
    const server = await startFakeCohere()
    await server.close()
    const provider = await cohere.create({ baseUrl: server.url, apiKey: KEY })
    const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const error = await rejection(provider.embed(['a'], 'query'))
    expect(timers()).toBeLessThanOrEqual(before)
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.details).toMatchObject({ retryable: true, code: 'ECONNREFUSED' })
    expect(error.message).toContain(server.url)
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(KEY)
  })

  test.each(['drop', 'cut'] as const)('that breaks can be retried: %s', async how => {
    const error = await failureOf(how)
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.details).toMatchObject({ retryable: true })
  })

  test.each(['hang', 'stall'] as const)('without a whole answer is given up in time: %s', async how => {
    const error = await failureOf(how, { timeoutMs: 100 })
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.details).toMatchObject({ retryable: true, timeoutMs: 100 })
  })
})

describe('aborting', () => {
  test('before a request sends none', async () => {
    const server = await start()
    const provider = await cohere.create({ baseUrl: server.url })
    const error = await rejection(provider.embed(['a'], 'query', { signal: AbortSignal.abort() }))
    expect(error.code).toBe('ABORTED')
    expect(server.requests).toHaveLength(0)
  })

  test.each(['hang', 'stall'] as const)('ends a request that is under way: %s', async how => {
    const server = await start({ script: [how] })
    const provider = await cohere.create({ baseUrl: server.url })
    const controller = new AbortController()
    const promise = provider.embed(['a'], 'query', { signal: controller.signal })
    await vi.waitUntil(() => server.requests.length === 1)
    setTimeout(() => controller.abort(), 20)
    expect((await rejection(promise)).code).toBe('ABORTED')
  })
})

describe('an answer', () => {
  test.each<[string, unknown]>([
    ['too few vectors', { embeddings: { float: [[1, 2]] } }],
    ['vectors of two lengths', { embeddings: { float: [[1, 2], [1]] } }],
    ['empty vectors', { embeddings: { float: [[], []] } }],
    [
      'NaN written as null',
      {
        embeddings: {
          float: [
            [1, null],
            [1, 2],
          ],
        },
      },
    ],
    ['another type of vectors', { embeddings: { int8: [[1], [2]] } }],
    ['no embeddings', { message: 'hello' }],
    ['null', null],
    ['a web page', '<html>sign in</html>'],
    ['an empty body', undefined],
  ])('with %s is an error', async (_, body) => {
    // The library prints a warning of its own about some of these.
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { url } = await start({ script: [{ status: 200, body }] })
    const provider = await cohere.create({ baseUrl: url })
    const error = await rejection(provider.embed(['a', 'b'], 'query'))
    expect(error.code).toBe('PROVIDER_RESPONSE')
    expect(error.message).toContain('cohere (embed-v4.0)')
  })
})
