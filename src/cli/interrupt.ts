import { EXIT } from './command.js'
import type { Console } from './output/console.js'

/** Ctrl-C, as a command sees it. */
export interface Interrupt {
  /** Aborted by the first Ctrl-C; the second ends the program at once. */
  readonly signal: AbortSignal
  /** Lets Ctrl-C end the program at once, even during a long computation: nothing is left to store. */
  release(): void
}

/** Handles Ctrl-C until released. */
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

/** Waits for SIGTERM or Ctrl-C; a second one ends the program at once. */
export function untilStopped(onHangup: () => void): Promise<NodeJS.Signals> {
  process.on('SIGHUP', onHangup)
  return new Promise(resolve => {
    let stopped = false
    const stop = (signal: NodeJS.Signals): void => {
      if (stopped) process.exit(EXIT.interrupted)
      stopped = true
      resolve(signal)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
