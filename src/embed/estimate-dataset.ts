import type { QADataset } from '../dataset/dataset.js'
import type { Rows } from '../math/row-source.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import type { EmbeddingEstimate } from './estimate.js'
import type { MatrixBuilder } from './matrix-builder.js'
import { type PlanOptions, planEmbedding } from './plan-embedding.js'

/**
 * Says what `embedDataset` would send for one data set and what it would cost, and finds the texts that cannot be embedded,
 * without sending anything.
 *
 * @throws PROVIDER_INPUT, VECTOR_INVALID, ABORTED as `planEmbedding`
 */
export async function estimateDataset(
  provider: EmbeddingProvider,
  { name, queries, corpus }: QADataset,
  { cache, signal }: Pick<PlanOptions, 'cache' | 'signal'> = {},
): Promise<EmbeddingEstimate> {
  const sum = { texts: 0, unique: 0, cached: 0, missing: 0, tokens: 0 }
  const roles: readonly [Role, ReadonlyMap<string, string>][] = [
    ['query', queries],
    ['document', corpus],
  ]
  for (const [role, texts] of roles) {
    const ids = [...texts.keys()]
    const label = (i: number): string => `${role} ${ids[i]} of ${name}`
    const plan = await planEmbedding(provider, [...texts.values()], role, { cache, signal, label }, noRows())
    sum.texts += texts.size
    sum.unique += plan.unique.texts.length
    sum.cached += plan.hits
    sum.missing += plan.missing.length
    for (const tokens of plan.tokens) sum.tokens += tokens
  }
  return provider.price === undefined ? sum : { ...sum, cost: (sum.tokens / 1e6) * provider.price }
}

/** Takes vectors and keeps none. */
function noRows(): MatrixBuilder<Rows> {
  return {
    cols: undefined,
    set: () => {},
    copy: () => {},
    build: cols => ({ rows: 0, cols, gather: () => {} }),
  }
}
