import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { abortError, timerMs } from '../abort.js'
import { type AdapterTrainError, isAdapterTrainError } from '../errors.js'
import { parseJsonText } from '../json.js'
import type { Service } from './http-error.js'
import { connectionError, nameOf, networkCode, refusalError, responseError, saidInstead, timeoutError } from './http-error.js'
import { proxiedFetch, routeTo } from './proxy.js'

const DEFAULT_TIMEOUT_MS = 60_000
/** Bytes of an answer, unless a request states its own. */
const LONGEST_ANSWER = 16 * 2 ** 20
/** Bytes read of the body of a refusal, and kept of any other for messages. */
const LONGEST_REFUSAL = 64 * 2 ** 10
const SERVICES = { embeddings: 'an embeddings', chat: 'a chat', batches: 'a batch' }

/** What ends one request early. */
export interface RequestLimits {
  /** Milliseconds for the whole answer; default 60,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Most bytes of the answer; default 16 MiB. */
  readonly maxBytes?: number
}

export interface Transport {
  /** Never rejects; remembers why a request failed, whatever the library above it makes of that. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  /** Aborted by the caller or by the deadline, also while the body of the answer is read. */
  readonly signal: AbortSignal
  /** Deadline, for a library that wants one of its own. */
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Takes the start of the answer, for messages. */
  readonly start: { text: string }
}

/**
 * Sends one request and reports a failure in this package's words.
 * @param send makes the call, without retries; its answer has to be complete
 */
export async function sendRequest<T>(
  service: Service,
  limits: RequestLimits,
  send: (transport: Transport) => Promise<T>,
): Promise<T> {
  const { signal } = limits
  const timeoutMs = timerMs(limits.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  const aborted = () => abortError(signal, `${nameOf(service)}: the request was stopped by the caller`)
  if (signal?.aborted) throw aborted()

  const controller = new AbortController()
  const stop = () => controller.abort()
  signal?.addEventListener('abort', stop, { once: true })
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    stop()
  }, timeoutMs)

  const { maxBytes = LONGEST_ANSWER } = limits
  let failure: AdapterTrainError | undefined
  // The start of the answer, which a message quotes if it is not JSON.
  const start = { text: '' }
  // The libraries lose some of this (the body of errors in other servers' shapes, the status of a broken body), keep timers
  // running after a rejection, and attach request headers to their errors; so it is noted here, below them.
  const fetch: Transport['fetch'] = async (input, init) => {
    try {
      const response = await proxiedFetch(input, init)
      const { ok, status, statusText, headers, body } = response
      if (ok && body) return new Response(body.pipeThrough(capped(service, maxBytes, start)), { status, statusText, headers })
      if (ok) return response
      failure = refusalError(service, status, headers, await startOf(body, LONGEST_REFUSAL).catch(() => ''))
    } catch (error) {
      failure = connectionError(service, error)
    }
    return Response.error()
  }

  try {
    return await send({ fetch, signal: controller.signal, timeoutMs, maxBytes, start })
  } catch (error) {
    if (signal?.aborted) throw aborted()
    if (timedOut) throw timeoutError(service, timeoutMs)
    if (failure) throw failure
    const own = isAdapterTrainError(error) ? error : (error as Error | undefined)?.cause
    if (isAdapterTrainError(own)) throw own
    if (networkCode(error) !== undefined) throw connectionError(service, error)
    const { quote, details } = saidInstead(service, start.text)
    const problem = `the answer is not the JSON of ${SERVICES[service.task ?? 'embeddings']} service`
    const todo = service.baseUrl ? `. Check the base URL ${service.baseUrl}` : ''
    // Servers in Python write it into their JSON.
    const notFinite = /[[,:]\s*-?(NaN|Infinity)\b/.test(start.text) && { notFinite: true }
    throw responseError(service, `${problem}${todo}${quote && `.${quote}`}`, { ...details, ...notFinite })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/** Passes an answer on until it is longer than any that the request can have. */
function capped(service: Service, maxBytes: number, start: { text: string }): TransformStream<Uint8Array, Uint8Array> {
  let size = 0
  const decoder = new TextDecoder()
  return new TransformStream({
    transform(chunk, controller) {
      if (size < LONGEST_REFUSAL) start.text += decoder.decode(chunk, { stream: true }).slice(0, LONGEST_REFUSAL)
      size += chunk.length
      if (size > maxBytes) controller.error(tooLong(service, maxBytes))
      else controller.enqueue(chunk)
    },
  })
}

/** Reads a body, and stops once it has more bytes than a limit. */
export async function startOf(body: object | null, most: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > most) break
  }
  return Buffer.concat(chunks).toString('utf8', 0, most + 1)
}

function tooLong(service: Service, maxBytes: number): AdapterTrainError {
  const expected = `expected at most ${(maxBytes / 2 ** 20).toFixed(1)} MiB for this request`
  return responseError(service, `the answer is too long; ${expected}. Reading was stopped`, { maxBytes })
}

/** Codes of a connection that the service closed while it was not in use. */
const CLOSED = ['ECONNRESET', 'EPIPE']

/**
 * Sends one request over Node's own http, with connections that stay open: for servers, because a service's library and `fetch`
 * would take several times as long as all the rest.
 */
export function postJson(service: Service, url: string, body: object, limits: RequestLimits): Promise<unknown> {
  const payload = JSON.stringify(body)
  return sendRequest(service, limits, async ({ signal, maxBytes, start }) => {
    const incoming = await post(service, url, payload, signal)
    const status = incoming.statusCode ?? 0
    const ok = status >= 200 && status <= 299
    const text = await startOf(incoming, ok ? maxBytes : LONGEST_REFUSAL)
    if (!ok) {
      const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]))
      throw refusalError(service, status, headers, text)
    }
    if (Buffer.byteLength(text) > maxBytes) throw tooLong(service, maxBytes)
    start.text = text.slice(0, LONGEST_REFUSAL)
    return parseJsonText(text)
  })
}

/** A connection that was kept open can be closed by the service in the moment of use; the request is then sent once more. */
async function post({ key, keyHeader }: Service, url: string, payload: string, signal: AbortSignal) {
  const { request, options } = routeTo(new URL(url), signal)
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(payload),
    ...(key === undefined ? {} : keyHeader ? { [keyHeader]: key } : { authorization: `Bearer ${key}` }),
    ...options.headers,
  }
  for (;;) {
    const sent = request({ ...options, method: 'POST', headers })
    sent.end(payload)
    try {
      const [incoming]: IncomingMessage[] = await once(sent, 'response')
      // The answer has the error of a connection that breaks from here on.
      sent.on('error', () => {})
      return incoming
    } catch (error) {
      if (!(sent.reusedSocket && CLOSED.includes(networkCode(error) ?? '')) || signal.aborted) throw error
    }
  }
}
