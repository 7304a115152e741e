/** Runs a task when one of a number of places is free, in order of arrival; one that is aborted gives its turn up. */
export type Limiter = <T>(task: () => Promise<T>, signal: AbortSignal) => Promise<T>

/** @param places how many tasks run at once */
export function createLimiter(places: number): Limiter {
  let free = places
  const waiting = new Set<() => void>()
  const turn = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        waiting.delete(start)
        reject(signal.reason)
      }
      const start = (): void => {
        waiting.delete(start)
        signal.removeEventListener('abort', stop)
        resolve()
      }
      waiting.add(start)
      signal.addEventListener('abort', stop, { once: true })
    })
  return async (task, signal) => {
    signal.throwIfAborted()
    // A place is handed on without becoming free in between.
    if (free > 0) free--
    else await turn(signal)
    try {
      return await task()
    } finally {
      const [next] = waiting
      if (next) next()
      else free++
    }
  }
}
