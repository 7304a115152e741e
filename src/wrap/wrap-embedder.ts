import { type Adapter, applyAdapter, validateAdapter } from '../adapters/adapter.js'
import { adapterHash, loadAdapter } from '../adapters/file.js'
import type { EmbeddingCache } from '../cache/cache.js'
import { embedTexts } from '../embed/embed-texts.js'
import { AdapterTrainError } from '../errors.js'
import { normalizeInPlace, row } from '../math/matrix.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { checkBase } from './check-base.js'

/** Anything with LangChain's two methods. */
export interface Embedder {
  embedQuery(text: string): Promise<number[]>
  embedDocuments(texts: string[]): Promise<number[][]>
}

/** A provider whose queries are adapted; a provider again, and an {@link Embedder} as well. */
export interface WrappedProvider extends EmbeddingProvider, Embedder {
  readonly adapter: Adapter
}

export interface WrapOptions {
  /** Wrap although the provider's id or dimensions are not those of the adapter's base. */
  readonly allowMismatch?: boolean
  /** Scale adapted query vectors to length 1. Off by default: the result is exactly f(q). */
  readonly normalize?: boolean
  /** Where the base model's vectors are kept; by default every call asks the provider. */
  readonly cache?: EmbeddingCache
}

/**
 * Puts an adapter in front of an embedding model: queries are transformed, documents stay as they are.
 *
 * @param provider one of this package's providers, or any object with `embedQuery` and `embedDocuments`
 * @param adapter an adapter, or the path of its file
 * @returns the same kind of object; the argument is not changed
 * @throws USAGE when an argument is neither
 * @throws ADAPTER_MISMATCH when the provider's id or dimensions differ from the adapter's base
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT when the adapter is not valid, and as `loadAdapter` when it is a path
 */
export function wrapEmbedder(
  provider: EmbeddingProvider,
  adapter: Adapter | string,
  options?: WrapOptions,
): WrappedProvider
export function wrapEmbedder<T extends Embedder>(embedder: T, adapter: Adapter | string, options?: WrapOptions): T
export function wrapEmbedder(
  wrapped: EmbeddingProvider | Embedder,
  adapterOrPath: Adapter | string,
  options: WrapOptions = {},
): WrappedProvider | Embedder {
  const adapter = typeof adapterOrPath === 'string' ? loadAdapter(adapterOrPath) : checkAdapter(adapterOrPath)
  if (isProvider(wrapped)) return wrapProvider(wrapped, adapter, options)
  if (isEmbedder(wrapped)) return wrapObject(wrapped, adapter, options)
  throw new AdapterTrainError(
    'USAGE',
    'wrapEmbedder expects a provider from createProvider, or an object with the methods embedQuery and embedDocuments',
  )
}

function wrapProvider(provider: EmbeddingProvider, adapter: Adapter, options: WrapOptions): WrappedProvider {
  checkBase(adapter, provider, options.allowMismatch)
  const transform = transformer(adapter, options)
  const spaceOfQueries = `${provider.cacheKey('query')}|adapter ${adapterHash(adapter)}${options.normalize ? '|normalized' : ''}`
  const embed: EmbeddingProvider['embed'] = async (texts, role, embedOptions) => {
    const vectors = await provider.embed(texts, role, embedOptions)
    return role === 'query' ? vectors.map(transform) : vectors
  }
  /** Batches, retries and the cache work on the base model's vectors. */
  const base = async (texts: readonly string[], role: 'query' | 'document'): Promise<Float32Array[]> => {
    const { vectors } = await embedTexts(provider, texts, role, { cache: options.cache })
    return texts.map((_, i) => row(vectors, i))
  }
  return {
    id: provider.id,
    get dimensions() {
      return provider.dimensions
    },
    limits: provider.limits,
    price: provider.price,
    adapter,
    cacheKey: role => (role === 'query' ? spaceOfQueries : provider.cacheKey(role)),
    countTokens: text => provider.countTokens(text),
    close: () => provider.close?.(),
    embed,
    async embedQuery(text) {
      return Array.from(transform((await base([text], 'query'))[0]))
    },
    async embedDocuments(texts) {
      return (await base(texts, 'document')).map(vector => Array.from(vector))
    },
  }
}

type Method = (...args: unknown[]) => unknown

/** A proxy: the object keeps its class, its other methods and its private fields. */
function wrapObject<T extends Embedder>(embedder: T, adapter: Adapter, options: WrapOptions): T {
  const { id, dimensions } = embedder as { readonly id?: unknown; readonly dimensions?: unknown }
  checkBase(
    adapter,
    {
      id: typeof id === 'string' ? id : undefined,
      dimensions: typeof dimensions === 'number' ? dimensions : undefined,
    },
    options.allowMismatch,
  )
  const transform = transformer(adapter, options)
  const embedQuery = async (text: string): Promise<number[]> => Array.from(transform(await embedder.embedQuery(text)))
  // A call reaches the object itself, where its private fields are; unlike a bound copy, a function keeps its properties.
  const onEmbedder: ProxyHandler<Method> = { apply: (method, _, args) => Reflect.apply(method, embedder, args) }
  // A proxy may not answer with other members than those of a frozen target.
  return new Proxy<T>(Object.isFrozen(embedder) ? Object.create(embedder) : embedder, {
    get(_, key) {
      if (key === 'embedQuery') return embedQuery
      const value: unknown = Reflect.get(embedder, key, embedder)
      return typeof value === 'function' && key !== 'constructor' ? new Proxy(value as Method, onEmbedder) : value
    },
    set: (_, key, value) => Reflect.set(embedder, key, value, embedder),
  })
}

function transformer(adapter: Adapter, options: WrapOptions): (q: ArrayLike<number>) => Float32Array {
  return q => {
    const adapted = applyAdapter(adapter, q)
    return options.normalize ? normalizeInPlace(adapted) : adapted
  }
}

function checkAdapter(adapter: Adapter): Adapter {
  const given = adapter as Partial<Adapter> | null | undefined
  if (typeof given?.kind !== 'string' || !given.base || !given.params) {
    throw new AdapterTrainError('USAGE', 'wrapEmbedder expects an adapter, or the path of an adapter file')
  }
  validateAdapter(adapter)
  return adapter
}

function isProvider(x: EmbeddingProvider | Embedder): x is EmbeddingProvider {
  return typeof x === 'object' && x !== null && 'embed' in x && typeof x.embed === 'function' && 'cacheKey' in x
}

function isEmbedder(x: unknown): x is Embedder {
  const candidate = x as Partial<Embedder> | null | undefined
  return typeof candidate?.embedQuery === 'function' && typeof candidate.embedDocuments === 'function'
}
