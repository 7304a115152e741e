import { closedForm } from '../adapters/closed-forms/index.js'
import { adapterMap, trainedKind } from '../adapters/index.js'
import type { Weights } from '../adapters/kind.js'
import { type EmbeddedDataset, labelledRows } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { withEngine } from '../engines/index.js'
import { AdapterTrainError, isAdapterTrainError, usageError } from '../errors.js'
import { createEvaluator } from '../evaluate/evaluator.js'
import { norm, row } from '../math/matrix.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import { adaptOn } from './adapt-on.js'
import { type Checkpoint, damagedCheckpoint } from './checkpoint.js'
import { checkOptions, TRAIN_DEFAULTS, withDefaults } from './options.js'
import { identityWeights, outputsOf } from './parameters.js'
import { createTrainer, type EpochResult, type Trainer, type TrainerOptions } from './trainer.js'

/** Options of training; `TRAINING_OPTIONS` documents the hyperparameters. */
export interface TrainOptions extends TrainerOptions {
  /** Kept epoch: the best on the validation split, or the last one. Default `best`. */
  readonly keep?: 'best' | 'last'
  /** Device of the engine, see `EngineOptions`. */
  readonly device?: string
  /** Engine by name, or a running one, which is not disposed of. */
  readonly engine?: string | Engine
  /** True if an abort after the first epoch returns the best weights so far instead of failing. Default false. */
  readonly keepOnAbort?: boolean
  /** File saved after every epoch, from which training resumes. Closed forms have nothing to save. */
  readonly checkpoint?: Checkpoint
  /**
   * Called after each epoch.
   * @param epochs number of epochs, at most
   */
  readonly onEpoch?: (epoch: EpochResult, epochs: number) => void
}

/** Weights of the best epoch, and the course of training. */
export interface TrainResult {
  readonly kind: string
  readonly weights: Weights
  readonly epochs: readonly EpochResult[]
  /** Epoch whose weights were kept; 0 is the identity map, kept if no epoch beat it on the validation split. */
  readonly bestEpoch: number
  readonly stoppedEarly: boolean
  /** Present with `keepOnAbort` if the signal was aborted before the end. */
  readonly interrupted?: true
  /** Validation metric of the unadapted queries. */
  readonly baseMetric?: number
  readonly engine: string
  readonly engineDescription?: string
  readonly engineReason: string
}

/**
 * Trains a query adapter on embedded queries and frozen documents.
 *
 * Each epoch visits every (query, positive) pair once, in a new seeded order. With a validation split the epoch with the best
 * metric is kept (the earliest of equals), including the identity map as epoch 0; without one, the last epoch. A closed form
 * (ridge, procrustes) has one epoch, uses only `pull`, and returns the kind of its map. `linear-memory` returns its linear map:
 * `runTraining` decides by cross-validation whether to add a memory.
 * @throws USAGE if an option is out of range, or `size` is given for a kind without one
 * @throws TRAIN_DATA if there is nothing to learn from, or the dimensions differ
 * @throws TRAIN_DIVERGED if the loss or a weight is not finite
 * @throws ABORTED if `signal` was aborted, except with `keepOnAbort` after an epoch
 */
