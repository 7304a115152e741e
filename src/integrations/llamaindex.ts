import type { EmbeddingProvider } from '../providers/provider.js'
import type { AdapterInput, AdaptOptions } from '../wrap/adapter-source.js'
import { type TextEmbeddingLike, wrapTextEmbedding } from '../wrap/shapes/text-embedding.js'
import { type WrapOptions, wrapEmbedder } from '../wrap/wrap-embedder.js'
import { providerEmbedder } from '../wrap/wrap-provider.js'

/** A provider of this package as a `BaseEmbedding` of LlamaIndex.TS, which is also a function that embeds nodes. */
export interface ProviderTextEmbedding extends TextEmbeddingLike {
  <N extends object>(nodes: N[], options?: object): Promise<N[]>
  id: string
  /** Texts per call. */
  embedBatchSize: number
  /** Embeds a query of the type `text`; returns `null` for any other. */
  getQueryEmbedding(query: { readonly type: string; readonly text?: string }): Promise<number[] | null>
  /** Compares two vectors, by cosine unless told otherwise. */
  similarity(a: number[], b: number[], mode?: string): number
  /** Cuts texts to the model's limit, if that is known. */
  truncateMaxTokens(texts: string[]): string[]
}

/**
 * Puts an adapter in front of a LlamaIndex.TS embedding: `getQueryEmbedding` is adapted, texts and nodes untouched.
 *
 * Its makers no longer maintain LlamaIndex.TS; this is for what runs on it already.
 * @throws as `wrapEmbedder`
 */
export function adaptEmbedding<T extends TextEmbeddingLike>(
  embedding: T,
  adapter: AdapterInput,
  options: AdaptOptions = {},
): T {
  return wrapTextEmbedding(embedding, adapter, options)
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
  const embedder =
    adapter === undefined ? providerEmbedder(provider, options) : wrapEmbedder(provider, adapter, options)
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
