import { createServer, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { OpenAI } from 'openai'
import { afterEach, expect, test, vi } from 'vitest'
import { openIndex } from '../../src/indexes/index.js'
import { adaptOpenAI } from '../../src/integrations/openai.js'
import { matrix } from '../../src/math/matrix.js'
import { createProvider } from '../../src/providers/index.js'
import { routeTo } from '../../src/providers/proxy.js'
import { rejection } from '../helpers/rejection.js'
import { embeddingServer, listen, soundAnswer, vectorOf } from './server.js'

afterEach(() => void vi.unstubAllEnvs())

/** A proxy that records what it is asked for and passes it on. */
async function proxy(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    const { method, headers } = request
    request.pipe(
      httpRequest(request.url!, { method, headers }, answer => {
        response.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(response)
      }),
    )
  })
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    const [host, port] = request.url!.split(':')
    if (!host.startsWith('127.')) return socket.end('HTTP/1.1 502 refused\r\n\r\n')
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(target).pipe(socket)
    })
    target.on('error', () => socket.destroy())
    return undefined
  })
  return { url: await listen(server), asked }
}

test.each([undefined, 'http'] as const)('requests go through the proxy of the environment (%s)', async transport => {
  const { url, asked } = await proxy()
  const server = await embeddingServer(soundAnswer)
  vi.stubEnv('HTTP_PROXY', url.replace('//', '//me:p%40ss@'))
  vi.stubEnv('HTTPS_PROXY', url)
  vi.stubEnv('NO_PROXY', '')
  const open = (baseUrl: string) => createProvider('openai', { model: 'm', baseUrl, apiKey: 'k', transport, timeoutMs: 5000 })
  const embedded = await (await open(server.url)).embed(['hello'], 'query')
  expect([...embedded[0]]).toEqual(vectorOf('hello'))
  expect(asked).toEqual([`POST ${server.url}/embeddings Basic ${btoa('me:p@ss')}`])

  const error = await rejection((await open('https://service.example:8443/v1')).embed(['hello'], 'query'))
  expect(asked.slice(1)).toEqual(['CONNECT service.example:8443'])
  expect(error.message).toContain('answered HTTP 502 to CONNECT')
  expect(error.message).not.toContain('p@ss')

  vi.stubEnv('NO_PROXY', 'other.example, 127.0.0.1')
  await (await open(server.url)).embed(['hello'], 'query')
  expect(asked).toHaveLength(2)
})

test.each([undefined, 'http'] as const)('a proxy that does not answer CONNECT holds nothing up (%s)', async transport => {
  const sockets: Duplex[] = []
  const silent = createServer().on(
    'connect',
    (_, socket) =>
      void sockets.push(
        socket
          .on('error', () => {})
          .on('end', () => socket.end())
          .resume(),
      ),
  )
  vi.stubEnv('HTTPS_PROXY', await listen(silent))
  vi.stubEnv('NO_PROXY', '')
  const open = (timeoutMs: number) =>
    createProvider('openai', { model: 'm', baseUrl: 'https://service.example/v1', apiKey: 'k', transport, timeoutMs })
  expect((await rejection((await open(300)).embed(['hello'], 'query'))).message).toContain('no complete answer')
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 300)
  const stopped = await rejection((await open(60_000)).embed(['hello'], 'query', { signal: abort.signal }))
  expect(stopped.code).toBe('ABORTED')
  expect(sockets).toHaveLength(2)
  await vi.waitFor(() => expect(sockets.every(socket => socket.readableEnded || socket.destroyed)).toBe(true))
})

