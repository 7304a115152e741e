import type { EmbeddingFunction } from 'chromadb'
import type { EmbeddingProvider } from '../providers/provider.js'
import { type AdapterInput, type AdaptOptions, openAdapter } from '../wrap/adapter-source.js'
import { providerEmbedder } from '../wrap/provider-embedder.js'
import { wrapEmbeddingFunction } from '../wrap/shapes/embedding-function.js'
import type { WrapOptions } from '../wrap/wrap-embedder.js'

type TwoSided<T extends EmbeddingFunction> = T & Required<Pick<EmbeddingFunction, 'generateForQueries'>>

/**
 * Puts an adapter in front of a Chroma embedding function: `queryTexts` are adapted, documents untouched. What Chroma stores of
 * the function's configuration is what it stored before, so give the adapted one to `getCollection` as well.
 *
 * @throws as `wrapEmbedder`
 */
export function adaptEmbeddingFunction<T extends EmbeddingFunction>(
  embeddingFunction: T,
  adapter: AdapterInput,
  options: AdaptOptions = {},
): TwoSided<T> {
  return wrapEmbeddingFunction(embeddingFunction, adapter, options)
}

/**
 * A provider of this package as a Chroma embedding function, adapted where an adapter is given. Chroma stores no configuration
 * of it, and so no key; collections measure by cosine.
 *
 * @throws as `wrapEmbedder`
 */
export function createEmbeddingFunction(
  provider: EmbeddingProvider,
  adapter?: AdapterInput,
  options: WrapOptions = {},
): TwoSided<EmbeddingFunction> {
  const base = providerEmbedder(provider, options)
  const source = adapter === undefined ? undefined : openAdapter(adapter, options, provider)
  return {
    name: 'adapter-train',
    defaultSpace: () => 'cosine',
    supportedSpaces: () => ['cosine'],
    async generate(texts) {
      const sides = source?.now()
      const vectors = await base.embedDocuments(texts)
      return sides ? vectors.map(d => sides.fitDocument(d)) : vectors
    },
    async generateForQueries(texts) {
      const sides = source?.now()
      const vectors = await base.embedQueries(texts)
      return sides ? vectors.map(q => Array.from(sides.adaptQuery(q))) : vectors
    },
  }
}
