import type { EmbeddingModelMiddleware } from 'ai'
import { type AdapterInput, type AdaptOptions, openAdapter } from '../wrap/adapter-source.js'
import { type EmbeddingModelLike, mapEmbeddings, wrapEmbeddingModel } from '../wrap/shapes/embedding-model.js'

/**
 * The model for queries: whatever it embeds is adapted. The AI SDK's models know no roles, so embed documents with the model
 * itself (or, for an adapter that gives fewer dimensions than its base, with {@link documentEmbeddingModel}).
 *
 * @param model an object such as `openai.embedding('text-embedding-3-small')`, of the interface's version 2 or 3
 * @throws as `wrapEmbedder`
 */
export function queryEmbeddingModel<T extends EmbeddingModelLike>(
  model: T,
  adapter: AdapterInput,
  options: AdaptOptions = {},
): T {
  return wrapEmbeddingModel(model, adapter, options).queryModel
}

/**
 * The model for documents: the model itself, but for the dimensions that the adapter leaves out.
 * @throws as `wrapEmbedder`
 */
export function documentEmbeddingModel<T extends EmbeddingModelLike>(
  model: T,
  adapter: AdapterInput,
  options: AdaptOptions = {},
): T {
  return wrapEmbeddingModel(model, adapter, options).documentModel
}

/**
 * The same as {@link queryEmbeddingModel} as middleware, for the SDK's `wrapEmbeddingModel`.
 * @throws as `wrapEmbedder`
 */
export function queryMiddleware(adapter: AdapterInput, options: AdaptOptions = {}): EmbeddingModelMiddleware {
  const source = openAdapter(adapter, options)
  return {
    specificationVersion: 'v3',
    wrapEmbed: async ({ doEmbed, model }) => {
      source.check({ name: model.modelId })
      return mapEmbeddings(await doEmbed(), source, 'query')
    },
  }
}