test('a redirect that a client refuses is refused behind a proxy too, and takes no key to another host', async () => {
  const { url } = await proxy()
  const keys: unknown[] = []
  const other = await listen((request, response) => {
    keys.push(request.headers['api-key'])
    response.end('{}')
  })
  const index = await listen((_, response) => response.writeHead(302, { location: `${other}/collections/docs` }).end())
  vi.stubEnv('QDRANT_API_KEY', 'secret-key-0123456789')
  for (const address of ['', url]) {
    vi.stubEnv('HTTP_PROXY', address)
    vi.stubEnv('NO_PROXY', '')
    const error = await rejection(openIndex(`qdrant+${index}#docs`))
    expect(error).toMatchObject({ code: 'INDEX_OPEN', message: expect.stringContaining('redirect') })
  }
  expect(keys).toEqual([])
})

test.each([
  ['*', true],
  ['service.example', true],
  ['.example', true],
  ['*.example', true],
  ['service.example:443', true],
  ['service.example:8443', false],
  ['vice.example', false],
  ['', false],
])('NO_PROXY=%s leaves a host out: %s', (list, isDirect) => {
  vi.stubEnv('HTTPS_PROXY', '127.0.0.1:9')
  vi.stubEnv('NO_PROXY', list)
  const tunnel = routeTo(new URL('https://service.example/v1')).options.agent
  vi.stubEnv('HTTPS_PROXY', '')
  expect(tunnel === routeTo(new URL('https://service.example/v1')).options.agent).toBe(isDirect)
})

test.each(['99999999999999999999', '1e400', '-5', 'never', `${10 ** 400}`])(
  'Retry-After: %s gives a bounded wait or none',
  async value => {
    const { url } = await embeddingServer((_, response) => {
      response.writeHead(503, { 'retry-after': value }).end()
      return undefined
    })
    const provider = await createProvider('openai', { model: 'm', baseUrl: url, apiKey: 'k' })
    const { details } = await rejection(provider.embed(['a'], 'query'))
    expect(Number(details.retryAfterMs ?? 0)).toBeLessThanOrEqual(7 * 24 * 3600_000)
  },
)

test('ids and codes of a server are kept without the key, and cut', async () => {
  const key = 'sk-field-0123456789abcdef'
  const { url } = await embeddingServer((_, response, request) => {
    const sent = String(request.headers.authorization).replace('Bearer ', '')
    response.writeHead(500, { 'x-request-id': `${sent}/${'r'.repeat(3000)}` })
    response.end(JSON.stringify({ error: { message: sent, code: `code_${sent}`, type: sent } }))
    return undefined
  })
  for (const transport of [undefined, 'http'] as const) {
    const provider = await createProvider('openai', { model: 'm', baseUrl: url, apiKey: key, transport })
    const error = await rejection(provider.embed(['a'], 'query'))
    expect(`${error.message} ${JSON.stringify(error.details)}`).not.toContain('0123456789')
    expect(String(error.details.requestId).length).toBeLessThan(130)
  }
})

test.each([undefined, 'float', 'base64'] as const)(
  'an adapted OpenAI client reads a server that ignores encoding_format (%s)',
  async format => {
    const identity = matrix(3, 3, Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1))
    const adapter = {
      kind: 'linear' as const,
      base: { id: 'openai/m', dimensions: 3, normalized: false },
      training: { tool: 't', date: '2026-01-01', data: {}, options: {}, metrics: {} },
      params: { W: identity, b: matrix(1, 3) },
    }
    const base64 = Buffer.from(Float32Array.from(vectorOf('hello')).buffer).toString('base64')
    for (const embedding of [vectorOf('hello'), base64]) {
      const { url } = await embeddingServer(() => ({ data: [{ index: 0, embedding }] }))
      const client = adaptOpenAI(new OpenAI({ apiKey: 'k', baseURL: url, maxRetries: 0 }), adapter as never)
      for (const role of ['query', 'document'] as const) {
        const answer = await client.embeddings.create({
          model: 'm',
          input: 'hello',
          role,
          ...(format && { encoding_format: format }),
        })
        expect(answer.data[0].embedding).toHaveLength(format === 'base64' && embedding === base64 ? 16 : 3)
      }
    }
  },
)
