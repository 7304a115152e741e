import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import { requestBody } from '../helpers/request-body.js'

const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

/** Listens at a free port of this machine until the test ends. @returns the address, without a slash at the end */
export async function listen(target: RequestListener | Server): Promise<string> {
  const server = typeof target === 'function' ? createServer(target) : target
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export interface Embeddings {
  readonly model: string
  readonly input: string[]
  readonly encoding_format?: string
}

/** Three values made of a text. */
export function vectorOf(text: string): number[] {
  return [text.length, text.charCodeAt(0), 1]
}

/** The answer of a server that keeps to the protocol. */
export function soundAnswer({ input }: Embeddings): { data: { index?: unknown; embedding: unknown }[] } {
  return { data: [input].flat().map((text, index) => ({ index, embedding: vectorOf(text) })) }
}

/** A server of embeddings; `answer` returns its JSON, or answers by itself. */
export async function embeddingServer(
  answer: (body: Embeddings, response: ServerResponse, request: IncomingMessage) => object | undefined,
): Promise<{ url: string; bodies: Embeddings[] }> {
  const bodies: Embeddings[] = []
  const url = await listen(async (request, response) => {
    const text = await requestBody(request)
    if (text === undefined) return
    const body = JSON.parse(text) as Embeddings
    bodies.push(body)
    const json = answer(body, response, request)
    if (json === undefined) return
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(json))
  })
  return { url: `${url}/v1`, bodies }
}

/** Sends JSON with a status. */
export function refuse(response: ServerResponse, status: number, body: object): undefined {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
