import { EXIT } from './exit-codes.js'

/**
 * Waits for SIGTERM or Ctrl-C; a second one ends the program at once.
 * @param onHangup called on SIGHUP
 * @returns the name of the signal
 */
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
