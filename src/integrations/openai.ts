import type { AdapterInput, AdaptOptions } from '../wrap/adapter-source.js'
import { type AdaptedOpenAI, type OpenAILike, wrapOpenAI } from '../wrap/shapes/openai-client.js'

/**
 * Wraps an OpenAI client: `embeddings.create` returns adapted vectors, as numbers or base64, if `role: 'query'` or a model name
 * that ends in `:query` asks for them (neither is sent). Everything else of the client stays as it is.
 * @param client an instance of the package `openai`
 * @throws as `wrapEmbedder`
 */
export function adaptOpenAI<T extends OpenAILike>(
  client: T,
  adapter: AdapterInput,
  options: AdaptOptions = {},
): AdaptedOpenAI<T> {
  return wrapOpenAI(client, adapter, options)
}
