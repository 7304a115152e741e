import type { EmbeddingCache } from '../cache/cache.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { lookUp } from './look-up.js'
import { uniqueTexts } from './unique-texts.js'

/** What embedding some texts would take. */
export interface EmbeddingEstimate {
  /** Texts given, duplicates included. */
  readonly texts: number
  /** Distinct texts: `cached + missing`. */
  readonly unique: number
  readonly cached: number
  readonly missing: number
  /** Tokens of the missing texts, by the provider's count. */
  readonly tokens: number
  /** US dollars; absent where the provider has no known price. */
  readonly cost?: number
}

/** Says what `embedTexts` would send and what it would cost, without sending anything. */
export async function estimateEmbedding(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  cache?: EmbeddingCache,
): Promise<EmbeddingEstimate> {
  const unique = uniqueTexts(texts)
  let missing = 0
  let tokens = 0
  await lookUp(unique.texts, provider.cacheKey(role), cache, (index, _hash, vector) => {
    if (vector !== undefined) return
    missing++
    tokens += provider.countTokens(unique.texts[index])
  })
  const estimate = {
    texts: texts.length,
    unique: unique.texts.length,
    cached: unique.texts.length - missing,
    missing,
    tokens,
  }
  return provider.price === undefined ? estimate : { ...estimate, cost: (tokens / 1e6) * provider.price }
}
