import type { OutgoingHttpHeaders } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { ApiError } from './api-error.js'
import type { ServeContext } from './serve-env.js'

/**
 * Answers through Node's own response: a web `Response` would turn every body into a stream and back, at the cost of the
 * adapter itself.
 */
export function send(
  { env: { outgoing } }: ServeContext,
  status: number,
  body: string,
  headers: OutgoingHttpHeaders = {},
): Response {
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  outgoing.end(body)
  return RESPONSE_ALREADY_SENT
}

/** Answers with an error, in Cohere's shape under `/v2`, else in OpenAI's. */
export function sendError(c: ServeContext, error: ApiError): Response {
  const { facts } = c.get('scope')
  facts.error = error.code
  facts.cause = error.facts
  if (c.env.outgoing.headersSent || c.env.outgoing.destroyed) return RESPONSE_ALREADY_SENT
  const { status, code, message, param = null, retryAfter } = error
  const body = c.req.path.startsWith('/v2/')
    ? { id: c.get('scope').id, message }
    : { error: { message, type: errorType(status), param, code } }
  return send(c, status, JSON.stringify(body), {
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    // The rest of a body that is too large is not waited for.
    ...(status === 413 || status === 408 ? { connection: 'close' } : {}),
  })
}

/** The `type` that OpenAI's clients show with an error. */
function errorType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}
