import type { Matrix } from '../math/matrix.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { type EmbeddingEstimate, estimateOfPlans } from './estimate.js'
import { type EmbedPlanOptions, planEmbedding } from './plan-embedding.js'
import { RefusedTexts } from './refusals.js'
import { type EmbedRunOptions, runEmbedding } from './run-embedding.js'
import type { EmbedStats } from './stats.js'

/** Options of `embedTexts`. */
export interface EmbedTextsOptions extends EmbedPlanOptions, EmbedRunOptions {
  /** Called once, before any request. */
  readonly onPlan?: (estimate: EmbeddingEstimate) => void
}

/**
 * Embeds each distinct text once, from the cache if it is there, else in batches within the provider's limits, with retries.
 * @returns vectors [texts.length, dimensions], in the order of `texts`
 * @throws PROVIDER_INPUT if a text is empty, not well-formed, or too long for the model; before any request
 * @throws PROVIDER_REQUEST if a request fails for good
 * @throws PROVIDER_RESPONSE unless an answer holds one finite vector per text, all of one length
 * @throws VECTOR_INVALID if the cache holds vectors of another length for this provider
 * @throws ABORTED if `signal` is aborted
 */
export async function embedTexts(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  options: EmbedTextsOptions = {},
): Promise<{ vectors: Matrix; stats: EmbedStats }> {
  const plan = await planEmbedding(provider, texts, role, options)
  options.onPlan?.(estimateOfPlans([plan]))
  const { refusals, ...embedded } = await runEmbedding(plan, options)
  if (refusals.length > 0) throw new RefusedTexts(provider.id, refusals)
  return embedded
}
