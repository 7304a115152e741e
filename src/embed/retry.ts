import { setTimeout as sleepFor } from 'node:timers/promises'
import { AdapterTrainError, isAdapterTrainError, messageOf } from '../errors.js'

/** Further attempts after a request failed in a way that may pass. */
export const DEFAULT_RETRIES = 5
/** Upper bound of the first wait; it doubles with every attempt. */
export const RETRY_BASE_MS = 1000
/** Upper bound of every wait that the service does not ask for itself. */
export const RETRY_CAP_MS = 60_000
/** A service that asks for a longer wait is out of quota rather than busy: the run stops instead of hanging. */
export const MAX_RETRY_AFTER_MS = 10 * 60_000

/** A failed attempt, before the wait for the next. */
export interface RetryInfo {
  /** From 1. */
  readonly attempt: number
  /** At most. */
  readonly attempts: number
  readonly delayMs: number
  readonly reason: string
}

export interface RetryOptions {
  /** Further attempts after the first; default `DEFAULT_RETRIES`. */
  readonly retries?: number
  readonly signal?: AbortSignal
  /** Called before every wait. */
  readonly onRetry?: (info: RetryInfo) => void
  /** Uniform in [0, 1); default `Math.random`. */
  readonly random?: () => number
  /** Waits, and rejects when `signal` is aborted. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<unknown>
}

/** Milliseconds between two looks at what other processes are at. */
const POLL_MS = 250

/**
 * Runs workers until the queue is empty.
 * @param others what the workers left because another process is at it; put back into the queue after a while
 */
export async function workOff<T>(
  { queue, others, width }: { readonly queue: T[]; readonly others: T[]; readonly width: number },
  worker: () => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    await Promise.all(Array.from({ length: Math.min(width, queue.length) }, worker))
    if (others.length === 0) return
    // The workers see that the wait was ended.
    await sleepFor(POLL_MS, undefined, { signal }).catch(() => {})
    queue.push(...others.splice(0))
  }
}

/** Adds a controller that ends the waits between attempts, but not the requests in flight, and counts the retries. */
export function stoppable(options: RetryOptions, onRetry: () => void) {
  const stop = new AbortController()
  const retryOptions: RetryOptions = {
    ...options,
    signal: options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]),
    onRetry(info) {
      onRetry()
      options.onRetry?.(info)
    },
  }
  return { stop, retryOptions }
}

/**
 * Exponential backoff with full jitter: random · min(cap, base · 2^(attempt - 1)), added to the wait the service asks for, so that
 * requests rejected together do not come back together.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffDelay(attempt: number, random: number, retryAfterMs = 0): number {
  return Math.round(retryAfterMs + random * Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** (attempt - 1)))
}

/**
 * Runs `task` until it succeeds, its error cannot be retried, or the attempts are used up.
 * @param task throws an error with `details.retryable === true`, and `details.retryAfterMs` if the service named a wait
 */
export async function withRetries<T>(task: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { retries = DEFAULT_RETRIES, signal, onRetry, random = Math.random, sleep = defaultSleep } = options
  const attempts = retries + 1
  for (let attempt = 1; ; attempt++) {
    try {
      return await task()
    } catch (error) {
      if (signal?.aborted || !isAdapterTrainError(error) || error.details.retryable !== true) throw error
      const { retryAfterMs: asksFor } = error.details
      const retryAfterMs = typeof asksFor === 'number' && asksFor > 0 ? asksFor : 0
      if (retryAfterMs > MAX_RETRY_AFTER_MS) {
        const asked = `the service asks to wait ${Math.ceil(retryAfterMs / 60_000)} minutes`
        throw annotated(error, `${asked}, which is longer than a run waits`, attempt)
      }
      if (attempt >= attempts) throw attempt === 1 ? error : annotated(error, `gave up after ${attempt} attempts`, attempt)
      const delayMs = backoffDelay(attempt, random(), retryAfterMs)
      onRetry?.({ attempt, attempts, delayMs, reason: messageOf(error) })
      await sleep(delayMs, signal)
    }
  }
}

const defaultSleep = (ms: number, signal?: AbortSignal): Promise<unknown> => sleepFor(ms, undefined, { signal })

function annotated(error: AdapterTrainError, note: string, attempts: number): AdapterTrainError {
  return new AdapterTrainError(error.code, `${error.message} (${note})`, {
    cause: error,
    details: { ...error.details, attempts },
  })
}
