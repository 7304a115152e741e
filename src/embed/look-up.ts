import { setImmediate as nextTurn } from 'node:timers/promises'
import { throwIfStopped } from '../abort.js'
import { type EmbeddingCache, hashText } from '../cache/cache.js'
import { getOrInsert } from '../maps.js'
import { isComposed } from '../providers/compose.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'

/** Texts looked up or counted at a time: bounds the vectors that are held twice, and how long the event loop waits. */
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

/** Tokens of each text by the count of one model. */
export interface ModelTokens {
  readonly model: Pick<EmbeddingProvider, 'id' | 'limits' | 'price'>
  readonly tokens: readonly number[]
}

/** Counts the tokens of texts to embed: by each part of a composed model, 0 where the cache has the part's vector. */
export async function countTokens(
  provider: EmbeddingProvider,
  role: Role,
  texts: readonly { readonly text: string; readonly textHash: Uint8Array }[],
  cache: EmbeddingCache | undefined,
  signal?: AbortSignal,
): Promise<ModelTokens[]> {
  const counts = (provider.parts ?? [provider]).map(model => ({ model, tokens: [] as number[] }))
  const stored = isComposed(provider) ? cache : undefined
  for (let start = 0; start < texts.length; start += CHUNK) {
    if (start > 0) await nextTurn()
    throwIfStopped(signal)
    const chunk = texts.slice(start, start + CHUNK)
    const hashes = chunk.map(({ textHash }) => textHash)
    for (const { model, tokens } of counts) {
      const known = stored?.get(model.cacheKey(role), hashes)
      for (const [i, { text }] of chunk.entries()) tokens.push(known?.[i] ? 0 : model.countTokens(text))
    }
  }
  return counts
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
