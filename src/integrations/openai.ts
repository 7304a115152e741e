import type OpenAI from 'openai'
import type { AdapterInput, AdaptOptions } from '../wrap/adapter-source.js'
import { type AdaptedOpenAI, wrapOpenAI } from '../wrap/shapes/openai-client.js'

/**
 * An OpenAI client whose `embeddings.create` gives adapted vectors where `role: 'query'` or a model name that ends in `:query`
 * asks for it (neither is sent), as numbers and as base64. Without that, and in all else, it is the client as it was.
 *
 * @throws as `wrapEmbedder`
 */
export function adaptOpenAI<T extends Pick<OpenAI, 'embeddings'>>(
  client: T,
  adapter: AdapterInput,
  options: AdaptOptions = {},
): AdaptedOpenAI<T> {
  return wrapOpenAI(client, adapter, options)
}
