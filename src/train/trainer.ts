import { throwIfAborted } from '../abort.js'
import type { ClosedForm } from '../adapters/closed-forms/closed-form.js'
import { closedForm } from '../adapters/closed-forms/index.js'
import { trainedKind } from '../adapters/index.js'
import type { Weights } from '../adapters/kind.js'
import { type EmbeddedDataset, labelledRows } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { product } from '../engines/product.js'
import { AdapterTrainError, usageError } from '../errors.js'
import { NEGATIVES } from '../losses/index.js'
import { firstNonFinite, matrix, normalizedRows, row, takeRows } from '../math/matrix.js'
import { createRandom, type RandomState, restoreRandom } from '../math/random.js'
import { isInMemory, type Rows, toMatrix } from '../math/row-source.js'
import { MEMORY_DEFAULT } from '../memory-limit.js'
import { type MinedState, mine, recordMining } from './mining.js'
import { placeVectors } from './on-engine.js'
import { type HyperParameters, TRAIN_DEFAULTS, withDefaults } from './options.js'
import { createParams, freeParams, outputsOf, readParams, type SavedParams } from './parameters.js'
import { SCHEDULES } from './schedule.js'
import { createStep } from './step.js'

/** Everything besides the data that determines the result of a training run. */
export interface TrainerOptions extends HyperParameters {
  /**
   * Bytes that queries and documents may take on the engine; larger ones stay where they are, and every step brings the rows of
   * its batch. The result is the same. Default: `MEMORY_DEFAULT`.
   */
  readonly memory?: number
  readonly signal?: AbortSignal
  /** Called after each step. `step`: from 1. `steps`: of all epochs. */
  readonly onStep?: (step: number, steps: number) => void
}

export interface EpochOutcome {
  /** Mean loss of the examples, by their weights, each measured before its step. */
  readonly loss: number
  readonly weights: Weights
  /** Learning rate of the last step; absent for a closed form. */
  readonly learningRate?: number
}

/** Result of an epoch. */
export interface EpochResult extends Omit<EpochOutcome, 'weights'> {
  /** Number of the epoch, from 1. */
  readonly epoch: number
  /** Metric on the validation split after the epoch. */
  readonly metric?: number
  readonly seconds: number
}

/** State of a training run between two epochs: all the next one depends on. */
export interface TrainerState extends SavedParams {
  readonly epochs: number
  readonly steps: number
  readonly random: RandomState
  readonly mined?: MinedState
}

/** A training run, epoch by epoch. */
export interface Trainer {
  readonly epochs: number
  epoch(): Promise<EpochOutcome>
  /** Returns the state between two epochs; absent for a closed form, which has one epoch. */
  save?(): Promise<TrainerState>
  free(): void
}

/** Steps between two turns of the event loop. */
const STEPS_PER_TURN = 8

/**
 * Starts an adapter at the identity map, with the dataset on the engine if there is room. A closed form is fitted in one epoch.
 * @param saved state of a trainer with the same data and options, from which training resumes with the same results
 */
export function createTrainer(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  options: TrainerOptions,
  saved?: TrainerState,
): Trainer {
  const form = closedForm(options.kind ?? TRAIN_DEFAULTS.kind)
  if (!form) return createSteppedTrainer(engine, data, options, saved)
  const held = inMemory(data, form.name, options.memory)
  return {
    epochs: 1,
    async epoch() {
      const outcome = await fitClosedForm(engine, held, form, options)
      options.onStep?.(1, 1)
      return outcome
    },
    free: () => {},
  }
}

export async function trainWeights(engine: Engine, data: EmbeddedDataset<Rows>, options: TrainerOptions): Promise<Weights> {
  const trainer = createTrainer(engine, data, options)
  try {
    let weights: Weights = {}
    for (let epoch = 0; epoch < trainer.epochs; epoch++) weights = (await trainer.epoch()).weights
    return weights
  } finally {
    trainer.free()
  }
}

