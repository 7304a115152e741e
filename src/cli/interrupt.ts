import { EXIT } from './exit-codes.js'
import type { Console } from './output/console.js'

/** How a command hears of Ctrl-C. */
export interface Interrupt {
  /** Aborted by the first Ctrl-C; the second ends the program at once. */
  readonly signal: AbortSignal
  /** Lets Ctrl-C end the program at once, also in the middle of a long computation: nothing is left to be stored. */
  release(): void
}

/** Takes Ctrl-C over until it is released. */
export function onInterrupt(out: Pick<Console, 'warn'>): Interrupt {
  const abort = new AbortController()
  const stop = (): void => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted)
    out.warn('stopping; press Ctrl-C again to stop at once')
    abort.abort()
  }
  process.on('SIGINT', stop)
  return { signal: abort.signal, release: () => void process.off('SIGINT', stop) }
}
