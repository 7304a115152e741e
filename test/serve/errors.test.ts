import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OpenAI } from 'openai'
import { describe, expect, test } from 'vitest'
import { createProvider } from '../../src/providers/index.js'
import { D, MODEL, metric, type Serving, startServing, UPSTREAM_KEY } from './serving.js'

const TOKEN = 'token-of-the-server'
const AUTH = { authorization: `Bearer ${TOKEN}` }
const SECRET_TEXT = 'the patient suffers from a rare disease'

interface OpenAIError {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
  }
}

/** The error of an answer, which has to be of OpenAI's shape, and to hold no text, key or place in the code. */
async function errorOf(answer: Response): Promise<OpenAIError['error']> {
  const body = await answer.text()
  const { error, ...rest } = JSON.parse(body) as OpenAIError
  expect(Object.keys(rest)).toEqual([])
  expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type'])
  expect(error.message).not.toBe('')
  for (const secret of [SECRET_TEXT, 'rare disease', TOKEN, UPSTREAM_KEY, 'node_modules', '    at ']) {
    expect(body).not.toContain(secret)
  }
  return error
}

/** Expects a refusal of this status and these properties, and returns its error. */
async function expectError(answer: Response, status: number, expected: object = {}): Promise<OpenAIError['error']> {
  expect(answer.status).toBe(status)
  const error = await errorOf(answer)
  expect(error).toMatchObject(expected)
  return error
}

/** Sends a request by hand, without an end if pieces of a body are given, and returns the status of the answer. */
function statusOf(url: string, headers: Record<string, string | number>, ...pieces: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: pieces.length > 0 ? 'POST' : 'GET', headers }, answer => {
      answer.resume()
      resolve(answer.statusCode!)
    })
    sent.on('error', reject)
    for (const piece of pieces) sent.write(piece)
    if (pieces.length === 0) sent.end()
  })
}

function expectCleanLog(s: Serving): void {
  for (const secret of [SECRET_TEXT, 'rare disease', 'patient', TOKEN, UPSTREAM_KEY, '    at ', '"stack"']) {
    expect(s.log()).not.toContain(secret)
  }
}

