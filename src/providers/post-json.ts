import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { AdapterTrainError } from '../errors.js'
import { connectionError, nameOf, networkCode, refusalError, type Service, timeoutError } from './http-error.js'

const DEFAULT_TIMEOUT_MS = 60_000
/** Code of a connection that the service closed while it was not in use. */
const CLOSED = ['ECONNRESET', 'EPIPE']

const options = { keepAlive: true, scheduling: 'lifo' } as const
const transports = {
  'http:': { request: httpRequest, agent: new HttpAgent(options) },
  'https:': { request: httpsRequest, agent: new HttpsAgent(options) },
}

interface PostOptions {
  readonly url: string
  readonly body: object
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Sends one request over Node's own http, with connections that stay open: for servers, where a service's library and `fetch`
 * would take several times as long as all the rest.
 *
 * @returns the parsed answer
 * @throws PROVIDER_REQUEST when the service refuses, cannot be reached, or does not answer in time
 * @throws PROVIDER_RESPONSE when the answer is not JSON
 * @throws ABORTED when the caller's signal was aborted
 */
export async function postJson(service: Service, { url, body, timeoutMs, signal }: PostOptions): Promise<unknown> {
  const limit = Math.min(timeoutMs ?? DEFAULT_TIMEOUT_MS, 2 ** 31 - 1)
  const payload = JSON.stringify(body)
  let answer: Answer
  try {
    answer = await exchange(service, url, payload, limit, signal)
  } catch (error) {
    if (signal?.aborted) {
      throw new AdapterTrainError('ABORTED', `${nameOf(service)}: the request was stopped by the caller`, {
        cause: signal.reason,
      })
    }
    if (error === TIMED_OUT) throw timeoutError(service, limit)
    throw connectionError(service, error)
  }
  const { incoming, text } = answer
  const status = incoming.statusCode ?? 0
  if (status < 200 || status > 299) {
    const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]))
    throw refusalError(service, { status, headers, body: text })
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new AdapterTrainError(
      'PROVIDER_RESPONSE',
      `${nameOf(service)}: the answer is not the JSON of an embeddings service` +
        (service.baseUrl ? `; check the base URL ${service.baseUrl}` : ''),
      { details: { provider: service.provider, model: service.model } },
    )
  }
}

interface Answer {
  readonly incoming: IncomingMessage
  readonly text: string
}

const TIMED_OUT = new Error('no complete answer in time')

/** A connection that was kept open can be closed by the service in the moment of use; then the request goes out once more. */
async function exchange(
  service: Service,
  url: string,
  payload: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const state = { reused: false, answered: false }
    try {
      return await attempt(service, url, payload, deadline - performance.now(), signal, state)
    } catch (error) {
      const closed = state.reused && !state.answered && CLOSED.includes(networkCode(error) ?? '')
      if (!closed || signal?.aborted) throw error
    }
  }
}

function attempt(
  { key }: Service,
  url: string,
  payload: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  state: { reused: boolean; answered: boolean },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { request, agent } = transports[url.startsWith('https:') ? 'https:' : 'http:']
    const headers: Record<string, string | number> = {
      accept: 'application/json',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
    }
    if (key !== undefined) headers.authorization = `Bearer ${key}`
    const sent = request(url, { method: 'POST', agent, headers }, incoming => {
      state.answered = true
      let text = ''
      incoming.setEncoding('utf8')
      incoming.on('data', chunk => {
        text += chunk
      })
      incoming.on('end', () => settle(() => resolve({ incoming, text })))
      incoming.on('error', fail)
    })
    let stopped: Error | undefined
    const stop = (reason: Error): void => {
      stopped = reason
      sent.destroy(reason)
    }
    const fail = (error: Error): void => settle(() => reject(stopped ?? error))
    const timer = setTimeout(stop, Math.max(0, timeoutMs), TIMED_OUT)
    const abort = (): void => stop(new Error('stopped by the caller'))
    const settle = (end: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      end()
    }
    sent.on('error', error => {
      state.reused = sent.reusedSocket
      fail(error)
    })
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
    sent.end(payload)
  })
}
