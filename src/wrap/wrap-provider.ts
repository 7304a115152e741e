import { type Adapter, outputDimensions } from '../adapters/adapter.js'
import { adapterHash } from '../adapters/file.js'
import type { EmbeddingCache } from '../cache/cache.js'
import { embedTexts } from '../embed/embed-texts.js'
import { getOrInsert } from '../maps.js'
import { row } from '../math/matrix.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { type AdapterInput, type AdaptOptions, openAdapter, reducedAs, type Sides } from './adapter-source.js'
import { adaptedEmbedder, type BothEmbedder, type Embedder } from './shapes/embedder.js'

/** Provider whose queries are adapted, and an `Embedder` as well. */
export interface WrappedProvider extends EmbeddingProvider, Embedder, BothEmbedder {
  /** Adapter in use; another one after a watched file has changed. */
  readonly adapter: Adapter
}

export interface WrapOptions extends AdaptOptions {
  /** Cache of the base model's vectors, for this package's providers only. Default: none. */
  readonly cache?: EmbeddingCache
}

/** Puts an adapter in front of a provider of this package; a composed model is reduced as the adapter's base model is. */
export function wrapProvider(model: EmbeddingProvider, input: AdapterInput, options: WrapOptions): WrappedProvider {
  const provider = reducedAs(input, model)
  const source = openAdapter(input, options, provider)
  // That of a large adapter takes milliseconds, and there is one adapter for many calls.
  const hashes = new WeakMap<Adapter, string>()
  const embed: EmbeddingProvider['embed'] = async (texts, role, embedOptions) => {
    const sides = source.now()
    const vectors = await provider.embed(texts, role, { ...embedOptions, dimensions: undefined })
    return vectors.map((v, i) => (role === 'query' ? sides.adaptQuery(v, texts[i]) : sides.fitDocument(v)))
  }
  const keyOf = (role: 'query' | 'document', { adapter, truncates }: Sides): string => {
    const key = provider.cacheKey(role)
    if (role === 'document') return truncates ? `${key}|first ${outputDimensions(adapter)}` : key
    const hash = getOrInsert(hashes, adapter, () => adapterHash(adapter))
    return `${key}|adapter ${hash}${options.normalize ? '|normalized' : ''}`
  }
  return {
    id: provider.id,
    get dimensions() {
      const { truncates, adapter } = source.now()
      return truncates ? outputDimensions(adapter) : provider.dimensions
    },
    limits: provider.limits,
    parts: provider.parts,
    price: provider.price,
    isLocal: provider.isLocal,
    get adapter() {
      return source.now().adapter
    },
    cacheKey: role => keyOf(role, source.now()),
    countTokens: text => provider.countTokens(text),
    close() {
      source.close()
      return provider.close?.()
    },
    embed,
    // Batches, retries and the cache work on the base model's vectors.
    ...adaptedEmbedder(providerEmbedder(provider, options), source),
  }
}

/** Gives a provider the methods of an `Embedder`, with batches, retries and the cache. */
export function providerEmbedder(
  provider: EmbeddingProvider,
  { cache }: { readonly cache?: EmbeddingCache } = {},
): Embedder & { embedQueries(texts: readonly string[]): Promise<number[][]> } {
  const embed = async (texts: readonly string[], role: Role): Promise<number[][]> => {
    const { vectors } = await embedTexts(provider, texts, role, { cache })
    return texts.map((_, i) => Array.from(row(vectors, i)))
  }
  return {
    embedQueries: texts => embed(texts, 'query'),
    embedQuery: async text => (await embed([text], 'query'))[0],
    embedDocuments: texts => embed(texts, 'document'),
  }
}