describe('a request that is wrong', () => {
  const body = { model: MODEL, input: SECRET_TEXT }
  const cases: [what: string, body: unknown, status: number, expected: { param?: string | null; code?: string }][] = [
    ['malformed JSON', `{"model": "${MODEL}", "input": "${SECRET_TEXT}"`, 400, { code: 'invalid_json' }],
    ['no body', '', 400, { code: 'invalid_json' }],
    ['a body that is no object', [SECRET_TEXT], 400, { code: 'invalid_json' }],
    ['null as the body', 'null', 400, { code: 'invalid_json' }],
    ['no input', { model: MODEL }, 400, { param: 'input' }],
    ['a number as the input', { model: MODEL, input: 7 }, 400, { param: 'input' }],
    ['an object as the input', { model: MODEL, input: { text: SECRET_TEXT } }, 400, { param: 'input' }],
    ['no text at all', { model: MODEL, input: [] }, 400, { param: 'input' }],
    ['an empty text', { model: MODEL, input: '' }, 400, { param: 'input', code: 'empty_input' }],
    ['an empty text among others', { model: MODEL, input: [SECRET_TEXT, ''] }, 400, { code: 'empty_input' }],
    ['white space', { model: MODEL, input: [' \n'] }, 400, { code: 'empty_input' }],
    ['half a surrogate pair', { model: MODEL, input: [`${SECRET_TEXT} \ud83d`] }, 400, { param: 'input' }],
    ['null among the texts', { model: MODEL, input: [SECRET_TEXT, null] }, 400, { param: 'input' }],
    ['tokens that there are none of', { model: MODEL, input: [1_000_000_000] }, 400, { param: 'input', code: 'tokens_refused' }],
    ['lists of what are no tokens', { model: MODEL, input: [[1.5], [-3]] }, 400, { param: 'input', code: 'tokens_refused' }],
    ['too many texts', { model: MODEL, input: Array(2049).fill('x') }, 400, { code: 'too_many_inputs' }],
    ['a text that is too long', { model: MODEL, input: [`${SECRET_TEXT} `.repeat(3000)] }, 400, { param: 'input' }],
    ['no model', { input: SECRET_TEXT }, 400, { param: 'model' }],
    ['a number as the model', { ...body, model: 3 }, 400, { param: 'model' }],
    ['an unknown model', { ...body, model: 'gpt-4o' }, 404, { param: 'model', code: 'model_not_found' }],
    ['an unknown adapter', { ...body, model: `${MODEL}:sales` }, 404, { param: 'model' }],
    ['the name of a method of objects', { ...body, model: `${MODEL}:__proto__` }, 404, { param: 'model' }],
    ['an unknown encoding', { ...body, encoding_format: 'int8' }, 400, { param: 'encoding_format' }],
    ['a text as dimensions', { ...body, dimensions: '8' }, 400, { param: 'dimensions' }],
    ['other dimensions than the adapter', { ...body, model: `${MODEL}:query`, dimensions: 9 }, 400, { param: 'dimensions' }],
    ['negative dimensions', { ...body, dimensions: -1 }, 400, { param: 'dimensions' }],
  ]

  test('is answered with the right status and an error in the shape of OpenAI, and reaches neither upstream nor log', async () => {
    const s = await startServing({ token: TOKEN, upstream: {} })
    for (const [what, sent, status, expected] of cases) {
      const answer = await s.post('/v1/embeddings', sent, AUTH)
      expect(answer.status, what).toBe(status)
      const error = await errorOf(answer)
      expect(error, what).toMatchObject({ type: 'invalid_request_error', ...expected })
    }
    expect(s.upstream.requests).toEqual([])
    expectCleanLog(s)
    expect(await metric(s, 'adapter_train_requests_total{route="/v1/embeddings",role="",status="404"}', AUTH)).toBe(3)
  })

  test('is refused with a role that contradicts the model, or is none', async () => {
    const s = await startServing()
    const ask = (model: string, role: string) => s.post('/v1/embeddings', { model, input: 'x' }, { 'x-embedding-role': role })
    for (const [model, role] of [
      [MODEL, 'passage'],
      [MODEL, ''],
      [`${MODEL}:query`, 'document'],
    ]) {
      await expectError(await ask(model, role), 400, { param: 'x-embedding-role' })
    }
    expect((await ask(MODEL, 'document')).status).toBe(200)
  })

  test('is refused with another media type than JSON, as a form of another page would send', async () => {
    const s = await startServing()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      await expectError(await s.post('/v1/embeddings', body, { 'content-type': type }), 415)
    }
    const answer = await s.post('/v1/embeddings', body, { 'content-type': 'Application/JSON; charset=utf-8' })
    expect(answer.status).toBe(200)
  })

  test('is told where the routes are when it asks for another', async () => {
    const s = await startServing()
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/v1/embeddings'],
      ['POST', `/v1/${SECRET_TEXT}`],
      ['DELETE', '/v1/models'],
    ]) {
      await expectError(await fetch(s.url + path, { method }), 404)
    }
    expectCleanLog(s)
  })
})