export async function trainAdapter(
  data: { readonly train: EmbeddedDataset<Rows>; readonly validation?: EmbeddedDataset<Rows> },
  options: TrainOptions = {},
): Promise<TrainResult> {
  checkTraining(data, options)
  const o = { ...options, ...withDefaults(options) }
  const kind = trainedKind(o.kind)
  const done = o.checkpoint?.state.training
  return withEngine(options, async ({ engine, reason }) => {
    const trainer = resumedTrainer(engine, data.train, options)
    try {
      const most = trainer.epochs
      const { validation } = data
      const evaluator = validation && createEvaluator(validation, [o.metric])
      const measure = async (weights: Weights): Promise<number | undefined> => {
        if (!validation || !evaluator) return undefined
        const adapted = await adaptOn(engine, kind, weights, validation.queries, validation.queryTexts)
        return (await evaluator.evaluateOn(engine, adapted, { signal: o.signal })).mean[o.metric]
      }
      const size = kind.name === o.kind ? o.size : undefined
      let best = done?.best ?? identityWeights(kind, data.train.queries.cols, size, outputsOf(data.train))
      const baseMetric = done ? done.baseMetric : await measure(best)
      let bestMetric = done ? done.bestMetric : baseMetric
      let bestEpoch = done?.bestEpoch ?? 0
      const epochs: EpochResult[] = [...(done?.epochs ?? [])]
      const isEnough = (epoch: number): boolean => o.patience > 0 && epoch - bestEpoch >= o.patience && epoch < most
      let stoppedEarly = isEnough(epochs.length)
      let interrupted: true | undefined
      const once = async () => {
        const { weights, ...facts } = await trainer.epoch()
        return { ...facts, weights, metric: await measure(weights) }
      }
      const stopped = (error: unknown): undefined => {
        if (o.keepOnAbort && epochs.length > 0 && isAdapterTrainError(error, 'ABORTED')) return undefined
        throw error
      }
      for (let epoch = epochs.length + 1; epoch <= most && !stoppedEarly; epoch++) {
        const started = performance.now()
        const outcome = await once().catch(stopped)
        if (outcome === undefined) {
          interrupted = true
          break
        }
        const { loss, weights, learningRate, metric } = outcome
        if (o.keep === 'last' || metric === undefined || bestMetric === undefined || metric > bestMetric) {
          best = weights
          bestMetric = metric
          bestEpoch = epoch
        }
        stoppedEarly = isEnough(epoch)
        const result = { epoch, loss, metric, seconds: (performance.now() - started) / 1000, learningRate }
        epochs.push(result)
        const state = await (o.checkpoint && trainer.save?.())
        if (state) o.checkpoint?.save({ training: { trainer: state, epochs, best, bestEpoch, bestMetric, baseMetric } })
        o.onEpoch?.(result, most)
      }
      return {
        kind: kind.name,
        weights: best,
        epochs,
        bestEpoch,
        stoppedEarly,
        interrupted,
        baseMetric,
        engine: engine.name,
        engineDescription: engine.description,
        engineReason: reason,
      }
    } finally {
      trainer.free()
    }
  })
}

/** Starts training, or resumes from the checkpoint. @throws FILE_READ if that does not hold what a run saves */
function resumedTrainer(engine: Engine, train: EmbeddedDataset<Rows>, options: TrainOptions): Trainer {
  const { checkpoint } = options
  const saved = checkpoint?.state.training?.trainer
  try {
    return createTrainer(engine, train, options, saved)
  } catch (error) {
    throw saved && !isAdapterTrainError(error) ? damagedCheckpoint(checkpoint!.path, error) : error
  }
}

/** Checks data and options before any work is done. */
export function checkTraining(
  { train, validation }: { readonly train: EmbeddedDataset<Rows>; readonly validation?: EmbeddedDataset<Rows> },
  options: TrainOptions,
): void {
  checkOptions(options)
  const { kind = TRAIN_DEFAULTS.kind, size } = options
  const wrong = (problem: string) => new AdapterTrainError('TRAIN_DATA', problem)
  if (size !== undefined && !adapterMap(closedForm(kind) ? 'linear' : kind).size)
    throw usageError(`training option "size": the adapter kind "${kind}" has no size, found ${size}`)
  const [d, outputs] = [train.queries.cols, train.docs.cols]
  if (outputs > d) {
    throw wrong(
      `documents: expected at most the ${d} dimensions of the queries, found ${outputs}. Embed both with the same model`,
    )
  }
  if (outputs < d && (closedForm(kind) || trainedKind(kind).name !== 'linear')) {
    throw usageError(
      `adapter kind "${kind}": expected documents of ${d} dimensions, like the queries, found ${outputs} (--dimensions-out). Use --kind linear`,
    )
  }
  if (labelledRows(train).length === 0)
    throw wrong('training split: found no query with a relevant document, so there is nothing to learn from')
  refuseZeroVector(train.queries, train.queryIds, 'query')
  refuseZeroVector(train.docs, train.docIds, 'document')
  if (validation && validation.queries.cols !== d) {
    throw wrong(
      `validation split: expected the ${d} dimensions of the training split, found ${validation.queries.cols}. Embed both with the same model`,
    )
  }
}

function refuseZeroVector(vectors: Rows, ids: readonly string[], what: string): void {
  for (const { start, block } of blocksOf(vectors)) {
    for (let i = 0; i < block.rows; i++) {
      if (norm(row(block, i)) > 0) continue
      const id = ids[start + i]
      throw new AdapterTrainError(
        'TRAIN_DATA',
        `${what} "${id}" is the zero vector, which has no direction. Remove the ${what} or embed it with another model`,
        { details: { id } },
      )
    }
  }
}
