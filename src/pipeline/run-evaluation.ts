import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import type { EmbeddingCache } from '../cache/cache.js'
import type { QADataset } from '../dataset/dataset.js'
import { type EmbedDatasetOptions, embedDataset } from '../embed/embed-dataset.js'
import type { EmbedStats } from '../embed/run-embedding.js'
import { createEvaluator, type Scores } from '../evaluate/evaluator.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { checkBase } from '../wrap/check-base.js'

export interface RunEvaluationOptions {
  readonly provider: EmbeddingProvider
  readonly data: QADataset
  readonly adapter?: Adapter
  /** Evaluate although the provider is not the adapter's base. */
  readonly allowMismatch?: boolean
  /** Metrics as `name@k`; the usual nine by default. */
  readonly metrics?: readonly string[]
  readonly cache?: EmbeddingCache
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
  readonly signal?: AbortSignal
}

export interface EvaluationReport {
  /** Queries with a relevant document: those that are scored. */
  readonly queries: number
  readonly documents: number
  readonly metrics: { readonly base: Scores; readonly adapted?: Scores }
}

/**
 * Ranks all documents for every query by exact cosine similarity and scores the base, and the adapter where one is given.
 * @throws ADAPTER_MISMATCH when the provider is not the adapter's base
 * @throws as `embedDataset` and `createEvaluator`
 */
export async function runEvaluation(
  options: RunEvaluationOptions,
): Promise<EvaluationReport & { embedding: EmbedStats }> {
  const { provider, adapter, cache, signal } = options
  if (adapter) checkBase(adapter, provider, options.allowMismatch)
  const { datasets, stats } = await embedDataset(provider, [options.data], { ...options.embed, cache, signal })
  const [data] = datasets
  const evaluator = createEvaluator(data, options.metrics)
  const base = evaluator.evaluate(data.queries).mean
  const adapted = adapter && evaluator.evaluate(applyAdapter(adapter, data.queries)).mean
  return {
    queries: evaluator.queryRows.length,
    documents: data.docs.rows,
    metrics: adapted ? { base, adapted } : { base },
    embedding: stats,
  }
}
