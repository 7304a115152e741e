import { createHash } from 'node:crypto'
import type { Adapter } from '../adapters/adapter.js'
import { applyAdapter } from '../adapters/adapter.js'
import type { EmbeddingCache } from '../cache/cache.js'
import { describeDataset } from '../dataset/describe.js'
import { hashDataset } from '../dataset/hash.js'
import { type EmbedDatasetOptions, embedDataset } from '../embed/embed-dataset.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { createEvaluator, type Scores } from '../evaluate/evaluator.js'
import { type Matrix, norm, row } from '../math/matrix.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { type EpochResult, type TrainOptions, trainAdapter } from '../train/train-adapter.js'
import { VERSION } from '../version.js'
import type { Parts } from './load-parts.js'

/** What a data set holds, in numbers. */
export interface PartCounts {
  readonly queries: number
  /** (query, relevant document) pairs. */
  readonly pairs: number
  readonly documents: number
}

export interface TrainingReport {
  readonly kind: string
  readonly base: { readonly id: string; readonly dimensions: number }
  readonly data: { readonly train: PartCounts; readonly validation?: PartCounts; readonly test?: PartCounts }
  /** Measured on `split`, which is the validation set only where there is no test set; absent where there is neither. */
  readonly metrics?: { readonly base: Scores; readonly adapted: Scores; readonly split: 'test' | 'validation' }
  readonly epochs: readonly EpochResult[]
  readonly bestEpoch: number
  readonly engine: string
  readonly cache: { readonly hits: number; readonly misses: number; readonly requests: number; readonly tokens: number }
  readonly seconds: {
    readonly embed: number
    readonly train: number
    readonly evaluate: number
    readonly total: number
  }
  readonly warnings: readonly string[]
}

export interface RunTrainingOptions {
  readonly provider: EmbeddingProvider
  readonly parts: Parts
  readonly cache?: EmbeddingCache
  /** How to train; defaults in `TRAIN_DEFAULTS`. */
  readonly train?: TrainOptions
  /** How to embed: concurrency, retries, progress. */
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
  readonly signal?: AbortSignal
  /** Called when the work enters its next phase. */
  readonly onPhase?: (phase: 'embed' | 'train' | 'evaluate') => void
}

/** A row counts as of length 1 within this much. */
const UNIT_TOLERANCE = 1e-3

/**
 * The main job: embeds the parts (from the cache where they are there), trains an adapter on the training part, and measures it
 * against the base on queries that were not trained on. Writes nothing but the cache.
 *
 * @throws as `embedDataset`, `trainAdapter` and `createEvaluator`
 */
export async function runTraining(options: RunTrainingOptions): Promise<{ adapter: Adapter; report: TrainingReport }> {
  const { provider, parts, cache, signal } = options
  const started = performance.now()
  const names = (['train', 'validation', 'test'] as const).filter(name => parts[name])

  options.onPhase?.('embed')
  const { datasets, stats } = await embedDataset(
    provider,
    names.map(name => parts[name]!),
    { ...options.embed, cache, signal },
  )
  const embedded = Object.fromEntries(names.map((name, i) => [name, datasets[i]])) as {
    train: EmbeddedDataset
    validation?: EmbeddedDataset
    test?: EmbeddedDataset
  }
  const embedEnd = performance.now()

  options.onPhase?.('train')
  const trained = await trainAdapter(embedded, { ...options.train, signal })
  const trainEnd = performance.now()

  options.onPhase?.('evaluate')
  const dimensions = embedded.train.queries.cols
  const base = {
    id: provider.id,
    dimensions,
    normalized: isNormalized(embedded.train.queries) && isNormalized(embedded.train.docs),
  }
  const split = embedded.test ? 'test' : 'validation'
  const held = embedded[split]
  const untold: Adapter = { kind: trained.kind, base, params: trained.weights, training: NO_FACTS }
  const metrics = held && { ...compareWithBase(held, untold), split: split as 'test' | 'validation' }
  const end = performance.now()

  const data = Object.fromEntries(names.map(name => [name, countsOf(parts, name)])) as unknown as TrainingReport['data']
  const report: TrainingReport = {
    kind: trained.kind,
    base: { id: base.id, dimensions },
    data,
    metrics,
    epochs: trained.epochs,
    bestEpoch: trained.bestEpoch,
    engine: trained.engine,
    cache: { hits: stats.hits, misses: stats.misses, requests: stats.requests, tokens: stats.tokens },
    seconds: {
      embed: seconds(started, embedEnd),
      train: seconds(embedEnd, trainEnd),
      evaluate: seconds(trainEnd, end),
      total: seconds(started, end),
    },
    warnings: warningsFor(parts, trained.bestEpoch),
  }
  const adapter: Adapter = {
    ...untold,
    training: {
      tool: `adapter-train ${VERSION}`,
      date: new Date().toISOString(),
      data: { sha256: dataHash(parts), ...data },
      options: {
        ...recordedOptions(options.train),
        engine: trained.engine,
        bestEpoch: trained.bestEpoch,
        epochsRun: trained.epochs.length,
      },
      metrics: metrics ?? {},
    },
  }
  return { adapter, report }
}

const NO_FACTS: Adapter['training'] = { tool: '', date: '', data: {}, options: {}, metrics: {} }

/** Scores of the base and of the adapter on one data set. */
export function compareWithBase(data: EmbeddedDataset, adapter: Adapter): { base: Scores; adapted: Scores } {
  const evaluator = createEvaluator(data)
  return {
    base: evaluator.evaluate(data.queries).mean,
    adapted: evaluator.evaluate(applyAdapter(adapter, data.queries)).mean,
  }
}

function countsOf(parts: Parts, name: keyof Parts): PartCounts {
  const { queries, pairs, documents } = describeDataset(parts[name]!)
  return { queries, pairs, documents }
}

/** SHA-256 over the hashes of the parts, `-` for an absent one, each on a line. */
function dataHash({ train, validation, test }: Parts): string {
  const lines = [train, validation, test].map(part => `${part ? hashDataset(part) : '-'}\n`)
  return createHash('sha256').update(lines.join('')).digest('hex')
}

/** Every training option with the value it had; callbacks and handles left out. */
function recordedOptions(given: TrainOptions = {}): Record<string, string | number> {
  const all = {
    ...TRAIN_DEFAULTS,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
  return Object.fromEntries(
    Object.keys(TRAIN_DEFAULTS).map(key => [key, all[key as keyof typeof TRAIN_DEFAULTS] as string | number]),
  )
}

function isNormalized(m: Matrix): boolean {
  for (let i = 0; i < m.rows; i++) if (Math.abs(norm(row(m, i)) - 1) > UNIT_TOLERANCE) return false
  return true
}

function warningsFor(parts: Parts, bestEpoch: number): string[] {
  const warnings: string[] = []
  if (bestEpoch === 0) {
    warnings.push(
      'no epoch was better than the base on the validation set: the adapter is the identity map and changes nothing',
    )
  }
  if (!parts.test && parts.validation) {
    warnings.push(
      'there is no test set: the figures are of the validation set, by which the best epoch was chosen, and may be flattering',
    )
  }
  if (!parts.test && !parts.validation) {
    warnings.push('there is neither a validation nor a test set: nothing shows whether the adapter helps')
  }
  return warnings
}

function seconds(from: number, to: number): number {
  return Math.round(to - from) / 1000
}
