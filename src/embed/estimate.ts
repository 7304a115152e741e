import type { EmbeddingCache } from '../cache/cache.js'
import type { QADataset } from '../dataset/dataset.js'
import type { Rows } from '../math/row-source.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { lookUp, uniqueTexts } from './look-up.js'
import type { MatrixBuilder } from './matrix-builder.js'
import { type EmbeddingPlan, type EmbedPlanOptions, planEmbedding } from './plan-embedding.js'

/** Work and cost of embedding texts. */
export interface EmbeddingEstimate {
  /** Texts given, duplicates included. */
  readonly texts: number
  /** Distinct texts: `cached + missing`. */
  readonly unique: number
  readonly cached: number
  readonly missing: number
  /** Tokens of the missing texts, by the provider's count. */
  readonly tokens: number
  /** US dollars; absent if the price is not known. */
  readonly cost?: number
}

/** Estimates what `embedTexts` would send and what it would cost; sends nothing. */
export async function estimateEmbedding(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  cache?: EmbeddingCache,
): Promise<EmbeddingEstimate> {
  const unique = uniqueTexts(texts)
  const tokens: number[] = []
  await lookUp(unique.texts, { provider, role }, cache, (index, _hash, vector) => {
    if (vector === undefined) tokens.push(provider.countTokens(unique.texts[index]))
  })
  const missing = tokens.length
  const counts = { texts: texts.length, unique: unique.texts.length, cached: unique.texts.length - missing, missing }
  return total(provider, [{ ...counts, tokens: sum(tokens) }])
}

/** Estimates `embedDataset` for one dataset, and finds texts that cannot be embedded; sends nothing. */
export async function estimateDataset(
  provider: EmbeddingProvider,
  { name, queries, corpus }: QADataset,
  { cache, signal }: Pick<EmbedPlanOptions, 'cache' | 'signal'> = {},
): Promise<EmbeddingEstimate> {
  const plan = (role: Role, texts: ReadonlyMap<string, string>) => {
    const ids = [...texts.keys()]
    const label = (i: number): string => `${role} ${ids[i]} of ${name}`
    return planEmbedding(provider, [...texts.values()], role, { cache, signal, label }, NO_ROWS)
  }
  return estimateOfPlans(provider, [await plan('query', queries), await plan('document', corpus)])
}

const NO_ROWS: MatrixBuilder<Rows> = {
  cols: undefined,
  set: () => {},
  copy: () => {},
  build: cols => ({ rows: 0, cols, gather: () => {} }),
}

/** Sums what plans leave to embed. */
export function estimateOfPlans(provider: EmbeddingProvider, plans: readonly EmbeddingPlan<Rows>[]): EmbeddingEstimate {
  return total(
    provider,
    plans.map(({ unique, hits, missing, tokens }) => ({
      texts: unique.indexOf.length,
      unique: unique.texts.length,
      cached: hits,
      missing: missing.length,
      tokens: sum(tokens),
    })),
  )
}

export interface DatasetsEstimate {
  readonly queries: EmbeddingEstimate
  readonly documents: EmbeddingEstimate
  readonly total: EmbeddingEstimate
}

/** Estimates embedding datasets, texts they share once; sends nothing and, unlike `estimateDataset`, checks no text. */
export async function estimateDatasets(
  provider: EmbeddingProvider,
  datasets: readonly QADataset[],
  cache?: EmbeddingCache,
): Promise<DatasetsEstimate> {
  const texts = (side: 'queries' | 'corpus') => datasets.flatMap(dataset => [...dataset[side].values()])
  const queries = await estimateEmbedding(provider, texts('queries'), 'query', cache)
  const documents = await estimateEmbedding(provider, texts('corpus'), 'document', cache)
  return { queries, documents, total: total(provider, [queries, documents]) }
}

function total({ price }: EmbeddingProvider, estimates: readonly EmbeddingEstimate[]): EmbeddingEstimate {
  const all = (key: 'texts' | 'unique' | 'cached' | 'missing' | 'tokens') => sum(estimates.map(one => one[key]))
  const tokens = all('tokens')
  const counts = { texts: all('texts'), unique: all('unique'), cached: all('cached'), missing: all('missing'), tokens }
  return price === undefined ? counts : { ...counts, cost: (tokens / 1e6) * price }
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
