import type { Adapter } from '../adapters/adapter.js'
import { isAdapterTrainError, usageError } from '../errors.js'
import { type Projection, projectRows } from '../math/projection.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { openCheckpoint, type RunIdentity } from '../train/checkpoint.js'
import { pickOptions, TRAIN_DEFAULTS } from '../train/options.js'
import { corpusOf } from '../train/terms/corpus-terms.js'
import { VERSION } from '../version.js'
import { checkEffects } from './check-effects.js'
import { TEXT_TERMS_DEFAULT, TUNE_BUDGET, TUNE_DEFAULT } from './defaults.js'
import { checkReducible, type EmbeddedParts, type EmbedSession, truncateDocuments } from './embedded-parts.js'
import type { OpenedData } from './open-data.js'
import { keepingTopScore } from './top-score.js'
import { trainInFolds } from './train-in-folds.js'
import { trainOnEmbedded } from './train-on-embedded.js'
import type { TrainingOptions, TrainingResult, TrainingRun } from './training.js'
import { openTrainingLog } from './training-log.js'

/** Data, means of embedding (`train.memory` is the memory limit) and options of a training run. */
export interface RunTrainingOptions extends TrainingOptions, Omit<EmbedSession, 'memory'> {
  readonly data: OpenedData
  /** Texts of a corpus without vectors, embedded with the data: id -> text. Of texts that a provider embeds. */
  readonly corpusTexts?: ReadonlyMap<string, string>
  /** Offer pseudo-queries to the choice of options, with `tune: 'auto'` and few labelled queries. Default `auto`. */
  readonly pseudoQueries?: 'auto' | 'off'
  /**
   * File that holds the run after every epoch; an interrupted run resumes from it. It stays when the run is done: remove it with
   * `removeCheckpoint` when the adapter is stored.
   */
  readonly checkpoint?: string
  /** Training log, JSON Lines, appended. */
  readonly log?: string
}

/**
 * Embeds data, chooses options, trains an adapter on the training set, and measures it on held-out queries. Writes nothing but
 * cache, checkpoint and log.
 * @throws USAGE if an option that is given has no effect
 * @throws as `OpenedData.embed`, `openCheckpoint` and `trainAndReport`; FILE_WRITE if the log cannot be written
 */
export async function runTraining(options: RunTrainingOptions): Promise<TrainingResult> {
  const { data, pseudoQueries = 'auto', checkpoint, log, pca: asked, corpusTexts, ...run } = options
  const { provider, tune = TUNE_DEFAULT, train: { memory, seed = TRAIN_DEFAULTS.seed } = {} } = run
  // Before the first paid request.
  keepingTopScore(run)
  checkEffects(run)
  if (asked !== undefined) {
    checkReducible(provider)
    if (run.dimensionsOut !== undefined) {
      throw usageError('dimensionsOut cuts the vectors of documents, and pca reduces them: expected one of the two, found both')
    }
  }
  const pca = typeof asked === 'number' ? (keptProjection(asked, provider!, run.incumbent) ?? asked) : asked
  const files = {
    checkpoint: checkpoint === undefined ? undefined : openCheckpoint(checkpoint),
    log: log === undefined ? undefined : openTrainingLog(log),
  }
  run.onPhase?.('embed')
  const pseudoSeed = tune === 'auto' && pseudoQueries === 'auto' ? seed : undefined
  const parts = await data.embed({ ...run, memory, pseudoSeed, pca, corpusTexts })
  const projection = parts.provider?.pca
  let { corpus = run.corpus } = parts
  // Documents of a composed model, to be reduced.
  if (corpus && projection && corpus.vectors.cols === projection.shape[1])
    corpus = { ...corpus, vectors: projectRows(corpus.vectors, projection, true) }
  return trainAndReport(parts, { ...run, corpus, ...files })
}

/** Returns the projection of the adapter in use, if it is of these models and dimensions. */
export function keptProjection(
  dimensions: number,
  { id }: Pick<EmbeddingProvider, 'id'>,
  incumbent: Adapter | undefined,
): Projection | undefined {
  const { base } = incumbent ?? {}
  return base?.dimensions === dimensions && base.id.startsWith(`${id}@`) ? base.provider?.pca : undefined
}

/** Trains on embedded parts, which are closed when it ends, and reports the whole run. */
export async function trainAndReport(given: EmbeddedParts, run: TrainingRun = {}): Promise<TrainingResult> {
  const started = performance.now()
  const { kFold, dimensionsOut, checkpoint, log } = run
  const trained = async () => {
    const parts = dimensionsOut === undefined ? given : truncateDocuments(given, dimensionsOut)
    const identity = runIdentity(parts, run)
    checkpoint?.require('run', identity)
    log?.write('start', { ...identity, counts: parts.counts, node: process.version, os: process.platform })
    return kFold ? trainInFolds(parts, { ...run, kFold }) : trainOnEmbedded(parts, run)
  }
  const { adapter, rejected, report, detail } = await trained()
    .catch(error => {
      log?.write('end', { error: isAdapterTrainError(error) ? error.code : 'INTERNAL' })
      throw error
    })
    .finally(() => given.close?.())
  const { bestEpoch, gate, duel, metrics } = report
  const { seconds: embed = 0, embedding: { hits = 0, misses = 0, requests = 0, tokens = 0 } = {} } = given
  const total = Math.round(1000 * embed + performance.now() - started) / 1000
  log?.write('end', { bestEpoch, gate, duel, metrics, seconds: total })
  const full = { ...report, cache: { hits, misses, requests, tokens }, seconds: { embed, ...report.seconds, total } }
  return { adapter, rejected, report: full, detail }
}

/** Returns what must be equal for two runs to give the same adapter, as far as it is known before they start. */
export function runIdentity(parts: EmbeddedParts, run: Omit<TrainingRun, 'checkpoint' | 'log'>): RunIdentity {
  const { train = {}, tune = TUNE_DEFAULT, tuneBudget = TUNE_BUDGET, gate, minGain, kFold, splitBy } = run
  const { textTerms = TEXT_TERMS_DEFAULT, termRows, termBytes, corpus } = run
  return {
    ...pickOptions(train),
    keep: train.keep,
    tune,
    tuneBudget,
    gate,
    minGain,
    kFold,
    splitBy: kFold && splitBy,
    keepTopScore: run.keepTopScore || undefined,
    release: VERSION,
    base: parts.baseId,
    dimensions: parts.train.queries.cols,
    dimensionsOut: parts.train.docs.cols,
    data: parts.sha256(),
    pseudoQueries: parts.pseudo?.queries.rows,
    textTerms,
    termRows,
    termBytes,
    corpus: corpus && corpusOf(corpus, new Date()).sha256,
  }
}
