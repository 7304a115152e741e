import { type AdapterTrainError, type ErrorDetails, isAdapterTrainError } from '../errors.js'

const DAY_S = 24 * 60 * 60

interface ApiErrorDetails {
  readonly param?: string
  /** Seconds after which another attempt makes sense. */
  readonly retryAfter?: number
  /** Facts for the log; no text, no key. */
  readonly facts?: ErrorDetails
}

/** A request that is answered with an error; the message goes to the client, and holds neither a text to embed nor a key. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** HTTP status. */
  readonly status: number
  /** Stable, for programs. */
  readonly code: string
  readonly details: ApiErrorDetails

  constructor(status: number, code: string, message: string, details: ApiErrorDetails = {}) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
  }
}

/** Code of anything thrown, for programs and the log. */
export const codeOf = (error: unknown): string => (isAdapterTrainError(error) ? error.code : 'INTERNAL')

/** A request with a wrong parameter. */
export function badRequest(param: string, message: string, code = `invalid_${param}`): ApiError {
  return new ApiError(400, code, message, { param })
}

/**
 * Turns anything thrown into an error for the client, without the words of the upstream, of libraries or of this package's own
 * messages: they can quote a text or a key.
 * @param signal the request's: an error that its end caused is answered as that
 */
export function toApiError(error: unknown, signal: AbortSignal): ApiError {
  if (error instanceof ApiError) return error
  if (signal.aborted) return signal.reason as ApiError
  if (!isAdapterTrainError(error)) return internalError(error instanceof Error ? error.name : typeof error)
  switch (error.code) {
    case 'PROVIDER_INPUT': {
      const labels = Array.isArray(error.details.texts) ? error.details.texts.join(', ') : 'an input'
      return badRequest('input', `too long for the model: ${labels}; split or shorten it`, 'input_refused')
    }
    case 'PROVIDER_REQUEST':
      return upstreamError(error)
    case 'PROVIDER_RESPONSE':
      return failure('upstream_response', "the upstream's answer does not hold one finite vector per input")
    case 'VECTOR_INVALID':
      return failure('upstream_dimensions', "the upstream's vectors do not have the expected length")
    default:
      return internalError(error.code)
  }
}

function internalError(error: string): ApiError {
  return new ApiError(500, 'internal_error', 'the server failed; its log names the request by its id', { facts: { error } })
}

function upstreamError({ details }: AdapterTrainError): ApiError {
  const { status, timeoutMs, retryAfterMs, serviceCode, requestId, code } = details
  const facts = { upstreamStatus: status, upstreamCode: serviceCode ?? code, upstreamRequestId: requestId }
  if (typeof status !== 'number') {
    if (timeoutMs !== undefined)
      return new ApiError(504, 'upstream_timeout', `the upstream gave no answer within ${Number(timeoutMs) / 1000} s`)
    return failure('upstream_unreachable', 'the upstream cannot be reached', facts)
  }
  const said = typeof serviceCode === 'string' && /^[\w.-]{1,60}$/.test(serviceCode) ? ` (${serviceCode})` : ''
  const answered = `the upstream answered HTTP ${status}${said}`
  if (status === 429) {
    // A wait of days is the upstream's quota, not this server's.
    const seconds = typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / 1000) : undefined
    const retryAfter = seconds !== undefined && seconds <= DAY_S ? seconds : undefined
    return new ApiError(429, 'upstream_rate_limit', `${answered}: too many requests`, { retryAfter, facts })
  }
  if (status === 408) return new ApiError(504, 'upstream_timeout', answered, { facts })
  if (status === 400 || status === 413 || status === 422) {
    const message = `${answered}: it refuses the input, which may be too long for the model`
    return new ApiError(400, 'upstream_refused_input', message, { param: 'input', facts })
  }
  // Any other 4xx (key, model, address) is this server's configuration, not the client's request.
  return failure(status < 500 ? 'upstream_refused' : 'upstream_error', answered, facts)
}

function failure(code: string, message: string, facts?: ErrorDetails): ApiError {
  return new ApiError(502, code, message, { facts })
}