describe('a token', () => {
  test('is asked of every route but /healthz', async () => {
    const s = await startServing({ token: TOKEN })
    const wrong = [
      undefined,
      'Bearer',
      'Bearer ',
      'Bearer wrong',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Basic ${TOKEN}`,
      TOKEN,
    ]
    for (const authorization of wrong) {
      for (const path of ['/v1/models', '/metrics', '/elsewhere']) {
        const answer = await fetch(s.url + path, { headers: authorization === undefined ? {} : { authorization } })
        expect(answer.status, `${authorization} ${path}`).toBe(401)
        expect(answer.headers.get('www-authenticate')).toBe('Bearer')
        expect(await errorOf(answer)).toMatchObject({ type: 'authentication_error' })
      }
    }
    expect((await fetch(`${s.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${s.url}/v1/models`, { headers: { authorization: `bearer ${TOKEN}` } })).status).toBe(200)
    expectCleanLog(s)
  })

  test('is needed to listen at an address that others can reach', async () => {
    const { server } = await startServing()
    for (const host of ['0.0.0.0', '::', '192.168.7.7', 'example.com']) {
      await expect(server.listen({ host, port: 0 })).rejects.toMatchObject({ code: 'USAGE', message: /token/ })
    }
  })

  test('is not asked without one, but then a request has to be for this machine by name', async () => {
    const s = await startServing()
    const ask = (host: string) => statusOf(`${s.url}/v1/models`, { host })
    for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '127.1.2.3', '[::1]:80']) expect(await ask(host)).toBe(200)
    for (const host of ['evil.example', 'localhost.evil.example', '10.0.0.1']) expect(await ask(host)).toBe(403)
  })
})

describe('a body that is too large', () => {
  test('is refused by its declared length', async () => {
    const s = await startServing({ bodyLimit: 1000 })
    await expectError(await s.post('/v1/embeddings', { model: MODEL, input: SECRET_TEXT.repeat(100) }), 413, {
      code: 'body_too_large',
      type: 'invalid_request_error',
    })
    expect((await s.post('/v1/embeddings', { model: MODEL, input: SECRET_TEXT })).status).toBe(200)
  })

  test('is refused as soon as it is too long where no length is declared', async () => {
    const s = await startServing({ bodyLimit: 1000 })
    const status = await statusOf(
      `${s.url}/v1/embeddings`,
      { 'content-type': 'application/json' },
      `{"model":"${MODEL}","input":"${'x'.repeat(600)}`,
      'x'.repeat(600),
    )
    expect(status).toBe(413)
    expect(s.upstream.requests).toEqual([])
  })
})

describe('an upstream that fails', () => {
  const refusal = (status: number, code: string | null = null) => ({
    status,
    body: { error: { message: `cannot embed "${SECRET_TEXT}" with ${UPSTREAM_KEY}`, type: 'x', param: null, code } },
  })
  const ask = (s: Serving, model = `${MODEL}:query`) => s.post('/v1/embeddings', { model, input: SECRET_TEXT })

  test.each([
    [500, 502, 'server_error'],
    [503, 502, 'server_error'],
    [401, 502, 'server_error'],
    [404, 502, 'server_error'],
    [400, 400, 'invalid_request_error'],
    [408, 504, 'server_error'],
  ])('with HTTP %d is answered with %d, without its words', async (from, to, type) => {
    const s = await startServing({ upstream: { script: [refusal(from)] } })
    await expectError(await ask(s), to, { type })
    expectCleanLog(s)
    expect(s.log()).toContain(`"upstreamStatus":${from}`)
    expect(await metric(s, `adapter_train_upstream_errors_total{reason="${from}"}`)).toBe(1)
  })

  test('with HTTP 429 is answered with 429 and its Retry-After, and the client that waits gets its vectors', async () => {
    const busy = { ...refusal(429, 'rate_limit_exceeded'), headers: { 'retry-after': '7' } }
    const s = await startServing({ upstream: { script: [busy, { ...busy, headers: { 'retry-after-ms': '20' } }] } })
    const answer = await ask(s)
    expect(answer.status).toBe(429)
    expect(answer.headers.get('retry-after')).toBe('7')
    expect((await errorOf(answer)).message).toContain('rate_limit_exceeded')
    const client = new OpenAI({ apiKey: 'none', baseURL: `${s.url}/v1`, maxRetries: 1 })
    expect((await client.embeddings.create({ model: MODEL, input: 'x' })).data).toHaveLength(1)
  })

  test.each([
    ['closes the connection', 'drop', 502],
    ['closes it in the middle of the answer', 'cut', 502],
    ['answers with something else', { status: 200, body: '<html>login</html>' }, 502],
    ['answers with too few vectors', { status: 200, body: { data: [] } }, 502],
  ] as const)('when it %s', async (_, scripted, status) => {
    const s = await startServing({ upstream: { script: [scripted] } })
    await expectError(await ask(s), status)
    expectCleanLog(s)
  })

  test.each(['hang', 'stall'] as const)('by a %s is answered with 504 after the timeout', async how => {
    const s = await startServing({ upstream: { script: [how] }, upstreamTimeoutMs: 150 })
    await expectError(await ask(s), 504, { code: 'upstream_timeout', type: 'server_error' })
    expectCleanLog(s)
  })

  test('with vectors of another length than the adapter is answered with 502', async () => {
    const s = await startServing({ upstream: { dimensions: 5 } })
    await expectError(await ask(s), 502, { code: 'upstream_dimensions' })
    expect((await ask(s, MODEL)).status).toBe(200)
  })

  test('that is not there is answered with 502', async () => {
    const s = await startServing()
    await s.upstream.close()
    await expectError(await ask(s), 502, { code: 'upstream_unreachable' })
    expectCleanLog(s)
  })

  test('is asked again where retries are wanted', async () => {
    const s = await startServing({
      retries: 1,
      upstream: { script: [{ ...refusal(500), headers: { 'retry-after-ms': '1' } }] },
    })
    expect((await ask(s)).status).toBe(200)
    expect(s.upstream.requests).toHaveLength(2)
  })
})

test('an error that nobody thought of is answered with 500, without its words', async () => {
  const provider = await createProvider('hashing', { dimensions: D, baseId: `openai/${MODEL}` })
  const broken = {
    ...provider,
    isLocal: false,
    embed: () => Promise.reject(new TypeError(`cannot read ${SECRET_TEXT}`)),
  }
  const s = await startServing({ provider: broken })
  await expectError(await s.post('/v1/embeddings', { model: MODEL, input: SECRET_TEXT }), 500, {
    type: 'server_error',
    code: 'internal_error',
  })
  expect(s.log()).toContain('"error":"internal_error"')
  expect(s.log()).not.toContain('rare disease')
})

describe('a request that does not come to its end', () => {
  test('is given up with 504 when its time is over', async () => {
    const s = await startServing({ requestTimeoutMs: 150, upstream: { script: ['hang'] } })
    await expectError(await s.post('/v1/embeddings', { model: MODEL, input: SECRET_TEXT }), 504, {
      code: 'request_timeout',
    })
  })

  test('has its time, also where that is longer than a timer of Node.js can be', async () => {
    const s = await startServing({ requestTimeoutMs: 2 ** 31, upstream: { latencyMs: 100 } })
    expect((await s.post('/v1/embeddings', { model: MODEL, input: SECRET_TEXT })).status).toBe(200)
  })

  test('is given up with 408 when its body does not arrive', async () => {
    const s = await startServing({ requestTimeoutMs: 150 })
    const headers = { 'content-type': 'application/json', 'content-length': 100 }
    const status = await statusOf(`${s.url}/v1/embeddings`, headers, '{"model":')
    expect(status).toBe(408)
  })

  test('stops the call of the upstream when the client goes away', async () => {
    const upstream = { asked: 0, left: 0 }
    const silent = createServer((_, response) => {
      upstream.asked++
      response.on('close', () => upstream.left++)
    })
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const provider = await createProvider('openai', { baseUrl: `http://127.0.0.1:${port}/v1` })
    const s = await startServing({ provider })
    const controller = new AbortController()
    const sent = fetch(`${s.url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: `${MODEL}:query`, input: SECRET_TEXT }),
      signal: controller.signal,
    })
    await expect.poll(() => upstream).toEqual({ asked: 1, left: 0 })
    controller.abort()
    await expect(sent).rejects.toThrow()
    await expect.poll(() => upstream).toEqual({ asked: 1, left: 1 })
    await expect.poll(() => s.log()).toContain('"status":499')
    expectCleanLog(s)
    silent.close()
  })
})
