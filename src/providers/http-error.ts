import { AdapterTrainError, messageOf } from '../errors.js'
import { parseErrorBody } from './error-body.js'
import { redact } from './redact.js'
import { parseRetryAfter } from './retry-after.js'

/** The service that a request goes to, as far as an error has to tell of it. */
export interface Service {
  readonly provider: string
  readonly model: string
  /** Address of a server other than the provider's own. */
  readonly baseUrl?: string
  /** The key that is sent; only ever used to take it out of messages. */
  readonly key?: string
  readonly keyVariables: readonly string[]
  /** What it is asked for; embeddings by default. */
  readonly task?: 'embeddings' | 'chat' | 'batches'
}

/** An answer other than 2xx. */
export interface Refusal {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

const LONGEST_MESSAGE = 300

/** The error for an answer other than 2xx: `PROVIDER_REQUEST`, retryable for 408, 409, 429 and 5xx unless credit ran out. */
export function refusalError(service: Service, refusal: Refusal): AdapterTrainError {
  const { status, headers } = refusal
  const { message, code } = parseErrorBody(refusal.body)
  const said = shorten(redact(message, service.key))
  const exhausted = isExhausted(status, code, message)
  const retryable = !exhausted && (status === 408 || status === 409 || status === 429 || status >= 500)
  return new AdapterTrainError(
    'PROVIDER_REQUEST',
    `${nameOf(service)} answered HTTP ${status}${said ? `: ${said}` : ''}${advice(service, status, exhausted)}`,
    {
      details: defined({
        provider: service.provider,
        model: service.model,
        status,
        retryable,
        retryAfterMs: parseRetryAfter(headers),
        serviceCode: code === undefined ? undefined : shorten(redact(code, service.key)),
        requestId: headers.get('x-request-id') ?? undefined,
      }),
    },
  )
}

/** The error for a request that got no answer, or not all of it: `PROVIDER_REQUEST`, retryable when the connection failed. */
export function connectionError(service: Service, error: unknown): AdapterTrainError {
  const root = rootCause(error)
  const code = networkCode(error)
  const tls = code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/.test(code)
  const reason = shorten(redact(root.message, service.key))
  const todo = tls
    ? 'check that the server speaks https and that its certificate is trusted (NODE_EXTRA_CA_CERTS names further authorities)'
    : service.baseUrl
      ? 'check that the server runs and that the base URL is right'
      : 'check the network connection'
  return new AdapterTrainError(
    'PROVIDER_REQUEST',
    `${nameOf(service)}: the request to ${service.baseUrl ?? 'the service'} failed` +
      `${reason || code ? ` (${reason || code})` : ''}; ${todo}`,
    {
      // The original error is not kept as the cause: it can hold the request, and with it the key.
      cause: Object.assign(new Error(reason || code), code === undefined ? {} : { code }),
      details: defined({
        provider: service.provider,
        model: service.model,
        retryable: code !== undefined && !tls,
        code,
      }),
    },
  )
}

/** The error for a request that was given up: `PROVIDER_REQUEST`, retryable. */
export function timeoutError(service: Service, timeoutMs: number): AdapterTrainError {
  return new AdapterTrainError(
    'PROVIDER_REQUEST',
    `${nameOf(service)}: no complete answer${service.baseUrl ? ` from ${service.baseUrl}` : ''} within ${timeoutMs / 1000} s; ` +
      (service.task === 'chat' ? 'raise timeoutMs or lower concurrency' : 'raise timeoutMs or lower maxInputs'),
    { details: { provider: service.provider, model: service.model, retryable: true, timeoutMs } },
  )
}

/** The code of the network failure behind an error, such as `ECONNRESET`; `undefined` where it is no network failure. */
export function networkCode(error: unknown): string | undefined {
  const root = rootCause(error)
  return 'code' in root && typeof root.code === 'string' ? root.code : undefined
}

/** How messages name a service: `openai (text-embedding-3-small)`. */
export function nameOf(service: Service): string {
  return `${service.provider} (${service.model})`
}

function advice(service: Service, status: number, exhausted: boolean): string {
  const { baseUrl, keyVariables } = service
  if (exhausted || status === 402) return `. The credit or quota of this key is used up: check the plan and the billing`
  if (status === 401) return `. Check the key: ${keyVariables.join(' or ')}, or the option apiKey`
  if (status === 403)
    return `. Check that the key may use this model: ${keyVariables.join(' or ')}, or the option apiKey`
  if (service.task === 'batches' && status >= 400 && status < 429) return ''
  if (status === 404) {
    return `. Check the model name${baseUrl ? ` and the base URL ${baseUrl}, which for many servers ends in /v1` : ''}`
  }
  if (status === 400 || status === 413 || status === 422) {
    if (service.task === 'chat') return '. The prompt may be too long for the model, or its content refused'
    return '. A text may be too long for the model or there may be too many texts in a request: split long texts, or lower maxInputs'
  }
  if (status === 429) return '. Wait, or lower concurrency'
  return status >= 500 || status === 408 ? '. The fault is at the service: try again later' : ''
}

/** Whether waiting cannot help: money is spent, or a trial's calls for the month are. */
function isExhausted(status: number, code: string | undefined, message: string): boolean {
  if (/^(insufficient_quota|billing_not_active|billing_hard_limit_reached)$/.test(code ?? '')) return true
  return status === 429 && /calls ?(\/|per|a) ?month/i.test(message)
}

function rootCause(error: unknown): Error {
  let current = error instanceof Error ? error : new Error(messageOf(error))
  for (let depth = 0; depth < 5; depth++) {
    const next = current instanceof AggregateError ? current.errors[0] : current.cause
    if (!(next instanceof Error)) break
    current = next
  }
  return current
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}…` : line
}

function defined(details: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
}
