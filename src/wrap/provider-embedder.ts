import type { EmbeddingCache } from '../cache/cache.js'
import { embedTexts } from '../embed/embed-texts.js'
import { row } from '../math/matrix.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import type { Embedder } from './shapes/embedder.js'

/** A provider as it is, with the methods of an {@link Embedder}: batches, retries and the cache included. */
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
