import type { EmbeddingCache } from '../cache/cache.js'
import type { QADataset } from '../dataset/dataset.js'
import type { Rows } from '../math/row-source.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { countTokens, lookUp, type ModelTokens, uniqueTexts } from './look-up.js'
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
  /** Tokens of the missing texts, by the provider's count; of a composed model those of all parts that lack them. */
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
  const lacking: { text: string; textHash: Uint8Array }[] = []
  await lookUp(unique.texts, { provider, role }, cache, (index, textHash, vector) => {
    if (vector === undefined) lacking.push({ text: unique.texts[index], textHash })
  })
  const missing = lacking.length
  const counts = { texts: texts.length, unique: unique.texts.length, cached: unique.texts.length - missing, missing }
  return { ...counts, ...sumTokens(await countTokens(provider, role, lacking, cache)) }
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
  return estimateOfPlans([await plan('query', queries), await plan('document', corpus)])
}

const NO_ROWS: MatrixBuilder<Rows> = {
  cols: undefined,
  set: () => {},
  copy: () => {},
  build: cols => ({ rows: 0, cols, gather: () => {} }),
}

/** Sums what plans leave to embed. */
export function estimateOfPlans(plans: readonly EmbeddingPlan<Rows>[]): EmbeddingEstimate {
  return total(
    plans.map(({ unique, hits, missing, counts }) => ({
      texts: unique.indexOf.length,
      unique: unique.texts.length,
      cached: hits,
      missing: missing.length,
      ...sumTokens(counts),
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
  return { queries, documents, total: total([queries, documents]) }
}

function total(estimates: readonly EmbeddingEstimate[]): EmbeddingEstimate {
  const all = (key: 'texts' | 'unique' | 'cached' | 'missing' | 'tokens') => sum(estimates.map(one => one[key]))
  const tokens = all('tokens')
  const counts = { texts: all('texts'), unique: all('unique'), cached: all('cached'), missing: all('missing'), tokens }
  const costs = estimates.map(({ cost }) => cost).filter(cost => cost !== undefined)
  return costs.length < estimates.length ? counts : { ...counts, cost: sum(costs) }
}

/** Sums tokens, and their US dollars, those of each model at its own price; without cost if a price is not known. */
export function sumTokens(counts: readonly ModelTokens[]): { readonly tokens: number; readonly cost?: number } {
  const sums = counts.map(({ tokens, model }) => ({ all: sum(tokens), price: model.price }))
  const tokens = sum(sums.map(({ all }) => all))
  if (sums.some(({ price }) => price === undefined)) return { tokens }
  return { tokens, cost: sum(sums.map(({ all, price }) => (all / 1e6) * price!)) }
}

/** Counts the tokens of texts and their cost, whatever a cache has. */
export const costOfTexts = (provider: EmbeddingProvider, texts: readonly string[]) =>
  sumTokens((provider.parts ?? [provider]).map(model => ({ model, tokens: texts.map(text => model.countTokens(text)) })))

export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
