import { AdapterTrainError } from '../errors.js'

/** @throws ABORTED when `signal` was aborted */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new AdapterTrainError('ABORTED', 'reading documents was stopped before it was done', { cause: signal.reason })
}
