import type { Adapter } from '../adapters/adapter.js'
import type { EmbeddingCache } from '../cache/cache.js'
import type { EmbedDatasetOptions } from '../embed/embed-dataset.js'
import type { Rows } from '../math/row-source.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { VectorParts } from '../vectors/vector-dataset.js'
import type { Parts } from './load-parts.js'
import { type KFoldOptions, trainInFolds } from './k-fold.js'
import { embedParts, type Material, vectorMaterial } from './material.js'
import {
  type MaterialReport,
  type TrainingPhase,
  type TrainOnMaterialOptions,
  trainOnMaterial,
} from './train-on-material.js'

export interface TrainingReport extends Omit<MaterialReport, 'seconds'> {
  /** What the embeddings took; all zero for vectors of the user's. */
  readonly cache: { readonly hits: number; readonly misses: number; readonly requests: number; readonly tokens: number }
  readonly seconds: MaterialReport['seconds'] & { readonly embed: number; readonly total: number }
}

/** Options of training, with or without folds; see {@link KFoldOptions}. */
export type TrainingOptions = Omit<KFoldOptions, 'kFold' | 'outOfFold'> & {
  /** Folds of a cross-validation of the whole procedure, whose figures are reported. Default: none. */
  readonly kFold?: number
}

export interface RunTrainingOptions extends Omit<TrainingOptions, 'onPhase'> {
  readonly provider: EmbeddingProvider
  readonly parts: Parts
  readonly cache?: EmbeddingCache
  /** How to embed: concurrency, retries, progress. */
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
  /** Where vectors go that `train.memory` has no room for; the system's folder for temporary files by default. */
  readonly spillFolder?: string
  /** Called when the work enters its next phase. */
  readonly onPhase?: (phase: 'embed' | TrainingPhase) => void
}

/**
 * The main job: embeds the parts (from the cache where they are there), chooses options, trains an adapter on the training part,
 * and measures it against the base on queries that were not trained on. Writes nothing but the cache.
 *
 * @throws as `embedDataset` and `trainOnMaterial`
 */
export async function runTraining(options: RunTrainingOptions): Promise<{ adapter: Adapter; report: TrainingReport }> {
  const { provider, parts, cache, embed, spillFolder, ...training } = options
  const started = performance.now()
  options.onPhase?.('embed')
  const { memory } = options.train ?? {}
  const material = await embedParts(provider, parts, { cache, embed, memory, spillFolder, signal: options.signal })
  return finish(material, training, started)
}

/** The same for vectors that were made elsewhere: nothing is embedded. */
export async function runTrainingOnVectors(
  parts: VectorParts<Rows>,
  options: TrainingOptions = {},
): Promise<{ adapter: Adapter; report: TrainingReport }> {
  return finish(vectorMaterial(parts), options, performance.now())
}

async function finish(material: Material, { kFold, ...options }: TrainingOptions, started: number) {
  const embed = seconds(started)
  const run = kFold ? trainInFolds(material, { ...options, kFold }) : trainOnMaterial(material, options)
  const { adapter, report } = await run.finally(() => material.close?.())
  const { hits = 0, misses = 0, requests = 0, tokens = 0 } = material.embedding ?? {}
  const full: TrainingReport = {
    ...report,
    cache: { hits, misses, requests, tokens },
    seconds: { embed, ...report.seconds, total: seconds(started) },
  }
  return { adapter, report: full }
}

function seconds(from: number): number {
  return Math.round(performance.now() - from) / 1000
}
