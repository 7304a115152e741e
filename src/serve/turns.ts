import { setImmediate as nextTurn } from 'node:timers/promises'

/** Runs a task when a place is free, in order of arrival; an aborted task gives up its turn. */
export type Limiter = <T>(task: () => Promise<T>, signal: AbortSignal) => Promise<T>

/** Makes a limiter. `places`: most tasks at once. */
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
    // A place is passed on without becoming free in between.
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

/** Items done before other requests get a turn. */
const CHUNK = 32

/** Maps items like `items.map(work)`, blocking the event loop for no longer than a few items take. */
export async function inTurns<T, R>(items: readonly T[], work: (item: T, index: number) => R): Promise<R[]> {
  if (items.length <= CHUNK) return items.map(work)
  const results: R[] = []
  for (const [i, item] of items.entries()) {
    if (i > 0 && i % CHUNK === 0) await nextTurn()
    results.push(work(item, i))
  }
  return results
}
