import type { Adapter } from '../adapters/adapter.js'
import type { Engine } from '../engines/engine.js'
import { selectEngine } from '../engines/select.js'
import { isAdapterTrainError } from '../errors.js'
import type { Checkpoint } from '../train/checkpoint.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { checkTraining, type TrainOptions, type TrainResult, trainAdapter } from '../train/train-adapter.js'
import type { Tried } from '../train/tune/tune.js'
import { chooseOnce } from './choose-once.js'
import type { Choice } from './choose-options.js'
import { TUNE_DEFAULT } from './defaults.js'
import type { EmbeddedParts } from './embedded-parts.js'
import type { EmbeddedTrainingReport } from './embedded-training-report.js'
import { finishedRun } from './finished-run.js'
import { interruptedRun } from './interrupted-run.js'
import { judgeAdapter } from './judge-adapter.js'
import type { Proof } from './proof.js'
import type { ProofDetail } from './proof-detail.js'
import type { OutOfFold } from './train-in-folds.js'
import type { TrainingLog } from './training-log.js'

export interface TrainOnEmbeddedOptions {
  /** Options that the user has set; the others are the recipe's, or with `tune: 'off'` those of `TRAIN_DEFAULTS`. */
  readonly train?: TrainOptions
  /** Whether cross-validation chooses what is not set. Default `auto`. */
  readonly tune?: 'auto' | 'off'
  /** Seconds that this may take. Default `TUNE_BUDGET`. */
  readonly tuneBudget?: number
  /**
   * Whether an adapter that is not proven is replaced by the identity. By default with `tune: 'auto'` only; with `tune: 'off'` and no
   * gate there is no cross-validation at all.
   */
  readonly gate?: boolean
  /** The least mean out-of-fold gain of the metric. Default 0. */
  readonly minGain?: number
  readonly signal?: AbortSignal
  /** Whether an abort in training, after its first epoch, gives the adapter as it stands, marked, instead of an error. Default no. */
  readonly keepOnAbort?: boolean
  /** Called when a phase begins. */
  readonly onPhase?: (phase: TrainingPhase) => void
  /** Called once, with the engine and why it was chosen. */
  readonly onEngine?: (line: string) => void
  /** Called for each candidate of the search, with a line that describes it. */
  readonly onTried?: (line: string, tried: Tried) => void
  /** Made already: nothing is chosen, and the gate judges by its out-of-fold scores. */
  readonly choice?: Choice
  /** Where the run is saved after the choice of options and after every epoch; what it holds is gone on with. */
  readonly checkpoint?: Checkpoint
  /** Called when the run goes on with what a checkpoint holds. */
  readonly onResume?: (line: string) => void
  readonly log?: TrainingLog
  /** Figures of k-fold cross-validation, which take the place of those on a held-out set; see `trainInFolds`. */
  readonly outOfFold?: OutOfFold
  /** Whether to look into the proof query by query, for a report. Default no. */
  readonly detail?: boolean
}

/** What a run is busy with. */
export type TrainingPhase = 'tune' | 'train' | 'evaluate'

export interface TrainedOnEmbedded {
  readonly adapter: Adapter
  readonly report: EmbeddedTrainingReport
  /** Of the adapter on the test set, or where there is none on the validation set. */
  readonly proof?: Proof
  /** Of what `report.metrics` are, where it was asked for and something was measured. */
  readonly detail?: ProofDetail
}

/**
 * Chooses options, trains, passes the gate and proves the result, on embedded data.
 *
 * The out-of-fold gain that the gate asks for is measured by cross-validation inside the training part, with the options that the
 * adapter is trained with. The test part decides nothing.
 *
 * @throws as `tune` and `trainAdapter`
 */
