import type { BaseEmbedding } from '@llamaindex/core/embeddings'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { AdapterInput, AdaptOptions } from '../wrap/adapter-source.js'
import { providerEmbedder } from '../wrap/provider-embedder.js'
import { wrapTextEmbedding } from '../wrap/shapes/text-embedding.js'
import { type WrapOptions, wrapEmbedder } from '../wrap/wrap-embedder.js'

/**
 * Puts an adapter in front of a LlamaIndex.TS embedding: `getQueryEmbedding` is adapted, texts and nodes untouched.
 *
 * Its makers no longer maintain LlamaIndex.TS; this is for what runs on it already.
 *
 * @throws as `wrapEmbedder`
 */
export function adaptEmbedding<T extends BaseEmbedding>(
  embedding: T,
  adapter: AdapterInput,
  options: AdaptOptions = {},
): T {
  return wrapTextEmbedding(embedding, adapter, options)
}

/**
 * A provider of this package as a LlamaIndex.TS embedding, adapted where an adapter is given.
 * @throws as `wrapEmbedder`
 */
export async function createEmbedding(
  provider: EmbeddingProvider,
  adapter?: AdapterInput,
  options: WrapOptions = {},
): Promise<BaseEmbedding> {
  const { BaseEmbedding } = await import('@llamaindex/core/embeddings')
  const embedder =
    adapter === undefined ? providerEmbedder(provider, options) : wrapEmbedder(provider, adapter, options)
  class ProviderEmbedding extends BaseEmbedding {
    constructor() {
      super()
      this.embedBatchSize = provider.limits.maxInputs
    }
    override getTextEmbedding = async (text: string): Promise<number[]> => (await embedder.embedDocuments([text]))[0]
    override getTextEmbeddings = (texts: string[]): Promise<number[][]> => embedder.embedDocuments(texts)
    override async getQueryEmbedding(
      query: Parameters<BaseEmbedding['getQueryEmbedding']>[0],
    ): Promise<number[] | null> {
      return query.type === 'text' ? embedder.embedQuery(query.text) : null
    }
  }
  return new ProviderEmbedding()
}
