import { type Adapter, outputDimensions } from '../adapters/adapter.js'
import type { EmbeddingCache } from '../cache/cache.js'
import type { QADataset } from '../dataset/dataset.js'
import { type EmbedDatasetOptions, embedDataset } from '../embed/embed-dataset.js'
import { countPairs } from '../embed/embedded-dataset.js'
import type { SpillOptions } from '../embed/matrix-builder.js'
import type { EmbedStats } from '../embed/run-embedding.js'
import { selectEngine } from '../engines/select.js'
import { createEvaluator, type Scores } from '../evaluate/evaluator.js'
import { DEFAULT_METRICS } from '../evaluate/metrics/index.js'
import { relevantTexts, relevantVectors, seenQueries } from '../evaluate/seen.js'
import type { Rows } from '../math/row-source.js'
import { truncateRows } from '../math/truncate.js'
import { MEMORY_DEFAULT } from '../memory-limit.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import type { VectorParts } from '../vectors/vector-dataset.js'
import { checkBase } from '../wrap/check-base.js'
import { PART_NAMES, type PartCounts, type PartName, textsOf } from './embedded-parts.js'
import { type Proof, type ProofSubject, prove } from './proof.js'
import { type ProofDetail, proofDetail } from './proof-detail.js'

/** What is measured, and with which engine, seed and adapter. */
export interface EvaluationOptions {
  readonly adapter?: Adapter
  /** Evaluate although the vectors are not of the adapter's base. */
  readonly allowMismatch?: boolean
  /** Metrics as `name@k`; the usual nine by default. */
  readonly metrics?: readonly string[]
  /** Tells wins from losses. Default: `ndcg@10`, or the first metric where that is not measured. */
  readonly metric?: string
  /** Seed of the resampling. */
  readonly seed?: number
  readonly signal?: AbortSignal
  /** What computes the rankings: `auto` (the default) or an engine's name. */
  readonly engine?: string
  /** Device of the engine, see `EngineOptions`. */
  readonly device?: string
  /** Given what lies behind the comparison query by query, for a report; not called where there is no adapter. */
  readonly onDetail?: (detail: ProofDetail) => void
}

/** The same, with the provider that embeds and the cache that keeps. */
export interface RunEvaluationOptions extends EvaluationOptions, Partial<SpillOptions> {
  readonly provider: EmbeddingProvider
  readonly data: QADataset
  /** What the adapter was trained on; the results are then also split by whether a relevant document had training queries. */
  readonly train?: QADataset
  readonly cache?: EmbeddingCache
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
}

/** The result of an evaluation; without an adapter the figures of the base alone. Metrics lie in [0, 1]. */
export interface EvaluationReport
  extends Partial<Pick<Proof, 'difference' | 'wins' | 'ties' | 'losses' | 'seen' | 'unseen' | 'largest' | 'whole'>> {
  readonly base: { readonly id: string; readonly dimensions: number }
  /** The set that was evaluated. */
  readonly data: { readonly [part in PartName]?: PartCounts }
  /** Queries with a relevant document: those that are scored. */
  readonly queries: number
  readonly documents: number
  readonly metrics: { readonly base: Scores; readonly adapted?: Scores }
  readonly engine: string
  /** What the engine runs on. */
  readonly engineDescription?: string
  /** Why this engine. */
  readonly engineReason: string
  readonly warnings: readonly string[]
}

/**
 * Ranks all documents for every query by exact cosine similarity and scores the base, and the adapter where one is given, with the
 * proof of the difference.
 *
 * @throws ADAPTER_MISMATCH when the provider is not the adapter's base
 * @throws as `selectEngine`, `embedDataset` and `createEvaluator`
 */
export async function runEvaluation(
  options: RunEvaluationOptions,
): Promise<EvaluationReport & { embedding: EmbedStats }> {
  const { provider, adapter, cache, signal, data, train, memory = MEMORY_DEFAULT, spillFolder } = options
  if (adapter) checkBase(adapter, provider, options.allowMismatch)
  const embedOptions = { ...options.embed, cache, signal, memory, spillFolder }
  const { datasets, stats, close } = await embedDataset(provider, [data], embedOptions)
  try {
    const trained = train && relevantTexts(train)
    const subject: ProofSubject = {
      data: datasets[0],
      texts: data.queries,
      seen: trained && (({ ids }) => seenQueries(trained, relevantTexts(data, ids))),
    }
    return { ...(await evaluate(subject, 'test', options)), embedding: stats }
  } finally {
    close()
  }
}

/**
 * The same for vectors that were made elsewhere: on the test part where there is one, else on the validation part, else on the
 * training part, which splits nothing.
 *
 * @throws ADAPTER_MISMATCH when the vectors are not of the adapter's base
 * @throws as `selectEngine` and `createEvaluator`
 */
export async function runEvaluationOnVectors(
  parts: VectorParts<Rows>,
  options: EvaluationOptions = {},
): Promise<EvaluationReport> {
  const part = PART_NAMES.findLast(name => parts[name])!
  const data = parts[part]!
  const model = { id: data.baseId, dimensions: data.queries.cols }
  if (options.adapter) checkBase(options.adapter, model, options.allowMismatch)
  const trained = part !== 'train' && options.adapter ? relevantVectors(parts.train) : undefined
  const subject: ProofSubject = {
    data,
    texts: textsOf(data),
    seen: trained && (({ rows }) => seenQueries(trained, relevantVectors(data, rows))),
  }
  return evaluate(subject, part, options)
}

async function evaluate(
  subject: ProofSubject,
  part: PartName,
  { adapter, metrics = DEFAULT_METRICS, seed = TRAIN_DEFAULTS.seed, signal, ...options }: EvaluationOptions,
): Promise<EvaluationReport> {
  const outputs = adapter && outputDimensions(adapter)
  const truncated = outputs !== undefined && outputs < subject.data.docs.cols
  const data = truncated ? { ...subject.data, docs: truncateRows(subject.data.docs, outputs) } : subject.data
  const metric = options.metric ?? (metrics.includes(TRAIN_DEFAULTS.metric) ? TRAIN_DEFAULTS.metric : metrics[0])
  const { engine, reason, warning } = await selectEngine(options.engine ?? 'auto', { device: options.device })
  try {
    const measured = truncated ? { ...subject, data, wholeDocs: subject.data.docs } : subject
    const proof = adapter && (await prove(engine, measured, adapter, { seed, metric, metrics, signal }))
    if (proof && options.onDetail) {
      options.onDetail(await proofDetail(engine, measured, adapter, proof.scored, { seed, metric, signal }))
    }
    const { scored, queries, ...facts } = proof ?? (await baseAlone())
    const pairs = countPairs(data)
    return {
      base: { id: data.baseId, dimensions: data.queries.cols },
      data: { [part]: { queries: data.queries.rows, pairs, documents: data.docs.rows } },
      queries,
      documents: data.docs.rows,
      ...facts,
      engine: engine.name,
      engineDescription: engine.description,
      engineReason: reason,
      warnings: warning ? [warning] : [],
    }
  } finally {
    engine.dispose()
  }

  async function baseAlone() {
    const evaluator = createEvaluator(data, metrics)
    const base = await evaluator.evaluateOn(engine, data.queries, { signal })
    return { queries: evaluator.queryIds.length, metrics: { base: base.mean }, scored: undefined }
  }
}
