import { AdapterTrainError } from '../errors.js'
import {
  connectionError,
  nameOf,
  networkCode,
  type Refusal,
  refusalError,
  type Service,
  timeoutError,
} from './http-error.js'

/** What one request is sent with. */
export interface Transport {
  /** Never rejects and remembers why a request failed, whatever the library above it makes of that. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  /** Aborted by the caller or by the deadline, also while the body of the answer is read. */
  readonly signal: AbortSignal
  /** The deadline, for a library that wants one of its own. */
  readonly timeoutMs: number
}

// Where no option says otherwise.
const DEFAULT_TIMEOUT_MS = 60_000

const SERVICES = { embeddings: 'an embeddings', chat: 'a chat', batches: 'a batch' }

// Node takes a longer delay for 1 ms.
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Sends one request through a service's own library, once, and tells what went wrong in this package's words.
 *
 * @param send makes the call with the library, its retries off
 * @throws PROVIDER_REQUEST when the service refuses, cannot be reached, or does not answer in time
 * @throws PROVIDER_RESPONSE when the library cannot read the answer
 * @throws ABORTED when the caller's signal was aborted
 */
export async function sendRequest<T>(
  service: Service,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  send: (transport: Transport) => Promise<T>,
): Promise<T> {
  const { signal } = options
  const timeoutMs = Math.min(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, LONGEST_TIMER_MS)
  const aborted = () =>
    new AdapterTrainError('ABORTED', `${nameOf(service)}: the request was stopped by the caller`, {
      cause: signal?.reason,
    })
  if (signal?.aborted) throw aborted()

  const controller = new AbortController()
  const stop = () => controller.abort()
  signal?.addEventListener('abort', stop, { once: true })
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    stop()
  }, timeoutMs)

  const outcome: { answered?: boolean; refusal?: Refusal; error?: unknown } = {}
  // The libraries lose some of this (the body of errors in other servers' shapes, the status of a broken body), keep timers
  // running after a refused connection, and attach request headers to their errors; so it is noted here, below them.
  const fetch: Transport['fetch'] = async (input, init) => {
    try {
      const response = await globalThis.fetch(input, init)
      outcome.answered = response.ok
      if (response.ok) return response
      const body = await response.text().catch(() => '')
      outcome.refusal = { status: response.status, headers: response.headers, body }
    } catch (error) {
      outcome.error = error
    }
    return Response.error()
  }

  try {
    return await send({ fetch, signal: controller.signal, timeoutMs })
  } catch (error) {
    if (signal?.aborted) throw aborted()
    if (timedOut) throw timeoutError(service, timeoutMs)
    if (outcome.refusal) throw refusalError(service, outcome.refusal)
    if (outcome.answered && networkCode(error) === undefined) {
      throw new AdapterTrainError(
        'PROVIDER_RESPONSE',
        `${nameOf(service)}: the answer is not the JSON of ${SERVICES[service.task ?? 'embeddings']} service` +
          (service.baseUrl ? `; check the base URL ${service.baseUrl}` : ''),
        { details: { provider: service.provider, model: service.model } },
      )
    }
    throw connectionError(service, outcome.error ?? error)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}
