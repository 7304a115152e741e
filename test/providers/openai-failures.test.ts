import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import type { AdapterTrainError } from '../../src/errors.js'
import { openai } from '../../src/providers/openai.js'
import { startFakeOpenAI, toBase64 } from '../helpers/fake-openai.js'
import { fakeServers } from '../helpers/fake-servers.js'
import type { ScriptedAnswer } from '../helpers/fake-service.js'
import { rejection } from '../helpers/rejection.js'

const KEY = 'sk-proj-A1b2C3d4E5f6G7h8I9j0'

const start = fakeServers(startFakeOpenAI, ['OPENAI_API_KEY', 'OPENAI_BASE_URL'])

/** The error of one request that is answered like this. */
async function failureOf(answer: ScriptedAnswer, options: { timeoutMs?: number } = {}): Promise<AdapterTrainError> {
  const { url } = await start({ script: [answer] })
  const provider = await openai.create({ baseUrl: url, apiKey: KEY, ...options })
  return rejection(provider.embed(['a'], 'query'))
}

describe('a refusal', () => {
  test.each([
    [408, true],
    [409, true],
    [429, true],
    [500, true],
    [503, true],
    [529, true],
    [400, false],
    [401, false],
    [402, false],
    [403, false],
    [404, false],
    [422, false],
  ])('with status %i can be retried: %s', async (status, retryable) => {
    const error = await failureOf({ status, body: { error: { message: 'because' } } })
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.details).toMatchObject({ provider: 'openai', model: 'text-embedding-3-small', status, retryable })
    expect(error.message).toContain(`openai (text-embedding-3-small) answered HTTP ${status}: because`)
  })

  test('is sent once: the library’s own retries are off', async () => {
    const server = await start({ script: [{ status: 500 }] })
    const provider = await openai.create({ baseUrl: server.url })
    await rejection(provider.embed(['a'], 'query'))
    expect(server.requests).toHaveLength(1)
  })

  test.each([
    [401, 'Check the key: OPENAI_API_KEY'],
    [403, 'may use this model'],
    [404, 'Check the model name'],
    [400, 'too long'],
    [429, 'lower concurrency'],
    [503, 'Try again later'],
  ])('with status %i says what to do', async (status, advice) => {
    expect((await failureOf({ status, body: {} })).message).toContain(advice)
  })

  test.each(['insufficient_quota', 'billing_not_active'])('for spent credit is not retried: %s', async code => {
    const body = { error: { message: 'You exceeded your current quota', type: code, code } }
    const error = await failureOf({ status: 429, body, headers: { 'retry-after': '1' } })
    expect(error.details).toMatchObject({ status: 429, retryable: false, serviceCode: code })
    expect(error.message).toContain('billing')
  })

  test.each([
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '0.25' }, 250],
    [{ 'retry-after-ms': '350', 'retry-after': '1' }, 350],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ] as [Record<string, string>, number | undefined][])('passes on how long to wait: %o', async (headers, expected) => {
    const error = await failureOf({ status: 429, headers, body: {} })
    expect(error.details.retryAfterMs).toBe(expected)
  })

  test('passes on a date to wait for', async () => {
    const headers = { 'retry-after': new Date(Date.now() + 90_000).toUTCString() }
    const { retryAfterMs } = (await failureOf({ status: 503, headers, body: {} })).details
    expect(retryAfterMs).toBeGreaterThan(80_000)
    expect(retryAfterMs).toBeLessThanOrEqual(90_000)
  })

  test.each([
    ['OpenAI', { error: { message: 'too big' } }, 'too big'],
    ['Ollama', { error: 'model "x" not found' }, 'model "x" not found'],
    ['older vLLM', { object: 'error', message: 'too big', code: 400 }, 'too big'],
    ['FastAPI', { detail: [{ msg: 'field required' }] }, 'field required'],
    ['a proxy', '<html><head><style>b{}</style></head><body><h1>Bad\nGateway</h1></body></html>', ': Bad Gateway.'],
    ['a broken proxy', '{"error": {', '{"error": {'],
  ])('carries the words of %s', async (_, body, words) => {
    expect((await failureOf({ status: 400, body })).message).toContain(words)
  })

  test('with no body or a null body still names the status', async () => {
    expect((await failureOf({ status: 502 })).message).toContain('answered HTTP 502. ')
    expect((await failureOf({ status: 502, body: null })).message).toContain('answered HTTP 502')
  })

  test('shortens what the service says', async () => {
    const error = await failureOf({ status: 400, body: { error: { message: 'x '.repeat(5000) } } })
    expect(error.message.length).toBeLessThan(600)
  })

  test('never carries the key, whole or masked, however the service quotes it', async () => {
    const said = `Wrong key: ${KEY}, "${KEY}" Bearer ${KEY} sk-proj-A1b2****************9j0. ${KEY.slice(4, 16)} ${KEY}`
    for (const body of [{ error: { message: said, code: KEY, type: KEY } }, said, { error: said }, { error: { nested: said } }]) {
      const error = await failureOf({ status: 401, body, headers: { 'x-echo': KEY } })
      const everything = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error) + error.stack
      for (const secret of [KEY, 'A1b2', 'G7h8', '9j0']) expect(everything).not.toContain(secret)
      expect(error.message).toContain('[redacted]')
      expect(error.message).toContain('Wrong key')
    }
  })

  test('never carries the wrong key that the service quotes in part', async () => {
    const { url } = await start({ apiKey: 'the-right-one' })
    const provider = await openai.create({ baseUrl: url, apiKey: KEY })
    const error = await rejection(provider.embed(['a'], 'query'))
    expect(error.details).toMatchObject({ status: 401, retryable: false, serviceCode: 'invalid_api_key' })
    expect(error.message).toContain('Incorrect API key provided: [redacted]')
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/sk-proj|9j0/)
  })
})