export async function trainOnEmbedded(
  embedded: EmbeddedParts,
  options: TrainOnEmbeddedOptions = {},
): Promise<TrainedOnEmbedded> {
  try {
    return await trainOnce(embedded, options)
  } catch (error) {
    const automatic = (options.train?.engine ?? TRAIN_DEFAULTS.engine) === 'auto'
    const failed = isAdapterTrainError(error, 'ENGINE_MEMORY') || isAdapterTrainError(error, 'ENGINE_UNAVAILABLE')
    if (!automatic || !failed) throw error
    options.checkpoint?.restart('engine')
    const onCpu = { ...options, train: { ...options.train, engine: 'cpu', device: undefined } }
    const { report, ...result } = await trainOnce(embedded, onCpu)
    const warning = `the engine that was chosen failed (${error.message}); everything was done on the CPU instead`
    return { ...result, report: { ...report, warnings: [warning, ...report.warnings] } }
  }
}

async function trainOnce(embedded: EmbeddedParts, options: TrainOnEmbeddedOptions): Promise<TrainedOnEmbedded> {
  const given = options.train ?? {}
  const { engine, reason, warning, dispose } = await engineFor(given)
  options.onEngine?.(`engine ${engine.name}${engine.description ? ` (${engine.description})` : ''}: ${reason}`)
  try {
    checkTraining({ train: embedded.train, validation: embedded.validation }, given)
    const tuneStarted = performance.now()
    options.onPhase?.('tune')
    resume(engine, options)
    const choice = await chooseOnce(engine, embedded, options)
    const warnings = [...(warning ? [warning] : []), ...choice.warnings]
    const trainStarted = performance.now()
    options.onPhase?.('train')
    const trained = await trainChosen(engine, embedded, choice, options)
    const evaluateStarted = performance.now()
    const facts = { given, tune: options.tune ?? TUNE_DEFAULT, reason, warnings, outOfFold: options.outOfFold }
    const seconds = { tune: secondsFrom(tuneStarted, trainStarted), train: secondsFrom(trainStarted, evaluateStarted) }
    if (trained.interrupted) {
      return interruptedRun(embedded, trained, choice, { ...facts, seconds: { ...seconds, evaluate: 0 } })
    }
    options.onPhase?.('evaluate')
    const judged = await judgeAdapter(engine, embedded, trained, choice, options)
    warnings.push(...judged.warnings)
    const evaluate = secondsFrom(evaluateStarted, performance.now())
    return finishedRun(embedded, trained, choice, judged, { ...facts, seconds: { ...seconds, evaluate } })
  } finally {
    dispose()
  }
}

/** The engine that was given, which is the giver's to dispose of, or one that is chosen here. */
async function engineFor({ engine = TRAIN_DEFAULTS.engine, device }: TrainOptions) {
  if (typeof engine === 'object') return { engine, reason: 'given', warning: undefined, dispose: () => {} }
  const selected = await selectEngine(engine, { device })
  return { ...selected, dispose: () => selected.engine.dispose() }
}

function trainChosen(
  engine: Engine,
  { validation }: EmbeddedParts,
  { train, final }: Choice,
  { train: given, signal, checkpoint, keepOnAbort, log }: TrainOnEmbeddedOptions,
): Promise<TrainResult> {
  // With the recipe the pull takes the place of early stopping: a validation set is reported and asked by the gate.
  return trainAdapter(
    { train, validation },
    {
      ...final,
      ...{ engine, signal, checkpoint, keepOnAbort },
      onEpoch(result, epochs) {
        log?.write('epoch', result)
        given?.onEpoch?.(result, epochs)
      },
    },
  )
}

/** Checks that a checkpoint was made on this engine, and says how far it is. */
function resume({ name, description }: Engine, { checkpoint, log, onResume }: TrainOnEmbeddedOptions): void {
  log?.write('engine', { engine: name, description })
  checkpoint?.require('engine', { engine: name })
  const { training, choice } = checkpoint?.state ?? {}
  if (training === undefined && choice === undefined) return
  const epochs = training?.epochs.length ?? 0
  log?.write('resume', { epochs })
  onResume?.(`going on with ${checkpoint?.path} after ${epochs === 0 ? 'the choice of options' : `epoch ${epochs}`}`)
}

function secondsFrom(start: number, end: number): number {
  return Math.round(end - start) / 1000
}
