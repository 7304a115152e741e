import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EmbeddingCache } from '../cache/cache.js'
import { throwIfStopped } from './abort.js'
import { hashText } from './hash-text.js'

/** Texts looked up at a time: bounds the vectors that are held twice, and how long the event loop waits. */
const CHUNK = 512

/**
 * Looks texts up in the cache, one after another.
 *
 * @param space the provider's `cacheKey(role)`
 * @param visit called with the text's index, its hash, and its vector where the cache has it
 * @throws ABORTED when `signal` was aborted
 */
export async function lookUp(
  texts: readonly string[],
  space: string,
  cache: EmbeddingCache | undefined,
  visit: (index: number, textHash: Uint8Array, vector: Float32Array | undefined) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (let start = 0; start < texts.length; start += CHUNK) {
    throwIfStopped(signal)
    const textHashes = texts.slice(start, start + CHUNK).map(hashText)
    const vectors = cache?.get(space, textHashes)
    for (const [i, textHash] of textHashes.entries()) visit(start + i, textHash, vectors?.[i])
    await nextTurn()
  }
}
