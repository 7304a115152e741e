import type { AdapterTrainError } from '../errors.js'
import { abortError, throwIfAborted } from '../throw-if-aborted.js'

const STOPPED = 'embedding was stopped before it was done; what was finished is in the cache, where one is used'

/** The error of an embedding that its caller stopped. */
export function embeddingStopped(signal: AbortSignal): AdapterTrainError {
  return abortError(signal, STOPPED)
}

/** @throws ABORTED when `signal` was aborted */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  throwIfAborted(signal, STOPPED)
}
