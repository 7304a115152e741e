import type { ServerResponse } from 'node:http'
import { ApiError } from './api-error.js'

/** What a line of the log says of a request; no text, no key. */
export interface RequestFacts {
  route: string
  /** `query` where the vectors were adapted, `document` where they are the upstream's own. */
  role?: string
  adapter?: string
  adapterVersion?: string
  inputs?: number
  cacheHits?: number
  tokens?: number
  /** Code of the error that was answered. */
  error?: string
  /** Whatever else is known of that error. */
  cause?: unknown
}

/** One request, from its first byte to the end of its answer. */
export interface RequestScope {
  readonly id: string
  readonly facts: RequestFacts
  /** Aborted when the client has gone, when the time is over, and when the server has to end; the reason is an {@link ApiError}. */
  readonly signal: AbortSignal
  stop(reason: StopReason): void
  /** Has the connection end with the answer, where that is not on its way yet. */
  closeConnection(): void
}

/** Why a request is given up. */
export type StopReason = 'gone' | 'timeout' | 'shutdown'

/** 499 is what proxies log for a client that did not wait; nobody receives it. */
const STOPPED: Readonly<Record<StopReason, () => ApiError>> = {
  gone: () => new ApiError(499, 'client_closed_request', 'the client closed the connection'),
  timeout: () => new ApiError(504, 'request_timeout', 'the request took longer than this server allows'),
  shutdown: () => new ApiError(503, 'shutting_down', 'the server is shutting down', { retryAfter: 1 }),
}

/** Opens the scope of a request. */
export function openScope(id: string, outgoing: ServerResponse): RequestScope {
  const controller = new AbortController()
  return {
    id,
    facts: { route: 'other' },
    signal: controller.signal,
    stop: reason => controller.abort(STOPPED[reason]()),
    closeConnection() {
      if (!outgoing.headersSent) outgoing.setHeader('connection', 'close')
    },
  }
}
