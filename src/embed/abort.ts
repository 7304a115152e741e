import { AdapterTrainError } from '../errors.js'

/** The error of a run that its caller stopped; what the caller gave as the reason is the cause. */
export function abortError(signal: AbortSignal): AdapterTrainError {
  const message = 'embedding was stopped before it was done; what was finished is in the cache, where one is used'
  return new AdapterTrainError('ABORTED', message, { cause: signal.reason })
}

/** @throws ABORTED when `signal` was aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}
