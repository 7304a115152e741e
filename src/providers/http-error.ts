import { AdapterTrainError, messageOf } from '../errors.js'
import { isObject, tryJson, tryStringify } from '../json.js'
import { optionWord } from '../words.js'

/** Target of a request, as far as errors describe it. */
export interface Service {
  readonly provider: string
  readonly model: string
  /** Address, if it is not the provider's own. */
  readonly baseUrl?: string
  /** Key that is sent, and removed from messages. */
  readonly key?: string
  readonly keyVariables: readonly string[]
  /** Header of the key; default `Authorization: Bearer`. */
  readonly keyHeader?: string
  /** Default `embeddings`. */
  readonly task?: 'embeddings' | 'chat' | 'batches'
}

const LONGEST_MESSAGE = 300
/** Words of a refusal that may mean `encoding_format`: some servers do not name the field that they do not know. */
const REFUSES_FORMAT =
  /encoding[ _-]?format|base64|(unsupported|unknown|unrecogni[sz]ed|unexpected|additional|extra) ?(request |keyword |body )?(param|field|arg|input|propert)/i
/** Fields of an answer that hold the words of an error. */
const WORDS = ['error', 'errors', 'message', 'detail', 'msg', 'reason']
const LONGEST_NAME = 100
/** Bound of a wait that a service asks for, in milliseconds: a week. */
const LONGEST_WAIT_MS = 7 * 24 * 60 * 60_000

/** Makes the error for an answer other than 2xx: `PROVIDER_REQUEST`, retryable for 408, 409, 429 and 5xx unless credit ran out. */
export function refusalError(service: Service, status: number, headers: Headers, body: string): AdapterTrainError {
  const { message, code } = parseErrorBody(body)
  const said = shorten(redact(message, service.key))
  const exhausted = isExhausted(status, code, message)
  // Google refuses a wrong key as a wrong argument.
  const wrongKey = status === 400 && /api key not valid/i.test(message)
  // A server that finds NaN in its own answer finds it again.
  const retryable = !exhausted && isTransient(status) && !/\bNaN\b|unsupported value/.test(message)
  const todo = advice(service, wrongKey ? 401 : status, exhausted, retryable)
  return requestError(service, ` answered HTTP ${status}${said && `: ${said}`}${todo}`, {
    status,
    retryable,
    retryAfterMs: parseRetryAfter(headers),
    serviceCode: code === undefined ? undefined : shorten(redact(code, service.key), LONGEST_NAME),
    requestId: shorten(redact(headers.get('x-request-id') ?? '', service.key), LONGEST_NAME) || undefined,
    refusesFormat: refusesFormat(status, body.slice(0, LONGEST)),
    mostInputs: mostInputsIn(message),
  })
}

/** Makes the error of a request; details that are `undefined` are left out. */
function requestError(service: Service, problem: string, details: Record<string, unknown>, cause?: Error) {
  const { provider, model } = service
  const known = Object.entries({ provider, model, ...details }).filter(([, value]) => value !== undefined)
  const message = `${nameOf(service)}${problem}`
  return new AdapterTrainError('PROVIDER_REQUEST', message, { cause, details: Object.fromEntries(known) })
}

/** Finds out whether a refusal means `encoding_format`; one without a word may. */
function refusesFormat(status: number, body: string): true | 'perhaps' | undefined {
  if ((status === 400 || status === 422) && body.trim() === '') return 'perhaps'
  return REFUSES_FORMAT.test(body) || undefined
}

/** Finds the number of texts per request that a refusal names. */
function mostInputsIn(message: string): number | undefined {
  if (!/batch|inputs?\b|texts|items|array|list|contents/i.test(message)) return undefined
  const said =
    /(?:larger|more|greater|longer) than\D{0,5}?(\d+)|(?:at most|up to|maximum|limit|max|exceed|or equal to)[^\d.,;]{0,40}(\d+)/i.exec(
      message,
    )
  const most = Number(said?.[1] ?? said?.[2])
  return Number.isSafeInteger(most) && most > 0 ? most : undefined
}

