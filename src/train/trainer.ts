import type { ClosedForm } from '../adapters/closed-forms/closed-form.js'
import type { AdapterKind, Weights } from '../adapters/kind.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import { NEGATIVES, type NegativesName } from '../losses/index.js'
import { firstNonFinite } from '../math/matrix.js'
import { createRandom } from '../math/random.js'
import type { Rows } from '../math/row-source.js'
import { mine } from './mine.js'
import { createParams, freeParams, readParams } from './parameters.js'
import { placeVectors } from './place-vectors.js'
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

/** A training run, epoch by epoch. */
export interface Trainer {
  /** Steps of all epochs. */
  readonly steps: number
  /**
   * Visits every example once.
   * @returns the mean loss of the examples, by their weights, each measured before its step
   * @throws TRAIN_DIVERGED when the loss or a weight is not finite
   * @throws ABORTED when the signal was aborted
   */
  epoch(): Promise<{ readonly loss: number; readonly weights: Weights }>
  /** Gives everything on the engine back. */
  free(): void
}

/** Steps between two turns of the event loop. */
const STEPS_PER_TURN = 8

/** Puts a data set on an engine, where it has room, and starts an adapter at the identity map. */
export function createTrainer(engine: Engine, data: EmbeddedDataset<Rows>, o: TrainerOptions): Trainer {
  const source = NEGATIVES[o.negatives].create(data, o)
  const steps = source.steps * o.epochs
  const random = createRandom(o.seed)
  const learningRate = SCHEDULES[o.schedule]
  const vectors = placeVectors(engine, data, o.memory)
  const state = createParams(engine, o.kind, data.queries.cols, { size: o.size, random })
  // A step takes the mean of its batch: this is the sum of all weighted losses plus the pull, over the number of examples.
  const stepOptions = { ...o, l2: (o.pull ?? 0) / source.examples }
  const { step, lossSum, free } = createStep(engine, o.kind, state, vectors, stepOptions)
  let t = 0
  let epochs = 0

  return {
    steps,
    async epoch() {
      epochs++
      if (source.mining?.due(epochs)) {
        await mine(engine, o.kind, await readParams(engine, state), data, source.mining, { signal: o.signal })
      }
      engine.fill(lossSum, 0)
      for (const batch of source.epoch(random)) {
        t++
        step(batch, t, learningRate(t, steps, o.learningRate, o.warmup))
        if (t % STEPS_PER_TURN === 0) await engine.sync()
        if (o.signal?.aborted)
          throw new AdapterTrainError('ABORTED', 'training was stopped', { cause: o.signal.reason })
        o.onStep?.(t, steps)
      }
      const loss = (await engine.read(lossSum))[0] / (source.weight ?? source.examples)
      const weights = await readParams(engine, state)
      // The loss was measured before each step: what the last step did shows in the weights alone.
      const finite = Number.isFinite(loss) && Object.values(weights).every(w => firstNonFinite(w.data) < 0)
      if (!finite) throw diverged(epochs, o.learningRate)
      return { loss, weights }
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