function createSteppedTrainer(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  options: TrainerOptions,
  saved: TrainerState | undefined,
): Trainer {
  const o = { ...options, ...withDefaults(options) }
  const kind = trainedKind(o.kind)
  const source = NEGATIVES[o.negatives].create(data, o)
  const steps = source.steps * o.epochs
  const random = saved ? restoreRandom(saved.random) : createRandom(o.seed)
  const learningRate = SCHEDULES[o.schedule]
  const vectors = placeVectors(engine, data, o.memory)
  const state = createParams(engine, kind, data.queries.cols, {
    // The size of a kind on top of a linear map is not that of the map.
    size: kind.name === o.kind ? o.size : undefined,
    outputs: outputsOf(data),
    random,
    saved,
  })
  // A step takes the mean of its batch: this is the sum of all weighted losses plus the pull, over the number of examples.
  const stepOptions = { ...o, l2: o.pull / source.examples }
  const { step, lossSum, free } = createStep(engine, kind, state, vectors, stepOptions)
  let t = saved?.steps ?? 0
  let done = saved?.epochs ?? 0
  const { mining, mined } = recordMining(source.mining, saved?.mined)

  return {
    epochs: o.epochs,
    async epoch() {
      done++
      if (mining?.due(done)) await mine(engine, kind, await readParams(engine, state), data, mining, { signal: o.signal })
      engine.fill(lossSum, 0)
      let rate = 0
      for (const batch of source.epoch(random)) {
        t++
        rate = learningRate(t, steps, o.learningRate, o.warmup)
        step(batch, t, rate)
        if (t % STEPS_PER_TURN === 0) await engine.sync()
        throwIfAborted(o.signal, 'training was stopped')
        o.onStep?.(t, steps)
      }
      const loss = (await engine.read(lossSum))[0] / (source.weight ?? source.examples)
      const weights = await readParams(engine, state)
      // The loss was measured before each step: what the last step did shows in the weights alone.
      const finite = Number.isFinite(loss) && Object.values(weights).every(w => firstNonFinite(w.data) < 0)
      if (!finite) {
        throw new AdapterTrainError(
          'TRAIN_DIVERGED',
          `the loss is not finite in epoch ${done}: training diverged; lower --learning-rate (${o.learningRate}) or --scale`,
        )
      }
      return { loss, weights, learningRate: rate }
    },
    async save() {
      const params = await readParams(engine, state)
      const moments = { m: await readParams(engine, state, 'm'), v: await readParams(engine, state, 'v') }
      return { epochs: done, steps: t, random: random.save(), params, ...moments, mined: mined() }
    },
    free() {
      free()
      freeParams(engine, state)
      vectors.free()
    },
  }
}

/**
 * Fits a closed form; the loss is the mean of |W q - t|^2 after the fit.
 *
 * Only directions matter: queries and documents have unit length here, and a query's target is the mean of its positives, weighted
 * by their grades.
 */
export async function fitClosedForm(
  engine: Engine,
  data: EmbeddedDataset,
  form: ClosedForm,
  { pull = form.defaultPull, signal }: { readonly pull?: number; readonly signal?: AbortSignal },
): Promise<{ loss: number; weights: Weights }> {
  throwIfAborted(signal, 'training was stopped')
  const { Q, T, weight } = regressionPairs(data)
  const W = await form.fit(engine, Q, T, pull)
  const Z = await product(engine, Q, W, { transposeB: true })
  const loss = Z.data.reduce((sum, z, k) => sum + (z - T.data[k]) ** 2, 0) / weight
  throwIfAborted(signal, 'training was stopped')
  if (!Number.isFinite(loss) || firstNonFinite(W.data) >= 0) {
    throw new AdapterTrainError('TRAIN_DIVERGED', `the weights of ${form.name} are not finite; give a larger --pull (${pull})`)
  }
  return { loss, weights: { W, b: matrix(1, W.rows) } }
}

/** Brings all vectors into memory, where a closed form needs them. */
function inMemory(data: EmbeddedDataset<Rows>, method: string, memory = MEMORY_DEFAULT): EmbeddedDataset {
  const { queries, docs } = data
  const bytes = 4 * (queries.rows * queries.cols + docs.rows * docs.cols)
  if (bytes > memory && !(isInMemory(queries) && isInMemory(docs))) {
    const [needed, given] = [bytes, memory].map(n => (n / 1e9).toFixed(1))
    throw usageError(
      `the adapter kind "${method}" needs all vectors in memory, ${needed} GB, but may take ${given} GB; give more --memory or train another kind`,
    )
  }
  return { ...data, queries: toMatrix(queries), docs: toMatrix(docs) }
}

/** Selects the queries with a positive, [n, d], and their targets, [n, d]. */
function regressionPairs({ queries, docs, positives, weights }: EmbeddedDataset) {
  const rows = labelledRows({ positives })
  const units = normalizedRows(docs)
  const T = matrix(rows.length, docs.cols)
  rows.forEach((query, i) => {
    const target = row(T, i)
    let total = 0
    for (const grade of positives[query].values()) total += grade
    for (const [doc, grade] of positives[query]) {
      const d = row(units, doc)
      for (let j = 0; j < d.length; j++) target[j] += (grade / total) * d[j]
    }
  })
  const Q = normalizedRows(takeRows(queries, rows))
  if (!weights) return { Q, T, weight: rows.length }
  // w |W q - t|^2 is |W q' - t'|^2 for q and t times the root of w.
  rows.forEach((query, i) => {
    const root = Math.sqrt(weights[query])
    for (const m of [Q, T]) for (let j = 0; j < m.cols; j++) m.data[i * m.cols + j] *= root
  })
  return { Q, T, weight: rows.reduce((sum, query) => sum + weights[query], 0) }
}
