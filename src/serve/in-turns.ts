import { setImmediate as nextTurn } from 'node:timers/promises'

/** Items done before other requests get a turn. */
const CHUNK = 32

/** As `items.map(work)`, without keeping the event loop for longer than a few items take. */
export async function inTurns<T, R>(items: readonly T[], work: (item: T, index: number) => R): Promise<R[]> {
  if (items.length <= CHUNK) return items.map(work)
  const results: R[] = []
  for (const [i, item] of items.entries()) {
    if (i > 0 && i % CHUNK === 0) await nextTurn()
    results.push(work(item, i))
  }
  return results
}
