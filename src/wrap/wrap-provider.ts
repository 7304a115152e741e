import { type Adapter, outputDimensions } from '../adapters/adapter.js'
import { adapterHash } from '../adapters/file.js'
import type { EmbeddingCache } from '../cache/cache.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { type AdapterInput, type AdaptOptions, openAdapter, type Sides } from './adapter-source.js'
import { providerEmbedder } from './provider-embedder.js'
import type { Embedder } from './shapes/embedder.js'

/** A provider whose queries are adapted; a provider again, and an {@link Embedder} as well. */
export interface WrappedProvider extends EmbeddingProvider, Embedder {
  /** The adapter in use; another one after a watched file has changed. */
  readonly adapter: Adapter
}

export interface WrapOptions extends AdaptOptions {
  /** Where the base model's vectors are kept; by default every call asks the provider. Read for this package's providers only. */
  readonly cache?: EmbeddingCache
}

/**
 * Puts an adapter in front of a provider of this package.
 * @throws as `openAdapter`
 */
export function wrapProvider(provider: EmbeddingProvider, input: AdapterInput, options: WrapOptions): WrappedProvider {
  const source = openAdapter(input, options, provider)
  const hashOf = remembered(adapterHash)
  const embed: EmbeddingProvider['embed'] = async (texts, role, embedOptions) => {
    const sides = source.now()
    const vectors = await provider.embed(texts, role, embedOptions)
    return vectors.map(role === 'query' ? sides.adaptQuery : sides.fitDocument)
  }
  // Batches, retries and the cache work on the base model's vectors.
  const base = providerEmbedder(provider, options)
  const keyOf = (role: 'query' | 'document', { adapter, truncates }: Sides): string => {
    const key = provider.cacheKey(role)
    if (role === 'query') return `${key}|adapter ${hashOf(adapter)}${options.normalize ? '|normalized' : ''}`
    return truncates ? `${key}|first ${outputDimensions(adapter)}` : key
  }
  return {
    id: provider.id,
    get dimensions() {
      const { truncates, adapter } = source.now()
      return truncates ? outputDimensions(adapter) : provider.dimensions
    },
    limits: provider.limits,
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
    async embedQuery(text) {
      const { adaptQuery } = source.now()
      return Array.from(adaptQuery(await base.embedQuery(text)))
    },
    async embedDocuments(texts) {
      const { fitDocument } = source.now()
      return (await base.embedDocuments(texts)).map(d => fitDocument(d))
    },
  }
}

/** Keeps the last result: the hash of a large adapter takes milliseconds, and there is one adapter for many calls. */
function remembered(hash: (adapter: Adapter) => string): (adapter: Adapter) => string {
  let last: { readonly adapter: Adapter; readonly hash: string } | undefined
  return adapter => {
    if (last?.adapter !== adapter) last = { adapter, hash: hash(adapter) }
    return last.hash
  }
}
