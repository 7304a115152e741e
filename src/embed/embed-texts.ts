import type { Matrix } from '../math/matrix.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { type PlanOptions, planEmbedding } from './plan-embedding.js'
import { type EmbedStats, type RunOptions, runEmbedding } from './run-embedding.js'

/** Everything that can be set about an embedding run. */
export interface EmbedTextsOptions extends PlanOptions, RunOptions {}

/**
 * Embeds texts: each distinct text once, from the cache where it is there, in batches within the provider's limits, with
 * retries.
 *
 * @returns vectors [texts.length, dimensions], in the order of `texts`
 * @throws PROVIDER_INPUT when a text is empty, not well-formed, or too long for the model; before any request
 * @throws PROVIDER_REQUEST when a request failed for good
 * @throws PROVIDER_RESPONSE when an answer does not hold one finite vector a text, all of one length
 * @throws VECTOR_INVALID when the cache holds vectors of another length for this provider
 * @throws ABORTED when `signal` was aborted
 */
export async function embedTexts(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  options: EmbedTextsOptions = {},
): Promise<{ vectors: Matrix; stats: EmbedStats }> {
  return runEmbedding(await planEmbedding(provider, texts, role, options), options)
}
