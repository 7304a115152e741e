import type { ClosedForm } from '../adapters/closed-forms/closed-form.js'
import type { AdapterKind, Weights } from '../adapters/kind.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import { NEGATIVES, type NegativesName } from '../losses/index.js'
import { firstNonFinite } from '../math/matrix.js'
import { createRandom, type RandomState, restoreRandom } from '../math/random.js'
import type { Rows } from '../math/row-source.js'
import { throwIfAborted } from '../throw-if-aborted.js'
import { mine } from './mine.js'
import { createParams, freeParams, readParams, type SavedParams } from './parameters.js'
import { placeVectors } from './place-vectors.js'
import { recordMining } from './record-mining.js'
import { SCHEDULES, type ScheduleName } from './schedule.js'
import { createStep } from './step.js'

/** Everything that decides what a training run gives, beside its data. */
export interface TrainerOptions {
  readonly kind: AdapterKind
  /** Fits by this closed form instead of by steps. */
  readonly closed?: ClosedForm
  /** The kind's own size, such as the rank. */
  readonly size?: number
  readonly negatives: NegativesName
  readonly maxNegatives?: number
  readonly hardNegatives?: number
  readonly hardMargin?: number
  readonly mineEvery?: number
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
  readonly schedule: ScheduleName
  readonly warmup: number
  readonly scale: number
  readonly weightDecay: number
  /** Strength of the pull to the identity map in the sum of all queries' losses: the objective has (pull / 2) |W - I|^2 in it. */
  readonly pull?: number
  readonly maxGradNorm: number
  readonly seed: number
  /**
   * Bytes that queries and documents may take on the engine; larger ones stay where they are, and every step brings the rows of
   * its batch. The result is the same. Default: `MEMORY_DEFAULT`.
   */
  readonly memory?: number
  readonly signal?: AbortSignal
  readonly onStep?: (step: number, steps: number) => void
}

/** What an epoch has come to. */
export interface EpochOutcome {
  /** Mean loss of the examples, by their weights, each measured before its step. */
  readonly loss: number
  readonly weights: Weights
  /** Of the last step; absent where there are no steps. */
  readonly learningRate?: number
}

/** A training run between two epochs: all that the next one depends on. */
export interface TrainerState extends SavedParams {
  /** Epochs and steps that are done. */
  readonly epochs: number
  readonly steps: number
  readonly random: RandomState
  /** Mined documents of each query, one list after the other. */
  readonly mined?: { readonly queries: Uint32Array; readonly counts: Uint32Array; readonly documents: Uint32Array }
}

/** A training run, epoch by epoch. */
export interface Trainer {
  /** Steps of all epochs. */
  readonly steps: number
  /**
   * Visits every example once.
   * @throws TRAIN_DIVERGED when the loss or a weight is not finite
   * @throws ABORTED when the signal was aborted
   */
  epoch(): Promise<EpochOutcome>
  /** The run as it stands between two epochs; absent where there is only one. */
  save?(): Promise<TrainerState>
  /** Gives everything on the engine back. */
  free(): void
}

/** Steps between two turns of the event loop. */
const STEPS_PER_TURN = 8

/**
 * Puts a data set on an engine, where it has room, and starts an adapter at the identity map.
 * @param saved of a trainer with the same data and options: goes on from there, with the same results
 */
export function createTrainer(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  o: TrainerOptions,
  saved?: TrainerState,
): Trainer {
  const source = NEGATIVES[o.negatives].create(data, o)
  const steps = source.steps * o.epochs
  const random = saved ? restoreRandom(saved.random) : createRandom(o.seed)
  const learningRate = SCHEDULES[o.schedule]
  const vectors = placeVectors(engine, data, o.memory)
  const state = createParams(engine, o.kind, data.queries.cols, {
    ...{ size: o.size, outputs: data.docs.cols, random, saved },
  })
  // A step takes the mean of its batch: this is the sum of all weighted losses plus the pull, over the number of examples.
  const stepOptions = { ...o, l2: (o.pull ?? 0) / source.examples }
  const { step, lossSum, free } = createStep(engine, o.kind, state, vectors, stepOptions)
  let t = saved?.steps ?? 0
  let epochs = saved?.epochs ?? 0
  const { mining, mined } = recordMining(source.mining, saved?.mined)

  return {
    steps,
    async epoch() {
      epochs++
      if (mining?.due(epochs)) {
        await mine(engine, o.kind, await readParams(engine, state), data, mining, { signal: o.signal })
      }
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
      if (!finite) throw diverged(epochs, o.learningRate)
      return { loss, weights, learningRate: rate }
    },
    async save() {
      const [params, m, v] = [
        await readParams(engine, state),
        await readParams(engine, state, 'm'),
        await readParams(engine, state, 'v'),
      ]
      return { epochs, steps: t, random: random.save(), params, m, v, mined: mined() }
    },
    free() {
      free()
      freeParams(engine, state)
      vectors.free()
    },
  }
}

function diverged(epoch: number, learningRate: number): AdapterTrainError {
  return new AdapterTrainError(
    'TRAIN_DIVERGED',
    `the loss is not finite in epoch ${epoch}: training diverged; lower --learning-rate (${learningRate}) or --scale`,
  )
}
