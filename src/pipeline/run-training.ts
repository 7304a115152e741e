import type { Adapter } from '../adapters/adapter.js'
import type { EmbeddingCache } from '../cache/cache.js'
import type { EmbedDatasetOptions } from '../embed/embed-dataset.js'
import { isAdapterTrainError } from '../errors.js'
import type { Rows } from '../math/row-source.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { openCheckpoint } from '../train/checkpoint.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import type { VectorParts } from '../vectors/vector-dataset.js'
import { TUNE_DEFAULT } from './defaults.js'
import { type EmbeddedParts, embedParts, partsFromVectors } from './embedded-parts.js'
import type { EmbeddedTrainingReport } from './embedded-training-report.js'
import type { Parts } from './load-parts.js'
import type { ProofDetail } from './proof-detail.js'
import { runIdentity } from './run-identity.js'
import { type KFoldOptions, trainInFolds } from './train-in-folds.js'
import { type TrainingPhase, trainOnEmbedded } from './train-on-embedded.js'
import { openTrainingLog } from './training-log.js'
import { truncateDocuments } from './truncate-documents.js'

/** The result of a run: what was chosen, trained, proven and spent. Metrics lie in [0, 1], times are seconds. */
export interface TrainingReport extends Omit<EmbeddedTrainingReport, 'seconds'> {
  /** What the embeddings took; all zero for vectors of the user's. */
  readonly cache: { readonly hits: number; readonly misses: number; readonly requests: number; readonly tokens: number }
  readonly seconds: EmbeddedTrainingReport['seconds'] & { readonly embed: number; readonly total: number }
}

/** The adapter, and the report on it. */
export interface TrainingResult {
  readonly adapter: Adapter
  readonly report: TrainingReport
  /** With the option `detail`, where something was measured. */
  readonly detail?: ProofDetail
}

/** Options of training, with or without folds; see {@link KFoldOptions}. */
export type TrainingOptions = Omit<KFoldOptions, 'kFold' | 'outOfFold' | 'checkpoint' | 'log'> & {
  /** Folds of a cross-validation of the whole procedure, whose figures are reported. Default: none. */
  readonly kFold?: number
  /**
   * File in which the run is saved after every epoch, and gone on with where an interrupted run has left one. It is there still when
   * the run is done: remove it when the adapter is stored (`removeCheckpoint`).
   */
  readonly checkpoint?: string
  /** Dimensions of the documents in the index, where it stores only the first of those that the base gives. */
  readonly dimensionsOut?: number
  /** File to which the course of training is appended, one JSON object a line. */
  readonly log?: string
}

/** Options of training, with the provider that embeds and the cache that keeps. */
export interface RunTrainingOptions extends Omit<TrainingOptions, 'onPhase'> {
  readonly provider: EmbeddingProvider
  readonly parts: Parts
  readonly cache?: EmbeddingCache
  /** How to embed: concurrency, retries, progress. */
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
  /** Where vectors go that `train.memory` has no room for; the system's folder for temporary files by default. */
  readonly spillFolder?: string
  /**
   * With `tune: 'auto'` and few labelled queries: whether first sentences of documents are embedded too, so that the choice may fall
   * on training with them as queries. Default `auto`.
   */
  readonly pseudoQueries?: 'auto' | 'off'
  /** Called when the work enters its next phase. */
  readonly onPhase?: (phase: 'embed' | TrainingPhase) => void
}

/**
 * The main job: embeds the parts (from the cache where they are there), chooses options, trains an adapter on the training part,
 * and measures it against the base on queries that were not trained on. Writes nothing but the cache.
 *
 * @throws as `embedDataset` and `trainOnEmbedded`
 */
export async function runTraining(options: RunTrainingOptions): Promise<TrainingResult> {
  const { provider, parts, cache, embed, spillFolder, pseudoQueries: pseudo = 'auto', ...training } = options
  const started = performance.now()
  const files = openFiles(options)
  options.onPhase?.('embed')
  const { memory, seed = TRAIN_DEFAULTS.seed } = options.train ?? {}
  const { tune = TUNE_DEFAULT } = options
  const embedded = await embedParts(provider, parts, {
    ...{ cache, embed, memory, spillFolder, signal: options.signal },
    pseudoSeed: tune === 'auto' && pseudo === 'auto' ? seed : undefined,
  })
  return finish(embedded, { ...training, ...files }, started)
}

/** The same for vectors that were made elsewhere: nothing is embedded. */
export async function runTrainingOnVectors(
  parts: VectorParts<Rows>,
  options: TrainingOptions = {},
): Promise<TrainingResult> {
  const started = performance.now()
  const files = openFiles(options)
  return finish(partsFromVectors(parts), { ...options, ...files }, started)
}

/** Whatever is wrong with them is found before any work. */
function openFiles({ checkpoint, log }: TrainingOptions) {
  return {
    checkpoint: checkpoint === undefined ? undefined : openCheckpoint(checkpoint),
    log: log === undefined ? undefined : openTrainingLog(log),
  }
}

async function finish(
  given: EmbeddedParts,
  {
    kFold,
    dimensionsOut,
    ...options
  }: Omit<TrainingOptions, keyof ReturnType<typeof openFiles>> & ReturnType<typeof openFiles>,
  started: number,
) {
  const embed = seconds(started)
  const embedded = dimensionsOut === undefined ? given : truncateDocuments(given, dimensionsOut)
  const identity = runIdentity(embedded, { ...options, kFold })
  const run = async () => {
    options.checkpoint?.require('run', identity)
    options.log?.write('start', { ...identity, counts: embedded.counts, node: process.version, os: process.platform })
    return kFold ? trainInFolds(embedded, { ...options, kFold }) : trainOnEmbedded(embedded, options)
  }
  const { adapter, report, detail } = await run()
    .catch(error => {
      options.log?.write('end', { error: isAdapterTrainError(error) ? error.code : 'INTERNAL' })
      throw error
    })
    .finally(() => embedded.close?.())
  const { bestEpoch, gate, metrics } = report
  options.log?.write('end', { bestEpoch, gate, metrics, seconds: seconds(started) })
  const { hits = 0, misses = 0, requests = 0, tokens = 0 } = embedded.embedding ?? {}
  const full: TrainingReport = {
    ...report,
    cache: { hits, misses, requests, tokens },
    seconds: { embed, ...report.seconds, total: seconds(started) },
  }
  return { adapter, report: full, detail }
}

function seconds(from: number): number {
  return Math.round(performance.now() - from) / 1000
}
