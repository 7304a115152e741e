import { throwIfAborted } from '../throw-if-aborted.js'

/** @throws ABORTED when `signal` was aborted */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  throwIfAborted(signal, 'reading documents was stopped before it was done')
}
