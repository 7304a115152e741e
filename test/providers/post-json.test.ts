import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createProvider } from '../../src/providers/index.js'
import type { EmbeddingProvider } from '../../src/providers/provider.js'
import { toBase64 } from '../helpers/fake-openai.js'
import { rejection } from '../helpers/rejection.js'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const ANSWER = JSON.stringify({
  data: [{ index: 0, embedding: toBase64(Float32Array.of(1, 2)) }],
  usage: { total_tokens: 1 },
})

/** A service that closes a connection as soon as its n-th request is there. */
async function closingAt(n: number): Promise<{ provider: EmbeddingProvider; seen: number[]; authorizations: unknown[] }> {
  const requests = new Map<Socket, number>()
  const seen: number[] = []
  const authorizations: unknown[] = []
  server = createServer((request, response) => {
    const count = (requests.get(request.socket) ?? 0) + 1
    requests.set(request.socket, count)
    seen.push(count)
    authorizations.push(request.headers.authorization)
    if (count === n) request.socket.destroy()
    else response.end(ANSWER)
  })
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return { provider: await createProvider('openai', { baseUrl, transport: 'http' }), seen, authorizations }
}

test('a request over a connection that the service has just closed goes out once more, over a new one', async () => {
  const { provider, seen } = await closingAt(2)
  for (let i = 0; i < 3; i++) expect(await provider.embed(['x'], 'query')).toEqual([Float32Array.of(1, 2)])
  expect(seen).toEqual([1, 2, 1, 2, 1])
})

test('a request over a new connection that the service closes fails, and is not sent again', async () => {
  const { provider, seen } = await closingAt(1)
  const error = await rejection(provider.embed(['x'], 'query'))
  expect(error).toMatchObject({ code: 'PROVIDER_REQUEST', details: { retryable: true, code: 'ECONNRESET' } })
  expect(seen).toEqual([1])
})

test('without a key no authorization is sent', async () => {
  const { provider, authorizations } = await closingAt(9)
  await provider.embed(['x'], 'document')
  expect(authorizations).toEqual([undefined])
})

test('a request that was stopped before it began is not sent', async () => {
  const { provider, seen } = await closingAt(9)
  const error = await rejection(provider.embed(['x'], 'query', { signal: AbortSignal.abort() }))
  expect(error.code).toBe('ABORTED')
  expect(seen).toEqual([])
})
