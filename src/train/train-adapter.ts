import { closedForm } from '../adapters/closed-forms/index.js'
import { adapterMap, trainedKind } from '../adapters/index.js'
import type { AdapterKind, AdapterMap, Weights } from '../adapters/kind.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { labelledRows } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { selectEngine } from '../engines/select.js'
import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import { createEvaluator } from '../evaluate/evaluator.js'
import type { NegativesName } from '../losses/index.js'
import { norm, row } from '../math/matrix.js'
import { blocksOf, isInMemory, type Rows, toMatrix } from '../math/row-source.js'
import { MEMORY_DEFAULT } from '../memory-limit.js'
import { adaptOn } from './adapt-on.js'
import { checkTrainOptions } from './check-options.js'
import type { Checkpoint } from './checkpoint.js'
import { createClosedFormTrainer } from './closed-form-trainer.js'
import { TRAIN_DEFAULTS } from './defaults.js'
import { identityWeights } from './parameters.js'
import type { ScheduleName } from './schedule.js'
import { createTrainer, type Trainer } from './trainer.js'
import { withoutUndefined } from './without-undefined.js'

/** @see {@link TRAIN_DEFAULTS} for meaning and defaults */
export interface TrainOptions {
  readonly kind?: string
  readonly negatives?: NegativesName
  readonly maxNegatives?: number
  /** Hard negatives of a query, with `negatives: 'hard'`; see `HARD_DEFAULTS` for these three. */
  readonly hardNegatives?: number
  readonly hardMargin?: number
  readonly mineEvery?: number
  readonly schedule?: ScheduleName
  readonly pull?: number
  readonly epochs?: number
  readonly batchSize?: number
  readonly learningRate?: number
  readonly warmup?: number
  readonly scale?: number
  readonly weightDecay?: number
  readonly maxGradNorm?: number
  readonly seed?: number
  readonly metric?: string
  readonly patience?: number
  /** Whether the best epoch by the validation set is kept, or the last one, the set then only being reported. Default `best`. */
  readonly keep?: 'best' | 'last'
  /** The kind's own size: the rank of `low-rank`, the hidden units of `residual-mlp`. */
  readonly size?: number
  /** Bytes that the training vectors may take on the engine, see `TrainerOptions`. Default: `MEMORY_DEFAULT`. */
  readonly memory?: number
  /** Device of the engine, see `EngineOptions`. */
  readonly device?: string
  /** Engine by name, or one that runs already (it is then not disposed of). */
  readonly engine?: string | Engine
  readonly signal?: AbortSignal
  /** Whether an abort after the first epoch ends training with what was kept so far, instead of with an error. Default no. */
  readonly keepOnAbort?: boolean
  /** Saved to after every epoch; where it holds training, that is gone on with. Closed forms have nothing to save. */
  readonly checkpoint?: Checkpoint
  /**
   * Called after each epoch.
   * @param epochs how many there are at most
   */
  readonly onEpoch?: (epoch: EpochResult, epochs: number) => void
  /**
   * Called after each step.
   * @param step from 1
   * @param steps how many there are in all, were every epoch trained
   */
  readonly onStep?: (step: number, steps: number) => void
}

/** What is known of an epoch at its end. */
export interface EpochResult {
  /** From 1. */
  readonly epoch: number
  /** Mean loss of the epoch's examples, each measured before its step. */
  readonly loss: number
  /** Metric on the validation set after the epoch. */
  readonly metric?: number
  readonly seconds: number
  /** Of the last step; absent for a closed form. */
  readonly learningRate?: number
}

/** The weights of the best epoch, and the course of training. */
export interface TrainResult {
  readonly kind: string
  readonly weights: Weights
  readonly epochs: readonly EpochResult[]
  /** The epoch whose weights were kept; 0 is the identity map, kept when no epoch beat it on the validation set. */
  readonly bestEpoch: number
  readonly stoppedEarly: boolean
  /** With `keepOnAbort`, where the signal was aborted before the last epoch was done. */
  readonly interrupted?: true
  /** Validation metric of the unadapted queries. */
  readonly baseMetric?: number
  readonly engine: string
  /** What the engine runs on. */
  readonly engineDescription?: string
  /** Why this engine. */
  readonly engineReason: string
}

/**
 * Trains a query adapter on embedded queries and frozen documents.
 *
 * Each epoch visits every (query, positive) pair once, in a new seeded order. With a validation set the epoch with the best
 * metric is kept (the earliest of equals), the identity map included as epoch 0; without one, the last epoch. A closed form
 * (ridge, procrustes) has one epoch and uses `pull` alone; `kind` of the result is that of the map it gives. `linear-memory` gives
 * its linear map: whether a memory is put on top is decided by cross-validation, which `runTraining` does.
 *
 * @throws USAGE when an option has no meaning
 * @throws TRAIN_DATA when there is nothing to learn from, or the validation set has vectors of another length
 * @throws TRAIN_DIVERGED when the loss or a weight is not finite
 * @throws ABORTED when `signal` was aborted, but with `keepOnAbort` and an epoch that is done
 */
