import type { EmbeddingProvider } from '../providers/provider.js'
import { type AdapterInput, openAdapter } from '../wrap/adapter-source.js'
import { adaptedFunction, type EmbeddingFunctionLike } from '../wrap/shapes/embedding-function.js'
import { providerEmbedder, type WrapOptions } from '../wrap/wrap-provider.js'

export { wrapEmbeddingFunction as adaptEmbeddingFunction } from '../wrap/shapes/embedding-function.js'

/** A provider of this package as an `EmbeddingFunction` of Chroma. */
export interface ProviderEmbeddingFunction extends Required<EmbeddingFunctionLike> {
  name: string
  /** Names the distance of new collections. */
  defaultSpace(): 'cosine'
  /** Lists the distances that suit the vectors. */
  supportedSpaces(): 'cosine'[]
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
  const { embedDocuments, embedQueries } = providerEmbedder(provider, options)
  const base = { generate: embedDocuments, generateForQueries: embedQueries }
  return {
    name: 'adapter-train',
    defaultSpace: () => 'cosine',
    supportedSpaces: () => ['cosine'],
    ...(adapter === undefined ? base : adaptedFunction(base, openAdapter(adapter, options, provider))),
  }
}
