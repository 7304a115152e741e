import type { EmbeddingCache } from '../cache/cache.js'
import { isAdapterTrainError } from '../errors.js'

/**
 * A cache that costs no answer: what it cannot read counts as missing, what it cannot write is not kept.
 *
 * @param onError called with every failure that is passed over
 */
export function tolerantCache(
  cache: EmbeddingCache,
  onError: (operation: 'read' | 'write', error: unknown) => void,
): EmbeddingCache {
  return {
    get(space, textHashes) {
      try {
        return cache.get(space, textHashes)
      } catch (error) {
        onError('read', error)
        return textHashes.map(() => undefined)
      }
    },
    set(space, entries) {
      try {
        cache.set(space, entries)
      } catch (error) {
        // Vectors of another length than the space's: the upstream's fault, not the file's.
        if (isAdapterTrainError(error, 'VECTOR_INVALID')) throw error
        onError('write', error)
      }
    },
    close: () => cache.close(),
  }
}