export async function trainAdapter(
  data: { readonly train: EmbeddedDataset<Rows>; readonly validation?: EmbeddedDataset<Rows> },
  options: TrainOptions = {},
): Promise<TrainResult> {
  checkTraining(data, options)
  const o = { ...TRAIN_DEFAULTS, ...withoutUndefined(options) }
  const closed = closedForm(o.kind)
  const kind = trainedKind(o.kind)
  const size = kind.name === o.kind ? o.size : undefined
  const given = typeof o.engine === 'object' ? o.engine : undefined
  const selected = given
    ? { engine: given, reason: 'given' }
    : await selectEngine(o.engine as string, { device: o.device })
  const { engine } = selected
  let trainer: Trainer | undefined
  const done = o.checkpoint?.state.training
  try {
    trainer = closed
      ? createClosedFormTrainer(engine, inMemory(data.train, closed.name, o.memory), closed, options)
      : createTrainer(engine, data.train, { ...o, kind, size }, done?.trainer)
    const most = closed ? 1 : o.epochs
    const measure = data.validation && createMeasure(engine, data.validation, kind, o.metric, o.signal)
    let best = done?.best ?? identityWeights(kind, data.train.queries.cols, size, data.train.docs.cols)
    const baseMetric = done ? done.baseMetric : await measure?.(best)
    let bestMetric = done ? done.bestMetric : baseMetric
    let bestEpoch = done?.bestEpoch ?? 0
    const epochs: EpochResult[] = [...(done?.epochs ?? [])]
    const isEnough = (epoch: number): boolean => o.patience > 0 && epoch - bestEpoch >= o.patience && epoch < most
    let stoppedEarly = isEnough(epochs.length)
    let interrupted: true | undefined
    const once = async () => {
      const { weights, ...facts } = await trainer!.epoch()
      return { ...facts, weights, metric: await measure?.(weights) }
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
      engineReason: selected.reason,
    }
  } finally {
    trainer?.free()
    if (!given) engine.dispose()
  }
}

/**
 * Checks what {@link trainAdapter} would refuse, before any work is done for it.
 * @throws USAGE, TRAIN_DATA as `trainAdapter`
 */
export function checkTraining(
  { train, validation }: { readonly train: EmbeddedDataset<Rows>; readonly validation?: EmbeddedDataset<Rows> },
  options: TrainOptions,
): void {
  checkTrainOptions(options)
  const { kind = TRAIN_DEFAULTS.kind, size } = options
  checkSize(kind, adapterMap(closedForm(kind) ? 'linear' : kind), size)
  checkOutputs(kind, train)
  checkTrainingData(train)
  if (validation) checkSameLength(train, validation)
}

/** Measures weights on the validation set. */
function createMeasure(
  engine: Engine,
  validation: EmbeddedDataset<Rows>,
  kind: AdapterKind,
  metric: string,
  signal: AbortSignal | undefined,
): (weights: Weights) => Promise<number> {
  const evaluator = createEvaluator(validation, [metric])
  return async weights => {
    const adapted = await adaptOn(engine, kind, weights, validation.queries)
    return (await evaluator.evaluateOn(engine, adapted, { signal })).mean[metric]
  }
}

function checkSize(name: string, { size }: AdapterMap, given: number | undefined): void {
  if (given === undefined || (size && Number.isSafeInteger(given) && given >= 1)) return
  const expected = size
    ? `expected the training option "size" (${size.name}) to be an integer of at least 1`
    : `the adapter kind "${name}" has no "size"`
  throw new AdapterTrainError('USAGE', `${expected}, got ${given}`)
}

function checkOutputs(kind: string, { queries, docs }: EmbeddedDataset<Rows>): void {
  if (docs.cols === queries.cols) return
  if (docs.cols > queries.cols) {
    throw new AdapterTrainError(
      'TRAIN_DATA',
      `the documents have ${docs.cols} dimensions, but the queries only ${queries.cols}; embed both with the same model`,
    )
  }
  if (!closedForm(kind) && adapterMap(kind).outputs) return
  throw new AdapterTrainError(
    'USAGE',
    `the adapter kind "${kind}" gives as many dimensions as it takes, ${queries.cols}; documents of ${docs.cols} (--dimensions-out) need --kind linear`,
  )
}

function checkTrainingData(data: EmbeddedDataset<Rows>): void {
  const withPositive = labelledRows(data).length
  if (withPositive === 0) {
    throw new AdapterTrainError(
      'TRAIN_DATA',
      'the training set has no query with a relevant document, so there is nothing to learn from',
    )
  }
  refuseZeroVector(data.queries, data.queryIds, 'query')
  refuseZeroVector(data.docs, data.docIds, 'document')
}

function checkSameLength(train: EmbeddedDataset<Rows>, validation: EmbeddedDataset<Rows>): void {
  const [d, found] = [train.queries.cols, validation.queries.cols]
  if (found === d) return
  throw new AdapterTrainError(
    'TRAIN_DATA',
    `the validation set has vectors of ${found} dimensions, but the training set of ${d}; embed both with the same model`,
  )
}

function refuseZeroVector(vectors: Rows, ids: readonly string[], what: string): void {
  for (const { start, block } of blocksOf(vectors)) {
    for (let i = 0; i < block.rows; i++) {
      if (norm(row(block, i)) > 0) continue
      const id = ids[start + i]
      throw new AdapterTrainError(
        'TRAIN_DATA',
        `the embedding of ${what} "${id}" is the zero vector, which has no direction; remove the ${what} or embed it with another model`,
        { details: { id } },
      )
    }
  }
}

/** A closed form works on all vectors at once. */
function inMemory(data: EmbeddedDataset<Rows>, method: string, memory = MEMORY_DEFAULT): EmbeddedDataset {
  const { queries, docs } = data
  const bytes = 4 * (queries.rows * queries.cols + docs.rows * docs.cols)
  if (bytes > memory && !(isInMemory(queries) && isInMemory(docs))) {
    const [needed, given] = [bytes, memory].map(n => (n / 1e9).toFixed(1))
    throw new AdapterTrainError(
      'USAGE',
      `the adapter kind "${method}" needs all vectors in memory, ${needed} GB, but may take ${given} GB; give more --memory or train another kind`,
    )
  }
  return { ...data, queries: toMatrix(queries), docs: toMatrix(docs) }
}