/**
 * Quotes what a server said in place of the answer: an error with status 200, or the page of a proxy.
 * @returns ` The server said: …`, '' if it said nothing, and details for the error
 */
export function saidInstead({ key }: Service, answer: unknown) {
  const text = typeof answer === 'string' ? answer : tryStringify(answer ?? '')
  const given = record(tryJson(text))
  // JSON without words of an error, or cut off, is an answer, which is not quoted.
  const isJson = typeof answer !== 'string' || /^\s*[{[]/.test(text)
  const speaks = !isJson || WORDS.some(name => given[name] != null && given[name] !== '')
  if (!speaks) return { quote: '', details: {} }
  const said = shorten(redact(parseErrorBody(text).message, key))
  const code = Number(record(given.error).code ?? given.code ?? given.status)
  return { quote: said ? ` The server said: ${said}` : '', details: isTransient(code) ? { retryable: true } : {} }
}

/** True for a status that may pass: 408, 409, 429, 5xx. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500
}

/** Makes the error for a request without a complete answer: `PROVIDER_REQUEST`, retryable if the connection failed. */
export function connectionError(service: Service, error: unknown): AdapterTrainError {
  const code = networkCode(error)
  const tls = code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/.test(code)
  const reason = shorten(redact(rootCause(error).message, service.key))
  const todo = tls
    ? 'Check that the server uses https and that its certificate is trusted (NODE_EXTRA_CA_CERTS adds authorities)'
    : service.baseUrl
      ? 'Check that the server runs and that the base URL is right'
      : 'Check the network connection'
  const found = reason || code
  const problem = `the request to ${service.baseUrl ?? 'the service'} failed${found ? ` (${found})` : ''}`
  // The original error is not kept as the cause: it can hold the request, and with it the key.
  const cause = Object.assign(new Error(found), code === undefined ? {} : { code })
  return requestError(service, `: ${problem}. ${todo}`, { retryable: code !== undefined && !tls, code }, cause)
}

/** Makes the error for a request that took too long: `PROVIDER_REQUEST`, retryable. */
export function timeoutError(service: Service, timeoutMs: number): AdapterTrainError {
  const problem = `no complete answer${service.baseUrl ? ` from ${service.baseUrl}` : ''} within ${timeoutMs / 1000} s`
  const lower = optionWord(service.task === 'chat' ? 'concurrency' : 'maxInputs')
  const todo = `Raise ${optionWord('timeoutMs')} or lower ${lower}`
  return requestError(service, `: ${problem}. ${todo}`, { retryable: true, timeoutMs })
}

/** Makes the error for an answer that cannot be used: `PROVIDER_RESPONSE`. */
export function responseError(service: Service, problem: string, details: object): AdapterTrainError {
  const { provider, model } = service
  const message = `${nameOf(service)}: ${problem}`
  return new AdapterTrainError('PROVIDER_RESPONSE', message, { details: { provider, model, ...details } })
}

/** Finds the code of the network failure behind an error, such as `ECONNRESET`; `undefined` for any other error. */
export function networkCode(error: unknown): string | undefined {
  const root = rootCause(error)
  return 'code' in root && typeof root.code === 'string' ? root.code : undefined
}

/** Names a service in messages: `openai (text-embedding-3-small)`. */
export const nameOf = (service: Service): string => `${service.provider} (${service.model})`

function advice(service: Service, status: number, exhausted: boolean, retryable: boolean): string {
  const { baseUrl, keyVariables } = service
  if (exhausted || status === 402) return `. The credit or quota of this key is used up. Check the plan and the billing`
  const option = optionWord('apiKey')
  const key = `${keyVariables.join(' or ')}${option && `, or the option ${option}`}`
  if (status === 401) return `. Check the key: ${key}`
  if (status === 403) return `. Check that the key may use this model: ${key}`
  if (service.task === 'batches' && status >= 400 && status < 429) return ''
  if (status === 404)
    return `. Check the model name${baseUrl ? ` and the base URL ${baseUrl}, which for many servers ends in /v1` : ''}`
  if (status === 400 || status === 413 || status === 422) {
    if (service.task === 'chat') return '. The prompt may be too long for the model, or its content may be refused'
    return `. A text may be too long for the model, or a request may have too many texts. Split long texts, or lower ${optionWord('maxInputs')}`
  }
  if (status === 429) return `. Wait, or lower ${optionWord('concurrency')}`
  return retryable && (status >= 500 || status === 408) ? '. The fault is at the service. Try again later' : ''
}

/** True if waiting cannot help: the money or the month's trial calls are used up. */
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

function shorten(text: string, longest = LONGEST_MESSAGE): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}

// Enough for every message; a whole page or stack trace is cut here, before it is searched for keys.
const LONGEST = 10_000

/**
 * Reads an error body: the shapes of OpenAI, Cohere and common compatible servers, and pages of proxies.
 * @returns the service's message, which may still contain keys, and its error code, if any
 */
export function parseErrorBody(body: string): { message: string; code?: string } {
  const json = tryJson(body)
  if (json === undefined) {
    const text = body.slice(0, LONGEST)
    return { message: /^\s*</.test(text) ? text.replace(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/gi, ' ') : text }
  }
  const outer = record(json)
  const inner = record(outer.error)
  const listed = [outer.errors].flat()[0]
  const said = [inner.message, record(listed).message, listed, ...WORDS.map(name => outer[name]), json].find(
    part => part != null && part !== '',
  )
  const code = [inner.code, inner.type, outer.code].find(part => typeof part === 'string')
  const message = typeof said === 'string' ? said : JSON.stringify(said ?? '')
  return { message: message.slice(0, LONGEST), code }
}

const record = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {})

