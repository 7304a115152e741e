import type { Adapter } from '../adapters/adapter.js'
import type { EmbeddingCache } from '../cache/cache.js'
import type { QADataset } from '../dataset/dataset.js'
import { type EmbedDatasetOptions, embedDataset } from '../embed/embed-dataset.js'
import type { EmbedStats } from '../embed/run-embedding.js'
import { selectEngine } from '../engines/select.js'
import { type Comparison, compareRankings } from '../evaluate/compare.js'
import { createEvaluator, type Evaluation, type Scores } from '../evaluate/evaluator.js'
import { type LargestChanges, largestChanges } from '../evaluate/largest-changes.js'
import type { Matrix } from '../math/matrix.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { applyAdapterOn } from '../train/adapt-on.js'
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
  /** What computes the rankings: `auto` (the default) or an engine's name. */
  readonly engine?: string
  /** Device of the engine, see `EngineOptions`. */
  readonly device?: string
}

export interface EvaluationReport {
  /** Queries with a relevant document: those that are scored. */
  readonly queries: number
  readonly documents: number
  readonly metrics: { readonly base: Scores; readonly adapted?: Scores }
  /** With an adapter: its difference from the base, query by query. */
  readonly difference?: Comparison['difference']
  readonly wins?: number
  readonly ties?: number
  readonly losses?: number
  readonly largest?: LargestChanges
  readonly engine: string
  /** What the engine runs on. */
  readonly engineDescription?: string
  /** Why this engine. */
  readonly engineReason: string
  readonly warnings: readonly string[]
}

/**
 * Ranks all documents for every query by exact cosine similarity and scores the base, and the adapter where one is given.
 * @throws ADAPTER_MISMATCH when the provider is not the adapter's base
 * @throws as `selectEngine`, `embedDataset` and `createEvaluator`
 */
export async function runEvaluation(
  options: RunEvaluationOptions,
): Promise<EvaluationReport & { embedding: EmbedStats }> {
  const { provider, adapter, cache, signal } = options
  if (adapter) checkBase(adapter, provider, options.allowMismatch)
  const { engine, reason, warning } = await selectEngine(options.engine ?? 'auto', { device: options.device })
  try {
    const { datasets, stats } = await embedDataset(provider, [options.data], { ...options.embed, cache, signal })
    const [data] = datasets
    const evaluator = createEvaluator(data, options.metrics)
    const evaluate = (queries: Matrix): Promise<Evaluation> => evaluator.evaluateOn(engine, queries, { signal })
    const base = await evaluate(data.queries)
    const adapted = adapter && (await evaluate(await applyAdapterOn(engine, adapter, data.queries)))
    return {
      queries: evaluator.queryRows.length,
      documents: data.docs.rows,
      metrics: adapted ? { base: base.mean, adapted: adapted.mean } : { base: base.mean },
      ...(adapted && comparisonOf(base, adapted, { queryIds: evaluator.queryIds, texts: options.data.queries })),
      engine: engine.name,
      engineDescription: engine.description,
      engineReason: reason,
      warnings: warning ? [warning] : [],
      embedding: stats,
    }
  } finally {
    engine.dispose()
  }
}

/** Seed of the resampling. */
const SEED = 42

function comparisonOf(
  base: Evaluation,
  adapted: Evaluation,
  names: { readonly queryIds: readonly string[]; readonly texts: ReadonlyMap<string, string> },
) {
  const { difference, wins, ties, losses } = compareRankings(base, adapted, { seed: SEED })
  return { difference, wins, ties, losses, largest: largestChanges(base, adapted, names) }
}
