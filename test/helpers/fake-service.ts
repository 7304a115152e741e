import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { requestBody } from './request-body.js'

/** One request as it arrived. */
export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Parsed JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into bodies of any shape
  readonly body: any
}

/** An answer: an object is sent as JSON, a string as it is. */
export interface FakeAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/**
 * What happens to a request instead of the normal answer: `drop` closes the connection, `cut` closes it in the middle of
 * the body, `hang` never answers, `stall` sends the headers of a 200 and nothing more; `ok` answers normally.
 */
export type ScriptedAnswer = FakeAnswer | 'drop' | 'cut' | 'hang' | 'stall' | 'ok'

export interface FakeServiceOptions {
  /** The one key that is accepted; every key, and none, where this is absent. */
  readonly apiKey?: string
  /** Used up one for each request, in order of arrival; then answers are normal. */
  readonly script?: readonly ScriptedAnswer[]
  /** Milliseconds before each answer. */
  readonly latencyMs?: number
}

export interface FakeService {
  /** `http://127.0.0.1:<port>`, with the path that a base URL of this service has. */
  readonly url: string
  readonly requests: readonly RecordedRequest[]
  /** Most requests that were in work at once. */
  readonly peakConcurrency: number
  /** Adds to what is left of the script. */
  enqueue(...answers: ScriptedAnswer[]): void
  close(): Promise<void>
}

/** A real HTTP server on a free port of 127.0.0.1 that records what it is asked. */
export async function startFakeService(
  options: FakeServiceOptions,
  basePath: string,
  answer: (request: RecordedRequest) => FakeAnswer,
): Promise<FakeService> {
  const requests: RecordedRequest[] = []
  const script = [...(options.script ?? [])]
  const sockets = new Set<Socket>()
  let inWork = 0
  let peak = 0
  const server = createServer(async (incoming, response) => {
    peak = Math.max(peak, ++inWork)
    response.on('close', () => inWork--)
    const text = await requestBody(incoming)
    if (text === undefined) return
    const { method = '', url: path = '', headers } = incoming
    const request: RecordedRequest = { method, path, headers, body: text ? JSON.parse(text) : undefined }
    requests.push(request)
    const scripted = script.shift() ?? 'ok'
    if (options.latencyMs) await sleep(options.latencyMs)
    if (scripted === 'hang') return
    if (scripted === 'drop') return incoming.socket.destroy()
    if (scripted === 'cut' || scripted === 'stall') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"data":[', () => (scripted === 'cut' ? incoming.socket.destroy() : undefined))
      return
    }
    const { status, headers: extra, body } = scripted === 'ok' ? answer(request) : scripted
    const type = typeof body === 'string' ? 'text/html' : 'application/json'
    response.writeHead(status, { 'content-type': type, ...extra })
    response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${basePath}`,
    requests,
    get peakConcurrency() {
      return peak
    },
    enqueue: (...answers) => void script.push(...answers),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
