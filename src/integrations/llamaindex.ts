import type { EmbeddingProvider } from '../providers/provider.js'
import type { AdapterInput } from '../wrap/adapter-source.js'
import type { TextEmbeddingLike } from '../wrap/shapes/text-embedding.js'
import { providerEmbedder, type WrapOptions, wrapProvider } from '../wrap/wrap-provider.js'

export { wrapTextEmbedding as adaptEmbedding } from '../wrap/shapes/text-embedding.js'

/** A provider of this package as a `BaseEmbedding` of LlamaIndex.TS, which is also a function that embeds nodes. */
export interface ProviderTextEmbedding extends TextEmbeddingLike {
  <N extends object>(nodes: N[], options?: object): Promise<N[]>
  id: string
  embedBatchSize: number
  /** Embeds a query of the type `text`; returns `null` for any other. */
  getQueryEmbedding(query: { readonly type: string; readonly text?: string }): Promise<number[] | null>
  /** Compares two vectors, by cosine unless told otherwise. */
  similarity(a: number[], b: number[], mode?: string): number
  /** Cuts texts to the model's limit, if that is known. */
  truncateMaxTokens(texts: string[]): string[]
}

/**
 * Makes a provider of this package a LlamaIndex.TS embedding, adapted if an adapter is given.
 * @throws as `wrapEmbedder`
 */
export async function createEmbedding(
  provider: EmbeddingProvider,
  adapter?: AdapterInput,
  options: WrapOptions = {},
): Promise<ProviderTextEmbedding> {
  const { BaseEmbedding } = await import('@llamaindex/core/embeddings')
  const embedder = adapter === undefined ? providerEmbedder(provider, options) : wrapProvider(provider, adapter, options)
  class ProviderEmbedding extends BaseEmbedding {
    constructor() {
      super()
      this.embedBatchSize = provider.limits.maxInputs
    }
    override getTextEmbedding = async (text: string): Promise<number[]> => (await embedder.embedDocuments([text]))[0]
    override getTextEmbeddings = (texts: string[]): Promise<number[][]> => embedder.embedDocuments(texts)
    override async getQueryEmbedding({ type, text }: Parameters<ProviderTextEmbedding['getQueryEmbedding']>[0]) {
      return type === 'text' && text !== undefined ? embedder.embedQuery(text) : null
    }
  }
  return new ProviderEmbedding() as ProviderTextEmbedding
}
