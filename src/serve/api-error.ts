import type { ErrorDetails } from '../errors.js'

interface ApiErrorOptions {
  /** The field of the body that is wrong. */
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
  readonly param: string | undefined
  readonly retryAfter: number | undefined
  readonly facts: ErrorDetails

  constructor(status: number, code: string, message: string, options: ApiErrorOptions = {}) {
    super(message)
    this.status = status
    this.code = code
    this.param = options.param
    this.retryAfter = options.retryAfter
    this.facts = options.facts ?? {}
  }
}
