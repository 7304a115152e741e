import type { EmbeddingProvider } from '../providers/provider.js'
import { type AdapterInput, type AdaptOptions, openAdapter } from '../wrap/adapter-source.js'
import { type EmbeddingFunctionLike, wrapEmbeddingFunction } from '../wrap/shapes/embedding-function.js'
import type { WrapOptions } from '../wrap/wrap-embedder.js'
import { providerEmbedder } from '../wrap/wrap-provider.js'

/** A provider of this package as an `EmbeddingFunction` of Chroma. */
export interface ProviderEmbeddingFunction extends Required<EmbeddingFunctionLike> {
  name: string
  /** Names the distance of new collections. */
  defaultSpace(): 'cosine'
  /** Lists the distances that suit the vectors. */
  supportedSpaces(): 'cosine'[]
}

/**
 * Puts an adapter in front of a Chroma embedding function: `queryTexts` are adapted, documents untouched. What Chroma stores of the
 * function's configuration is what it stored before, so give the adapted one to `getCollection` as well.
 * @throws as `wrapEmbedder`
 */
export function adaptEmbeddingFunction<T extends EmbeddingFunctionLike>(
  embeddingFunction: T,
  adapter: AdapterInput,
  options: AdaptOptions = {},
): T & Required<EmbeddingFunctionLike> {
  return wrapEmbeddingFunction(embeddingFunction, adapter, options)
}

/**
 * Makes a provider of this package a Chroma embedding function, adapted if an adapter is given. Chroma stores no configuration of
 * it, and so no key; collections measure by cosine.
 * @throws as `wrapEmbedder`
 */
export function createEmbeddingFunction(
  provider: EmbeddingProvider,
  adapter?: AdapterInput,
  options: WrapOptions = {},
): ProviderEmbeddingFunction {
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
      return sides ? vectors.map((q, i) => Array.from(sides.adaptQuery(q, texts[i]))) : vectors
    },
  }
}
