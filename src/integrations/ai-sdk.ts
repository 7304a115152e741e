import { type AdapterInput, type AdaptOptions, openAdapter } from '../wrap/adapter-source.js'
import { type EmbeddingModelLike, mapEmbeddings, wrapEmbeddingModel } from '../wrap/shapes/embedding-model.js'

/** Middleware of the AI SDK (an `EmbeddingModelMiddleware`). */
export interface QueryMiddleware {
  readonly specificationVersion: 'v3'
  /** Adapts the vectors of a call. */
  wrapEmbed<R extends { embeddings: number[][] }>(call: {
    doEmbed(): PromiseLike<R>
    readonly params: { readonly values: readonly string[] }
    readonly model: { readonly modelId: string }
  }): Promise<R>
}

/**
 * Makes the model for queries, which adapts whatever it embeds. The AI SDK's models know no roles, so embed documents with the
 * model itself (or, if the adapter returns fewer dimensions than its base model, with {@link documentEmbeddingModel}).
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
 * Makes the model for documents: the model itself, without the dimensions that the adapter leaves out.
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
 * Makes {@link queryEmbeddingModel} as middleware, for the SDK's `wrapEmbeddingModel`.
 * @throws as `wrapEmbedder`
 */
export function queryMiddleware(adapter: AdapterInput, options: AdaptOptions = {}): QueryMiddleware {
  const source = openAdapter(adapter, options)
  return {
    specificationVersion: 'v3',
    async wrapEmbed({ doEmbed, params, model }) {
      source.check({ name: model.modelId })
      return mapEmbeddings(await doEmbed(), source.now(), 'query', params)
    },
  }
}
