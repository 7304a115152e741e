import type { Embeddings } from '@langchain/core/embeddings'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { AdapterInput } from '../wrap/adapter-source.js'
import { providerEmbedder, type WrapOptions, wrapProvider } from '../wrap/wrap-provider.js'

export { wrapEmbedderObject as adaptEmbeddings } from '../wrap/shapes/embedder.js'

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
  const embedder = adapter === undefined ? providerEmbedder(provider, options) : wrapProvider(provider, adapter, options)
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
