import { AdapterTrainError } from './errors.js'

/** The error of work that its caller stopped; what the caller gave as the reason is the cause. */
export function abortError(signal: AbortSignal | undefined, message: string): AdapterTrainError {
  return new AdapterTrainError('ABORTED', message, { cause: signal?.reason })
}

/**
 * @param message what was stopped, such as `training was stopped`
 * @throws ABORTED when `signal` was aborted
 */
export function throwIfAborted(signal: AbortSignal | undefined, message: string): void {
  if (signal?.aborted) throw abortError(signal, message)
}