const MASK = '[redacted]'
// Shorter runs occur in ordinary words too.
const REVEALING_RUN = 8

/**
 * Removes keys from a text of a service or library: the key itself, any 8 or more characters of it, and whatever looks like a
 * masked or another key (`sk-…`, `abc***xyz`).
 */
export function redact(text: string, key?: string): string {
  const whole = key && key.length >= REVEALING_RUN ? text.replaceAll(key, MASK) : text
  return whole.replace(/[^\s"'`,;:()<>{}[\]]+/g, token => (looksLikeKey(token, key) ? MASK : token))
}

function looksLikeKey(token: string, key: string | undefined): boolean {
  if (/^(sk|pk|rk)-[\w*.-]+/i.test(token) || /\*{3,}|•{3,}/.test(token)) return true
  if (!key) return false
  if (key.length < REVEALING_RUN) return token === key
  const bytes = token.replace(/%[0-9a-f]{2}/gi, code => String.fromCharCode(Number.parseInt(code.slice(1), 16)))
  const forms = [token, bytes, Buffer.from(token, 'base64').toString('latin1')]
  for (let i = 0; i + REVEALING_RUN <= key.length; i++) {
    if (forms.some(form => form.includes(key.slice(i, i + REVEALING_RUN)))) return true
  }
  return false
}

/**
 * Reads the wait a service requests, from `retry-after-ms` (milliseconds) or `Retry-After` (seconds or an HTTP date).
 * @returns milliseconds, at most a week, 0 for a past date, `undefined` without such a header
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
function parseRetryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')
  const seconds = decimal(value)
  // Date.parse also takes plain and negative numbers for years, so only what starts like an HTTP date is given to it.
  const date = /^[a-z]+, /i.test(value ?? '') ? Date.parse(value!) : Number.NaN
  const stated = seconds === undefined ? Math.max(0, date - Date.now()) : Math.ceil(seconds * 1000)
  const asked = decimal(headers.get('retry-after-ms')) ?? stated
  return Number.isNaN(asked) ? undefined : Math.min(asked, LONGEST_WAIT_MS)
}

function decimal(value: string | null): number | undefined {
  return value !== null && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : undefined
}
