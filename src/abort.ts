import { AdapterTrainError } from './errors.js'

/** Bounds the delay of a timer: Node takes one of more than 2^31 - 1 ms (24.8 days) for 1 ms. */
export const timerMs = (ms: number): number => Math.min(ms, 2 ** 31 - 1)

/** The error of work stopped by its caller, whose reason is the cause. */
export function abortError(signal: AbortSignal | undefined, message: string): AdapterTrainError {
  return new AdapterTrainError('ABORTED', message, { cause: signal?.reason })
}

/** @throws ABORTED with a message such as `training was stopped` if `signal` was aborted */
export function throwIfAborted(signal: AbortSignal | undefined, message: string): void {
  if (signal?.aborted) throw abortError(signal, message)
}

const STOPPED = 'embedding was stopped before it was done; what was finished is in the cache, if one is used'

export const embeddingStopped = (signal: AbortSignal): AdapterTrainError => abortError(signal, STOPPED)

/** @throws ABORTED if `signal` was aborted */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  throwIfAborted(signal, STOPPED)
}

/** @throws ABORTED if `signal` was aborted */
export function throwIfReadingStopped(signal: AbortSignal | undefined): void {
  throwIfAborted(signal, 'reading documents was stopped before it was done')
}
