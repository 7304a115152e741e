import type { Embeddings, EmbeddingsInterface } from '@langchain/core/embeddings'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { AdapterInput, AdaptOptions } from '../wrap/adapter-source.js'
import { wrapEmbedderObject } from '../wrap/shapes/embedder.js'
import { type WrapOptions, wrapEmbedder } from '../wrap/wrap-embedder.js'
import { providerEmbedder } from '../wrap/wrap-provider.js'

/**
 * Puts an adapter in front of a LangChain embedding: `embedQuery` is adapted, `embedDocuments` untouched.
 * @returns an object of the same class, for vector stores and retrievers as they are
 * @throws as `wrapEmbedder`
 */
export function adaptEmbeddings<T extends EmbeddingsInterface>(
  embeddings: T,
  adapter: AdapterInput,
  options: AdaptOptions = {},
): T {
  return wrapEmbedderObject(embeddings, adapter, options)
}

/**
 * A provider of this package as a LangChain embedding, adapted where an adapter is given, with its batches, retries and cache.
 * @throws as `wrapEmbedder`
 */
export async function createEmbeddings(
  provider: EmbeddingProvider,
  adapter?: AdapterInput,
  options: WrapOptions = {},
): Promise<Embeddings> {
  const { Embeddings } = await import('@langchain/core/embeddings')
  const embedder =
    adapter === undefined ? providerEmbedder(provider, options) : wrapEmbedder(provider, adapter, options)
  class ProviderEmbeddings extends Embeddings {
    override embedQuery(text: string): Promise<number[]> {
      return embedder.embedQuery(text)
    }
    override embedDocuments(texts: string[]): Promise<number[][]> {
      return embedder.embedDocuments(texts)
    }
  }
  return new ProviderEmbeddings({})
}
