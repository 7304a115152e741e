import { usageError } from '../errors.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { AdapterInput, AdaptOptions } from './adapter-source.js'
import { hasMethods } from './override-members.js'
import type { BothEmbedder, BothVectors, Embedder } from './shapes/embedder.js'
import { isEmbedder, wrapEmbedderObject } from './shapes/embedder.js'
import { type EmbeddingFunctionLike, isEmbeddingFunction, wrapEmbeddingFunction } from './shapes/embedding-function.js'
import type { EmbeddingModelLike, ModelPair } from './shapes/embedding-model.js'
import { isEmbeddingModel, wrapEmbeddingModel } from './shapes/embedding-model.js'
import { type AdaptedOpenAI, isOpenAI, type OpenAILike, wrapOpenAI } from './shapes/openai-client.js'
import { isTextEmbedding, type TextEmbeddingLike, wrapTextEmbedding } from './shapes/text-embedding.js'
import { type WrapOptions, type WrappedProvider, wrapProvider } from './wrap-provider.js'

export type { BothEmbedder, BothVectors, Embedder, WrapOptions, WrappedProvider }

/**
 * Puts an adapter in front of an embedding model: queries are transformed, documents stay as they are (if the adapter gives fewer
 * dimensions than its base model, documents keep their first ones, at unit length; if its documents are of another model, which its
 * `index` names, they are refused).
 * @param provider a provider of this package, or, recognised by its methods: a LangChain embedding (or any object with `embedQuery`
 *   and `embedDocuments`), a LlamaIndex.TS embedding, a Chroma embedding function, an OpenAI client (which adapts for `role:
 *   'query'` or a model name that ends in `:query`), or an AI SDK embedding model
 * @param adapter an adapter, the path of its file, or a `watchAdapter`
 * @returns the same kind of object, the argument is not changed; for an AI SDK model, which knows no roles, one per role
 * @throws USAGE for any other argument
 * @throws ADAPTER_MISMATCH if the provider's id or dimensions differ from the adapter's base model
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT if the adapter is not valid, and as `loadAdapter` for a path
 */
export function wrapEmbedder(provider: EmbeddingProvider, adapter: AdapterInput, options?: WrapOptions): WrappedProvider
export function wrapEmbedder<T extends Embedder>(embedder: T, adapter: AdapterInput, options?: AdaptOptions): T & BothEmbedder
export function wrapEmbedder<T extends TextEmbeddingLike>(embedding: T, adapter: AdapterInput, options?: AdaptOptions): T
export function wrapEmbedder<T extends EmbeddingModelLike>(model: T, adapter: AdapterInput, options?: AdaptOptions): ModelPair<T>
export function wrapEmbedder<T extends OpenAILike>(client: T, adapter: AdapterInput, options?: AdaptOptions): AdaptedOpenAI<T>
export function wrapEmbedder<T extends EmbeddingFunctionLike>(
  fn: T,
  adapter: AdapterInput,
  options?: AdaptOptions,
): T & Required<EmbeddingFunctionLike>
export function wrapEmbedder(wrapped: unknown, adapter: AdapterInput, options: WrapOptions = {}): unknown {
  if (isProvider(wrapped)) return wrapProvider(wrapped, adapter, options)
  if (isEmbedder(wrapped)) return wrapEmbedderObject(wrapped, adapter, options)
  if (isTextEmbedding(wrapped)) return wrapTextEmbedding(wrapped, adapter, options)
  if (isEmbeddingModel(wrapped)) return wrapEmbeddingModel(wrapped, adapter, options)
  if (isOpenAI(wrapped)) return wrapOpenAI(wrapped, adapter, options)
  if (isEmbeddingFunction(wrapped)) return wrapEmbeddingFunction(wrapped, adapter, options)
  throw usageError(
    'wrapEmbedder expects a provider from createProvider, an object with the methods embedQuery and embedDocuments, or an ' +
      'embedding of LangChain, LlamaIndex.TS, Chroma or the AI SDK, or an OpenAI client',
  )
}

const isProvider = (x: unknown): x is EmbeddingProvider => hasMethods(x, 'embed', 'cacheKey')
