import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context, Handler, MiddlewareHandler } from 'hono'
import { ApiError } from './errors.js'

/** Facts of a request for its line of the log; no text, no key. */
interface RequestFacts {
  route: string
  /** `query` if the vectors were adapted, `document` if they are the upstream's own. */
  role?: string
  adapter?: string
  adapterVersion?: string
  inputs?: number
  cacheHits?: number
  tokens?: number
  error?: string
  cause?: unknown
}

/** One request, from its first byte to the end of its answer. */
export type RequestScope = ReturnType<typeof openScope>

/** Bytes and milliseconds for the rest of a body that is too large. */
const MOST_DISCARDED = 2 ** 30
const DISCARD_MS = 10_000

/** Errors by the reason why a request is given up. 499 is what proxies log for a client that did not wait; nobody receives it. */
const STOPPED = {
  gone: () => new ApiError(499, 'client_closed_request', 'the client closed the connection'),
  timeout: () => new ApiError(504, 'request_timeout', 'the request took longer than this server allows'),
  shutdown: () => new ApiError(503, 'shutting_down', 'the server is shutting down', { retryAfter: 1 }),
}

/** Opens the scope of a request. */
export function openScope(id: string, outgoing: ServerResponse) {
  const controller = new AbortController()
  const facts: RequestFacts = { route: 'other' }
  const signal: AbortSignal = controller.signal
  return {
    id,
    facts,
    /** Aborted when the client leaves, the time is over, or the server ends; the reason is an {@link ApiError}. */
    signal,
    stop: (reason: keyof typeof STOPPED): void => controller.abort(STOPPED[reason]()),
    /** Ends the connection with the answer, unless that was begun. */
    closeConnection() {
      if (!outgoing.headersSent) outgoing.setHeader('connection', 'close')
    },
  }
}

/** Hono's view of a request: Node's own objects, and the request's scope. */
export type ServeEnv = { Bindings: HttpBindings; Variables: { scope: RequestScope } }

type ServeContext = Context<ServeEnv>
export type ServeHandler = Handler<ServeEnv>
export type ServeMiddleware = MiddlewareHandler<ServeEnv>

/** Answers through Node's own response: a web `Response` would cost as much as the adapter, turning every body into a stream and back. */
export function send(
  { env: { incoming, outgoing } }: ServeContext,
  status: number,
  body: string,
  headers: OutgoingHttpHeaders = {},
): Response {
  outgoing.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers })
  // The rest of a body that is too large is thrown away before the connection ends, or its sender would find that broken and never
  // read the answer.
  if (status === 413 && !incoming.readableEnded && !incoming.destroyed) {
    outgoing.write(body)
    let left = MOST_DISCARDED
    const end = (): void => {
      clearTimeout(timer)
      incoming.off('data', discard)
      outgoing.end()
    }
    const discard = (chunk: Buffer): void => {
      left -= chunk.length
      if (left < 0) end()
    }
    const timer = setTimeout(end, DISCARD_MS)
    incoming.on('data', discard).once('end', end).once('close', end).resume()
  } else outgoing.end(body)
  return RESPONSE_ALREADY_SENT
}

/** Answers with an error, in Cohere's shape under `/v2`, else in OpenAI's. */
export function sendError(c: ServeContext, error: ApiError): Response {
  const { id, facts } = c.get('scope')
  const { status, code, message, details } = error
  facts.error = code
  facts.cause = details.facts ?? {}
  if (c.env.outgoing.headersSent || c.env.outgoing.destroyed) return RESPONSE_ALREADY_SENT
  const { param = null, retryAfter } = details
  const body = c.req.path.startsWith('/v2/') ? { id, message } : { error: { message, type: errorType(status), param, code } }
  return send(c, status, JSON.stringify(body), {
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    // The connection has bytes of the old body on it.
    ...(status === 413 || status === 408 ? { connection: 'close' } : {}),
  })
}

/** The `type` OpenAI's clients show with an error. */
function errorType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}
