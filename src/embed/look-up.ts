import { setImmediate as nextTurn } from 'node:timers/promises'
import { throwIfStopped } from '../abort.js'
import { type EmbeddingCache, hashText } from '../cache/cache.js'
import { getOrInsert } from '../maps.js'
import { isComposed } from '../providers/compose.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'

/** Texts looked up at a time: bounds the vectors that are held twice, and how long the event loop waits. */
const CHUNK = 512

/** Looks texts up in the cache in turn; `visit` takes index, hash, and the vector if the cache has it. */
export async function lookUp(
  texts: readonly string[],
  { provider, role }: { readonly provider: Pick<EmbeddingProvider, 'cacheKey'>; readonly role: Role },
  cache: EmbeddingCache | undefined,
  visit: (index: number, textHash: Uint8Array, vector: Float32Array | undefined) => void,
  signal?: AbortSignal,
): Promise<void> {
  const [space, known] = [provider.cacheKey(role), cacheFor(provider, cache)]
  for (let start = 0; start < texts.length; start += CHUNK) {
    throwIfStopped(signal)
    const textHashes = texts.slice(start, start + CHUNK).map(hashText)
    const vectors = known?.get(space, textHashes)
    for (const [i, textHash] of textHashes.entries()) visit(start + i, textHash, vectors?.[i])
    await nextTurn()
  }
}

/** The cache as a provider's vectors stand in it: of composed ones it keeps the parts. */
export function cacheFor(provider: object, cache: EmbeddingCache | undefined): EmbeddingCache | undefined {
  return cache && isComposed(provider) ? provider.cacheOf(cache) : cache
}

export interface UniqueTexts {
  /** Distinct texts, in order of first occurrence. */
  readonly texts: readonly string[]
  /** Where each distinct text first occurred. */
  readonly first: readonly number[]
  /** Index in `texts` of each text of the list. */
  readonly indexOf: Uint32Array
}

/** Finds equal texts: same code units, no normalisation, since a model may distinguish them. */
export function uniqueTexts(list: readonly string[]): UniqueTexts {
  const seen = new Map<string, number>()
  const first: number[] = []
  const indexOf = Uint32Array.from(list, (text, i) => {
    return getOrInsert(seen, text, () => first.push(i) - 1)
  })
  return { texts: [...seen.keys()], first, indexOf }
}
