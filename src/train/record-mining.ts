import type { Mining } from '../losses/candidates.js'
import type { TrainerState } from './trainer.js'

/**
 * Remembers the documents that are mined, which an adapter further on would no longer find.
 * @param saved handed over at once, as if they had just been mined
 */
export function recordMining(
  mining: Mining | undefined,
  saved: TrainerState['mined'],
): { readonly mining: Mining | undefined; mined(): TrainerState['mined'] } {
  if (!mining) return { mining, mined: () => undefined }
  const known = new Map<number, Uint32Array>()
  const accept = (query: number, documents: Uint32Array): void => {
    known.set(query, documents)
    mining.accept(query, documents)
  }
  let start = 0
  saved?.queries.forEach((query, i) => {
    accept(query, saved.documents.slice(start, start + saved.counts[i]))
    start += saved.counts[i]
  })
  return {
    mining: { ...mining, accept },
    mined() {
      const lists = [...known.values()]
      return {
        queries: Uint32Array.from(known.keys()),
        counts: Uint32Array.from(lists, ({ length }) => length),
        documents: Uint32Array.from(lists.flatMap(list => [...list])),
      }
    },
  }
}