describe('a connection', () => {
  test('that is refused names the base URL and asks for the server', async () => {
    const server = await startFakeOpenAI()
    await server.close()
    const provider = await openai.create({ baseUrl: server.url, apiKey: KEY })
    const error = await rejection(provider.embed(['a'], 'query'))
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.details).toMatchObject({ retryable: true, code: 'ECONNREFUSED' })
    expect(error.message).toContain(server.url)
    expect(error.message).toContain('Check that the server runs')
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(KEY)
  })

  test('that cannot be made safe is not tried again', async () => {
    const { url } = await start()
    const provider = await openai.create({ baseUrl: url.replace('http:', 'https:') })
    const error = await rejection(provider.embed(['a'], 'query'))
    expect(error.details.retryable).toBe(false)
    expect(error.message).toContain('uses https')
  })

  test.each(['drop', 'cut'] as const)('that breaks can be retried: %s', async how => {
    const error = await failureOf(how)
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.details).toMatchObject({ retryable: true })
  })

  test.each(['hang', 'stall'] as const)('without a whole answer is given up in time: %s', async how => {
    const start = performance.now()
    const error = await failureOf(how, { timeoutMs: 100 })
    expect(performance.now() - start).toBeLessThan(5000)
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.details).toMatchObject({ retryable: true, timeoutMs: 100 })
    expect(error.message).toContain('within 0.1 s')
  })
})

describe('aborting', () => {
  test('before a request sends none', async () => {
    const server = await start()
    const provider = await openai.create({ baseUrl: server.url })
    const error = await rejection(provider.embed(['a'], 'query', { signal: AbortSignal.abort() }))
    expect(error.code).toBe('ABORTED')
    expect(server.requests).toHaveLength(0)
  })

  test.each(['hang', 'stall'] as const)('ends a request that is under way: %s', async how => {
    const server = await start({ script: [how] })
    const provider = await openai.create({ baseUrl: server.url })
    const controller = new AbortController()
    const promise = provider.embed(['a'], 'query', { signal: controller.signal })
    await vi.waitUntil(() => server.requests.length === 1)
    setTimeout(() => controller.abort(new Error('enough')), 20)
    const error = await rejection(promise)
    expect(error.code).toBe('ABORTED')
    expect(error.cause).toMatchObject({ message: 'enough' })
  })
})

describe('an answer', () => {
  const vector = (...values: number[]) => toBase64(Float32Array.from(values))
  test.each<[string, unknown]>([
    ['no vector', { data: [] }],
    ['too few vectors', { data: [{ index: 0, embedding: vector(1, 2) }] }],
    ['too many vectors', { data: [0, 1, 2].map(index => ({ index, embedding: vector(1, 2) })) }],
    ['one index twice', { data: [0, 0].map(index => ({ index, embedding: vector(1, 2) })) }],
    ['indices that begin at 1', { data: [1, 2].map(index => ({ index, embedding: vector(1, 2) })) }],
    ['vectors of two lengths', { data: [vector(1, 2), vector(1)].map((embedding, index) => ({ index, embedding })) }],
    ['empty vectors', { data: [[], []].map((embedding, index) => ({ index, embedding })) }],
    ['empty base64', { data: ['', ''].map((embedding, index) => ({ index, embedding })) }],
    ['base64 of half a value', { data: ['AACAPwA=', 'AACAPwA='].map((embedding, index) => ({ index, embedding })) }],
    ['text that is not base64', { data: ['!!!!!!!!', '!!!!!!!!'].map((embedding, index) => ({ index, embedding })) }],
    ['NaN in base64', { data: [vector(1, Number.NaN), vector(1, 2)].map((embedding, index) => ({ index, embedding })) }],
    [
      'NaN written as null',
      {
        data: [
          [1, null],
          [1, 2],
        ].map((embedding, index) => ({ index, embedding })),
      },
    ],
    [
      'a value beyond float32',
      {
        data: [
          [1, 1e39],
          [1, 2],
        ].map((embedding, index) => ({ index, embedding })),
      },
    ],
    [
      'numbers in strings',
      {
        data: [
          ['1', '2'],
          [1, 2],
        ].map((embedding, index) => ({ index, embedding })),
      },
    ],
    ['null items', { data: [null, null] }],
    ['no data', { object: 'list' }],
    ['null', null],
    ['a web page', '<html>sign in</html>'],
    ['an empty body', undefined],
  ])('with %s is an error', async (_, body) => {
    const { url } = await start({ script: [{ status: 200, body }] })
    const provider = await openai.create({ baseUrl: url })
    const error = await rejection(provider.embed(['a', 'b'], 'query'))
    expect(error.code).toBe('PROVIDER_RESPONSE')
    expect(error.message).toContain('openai (text-embedding-3-small)')
  })

  test('of broken JSON is an error', async () => {
    const script = [{ status: 200, headers: { 'content-type': 'application/json' }, body: '{"data": [' }]
    const { url } = await start({ script })
    const error = await rejection((await openai.create({ baseUrl: url })).embed(['a'], 'query'))
    expect(error.code).toBe('PROVIDER_RESPONSE')
    expect(error.message).toContain('not the JSON')
  })
})
