import type { Engine } from '../engines/engine.js'
import { withEngine } from '../engines/index.js'
import { isAdapterTrainError } from '../errors.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { checkTraining, trainAdapter } from '../train/train-adapter.js'
import { chooseOptions } from './choose-options.js'
import { weighParts } from './compose-weights.js'
import { TUNE_DEFAULT } from './defaults.js'
import type { EmbeddedParts } from './embedded-parts.js'
import { judgeAdapter } from './judge-adapter.js'
import { resultsOf } from './result.js'
import { keepingTopScore, withTopScore } from './top-score.js'
import type { Trained, TrainingRun } from './training.js'

/**
 * Chooses options, trains, gates and measures the result on embedded parts. The out-of-fold gain for the gate is measured by
 * cross-validation inside the training set, with the options the adapter is trained with. The test set decides nothing.
 */
export async function trainOnEmbedded(embedded: EmbeddedParts, options: TrainingRun = {}): Promise<Trained> {
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

async function trainOnce(embedded: EmbeddedParts, run: TrainingRun): Promise<Trained> {
  const options = keepingTopScore(run)
  const { train: given = {}, tune = TUNE_DEFAULT, outOfFold, log } = options
  return withEngine(given, async ({ engine, reason, warning }) => {
    options.onEngine?.(`engine ${engine.name}${engine.description ? ` (${engine.description})` : ''}: ${reason}`)
    checkTraining({ train: embedded.train, validation: embedded.validation }, given)
    const tuneStarted = performance.now()
    options.onPhase?.('tune')
    resume(engine, options)
    const parts = await weighParts(engine, embedded, options)
    const searched = parts?.searched ?? embedded
    const choice = await chooseOptions(engine, searched, options)
    const warnings = [...(warning ? [warning] : []), ...choice.warnings]
    const trainStarted = performance.now()
    options.onPhase?.('train')
    const { signal, checkpoint, keepOnAbort } = options
    // With the recipe the pull takes the place of early stopping: a validation set is for the report and the gate.
    const result = await trainAdapter(
      { train: choice.train, validation: searched.validation },
      {
        ...choice.final,
        engine,
        signal,
        checkpoint,
        keepOnAbort,
        onEpoch(epoch, epochs) {
          log?.write('epoch', epoch)
          given.onEpoch?.(epoch, epochs)
        },
      },
    )
    const trained = parts ? { ...result, weights: parts.fold(result.weights) } : result
    const evaluateStarted = performance.now()
    const seconds = { tune: secondsFrom(tuneStarted, trainStarted), train: secondsFrom(trainStarted, evaluateStarted) }
    const results = resultsOf(embedded, trained, choice, { given, tune, reason, seconds, warnings, outOfFold })
    if (trained.interrupted) return results.interrupted(parts?.report)
    options.onPhase?.('evaluate')
    const gated = await judgeAdapter(engine, embedded, trained, { ...choice, parts }, options)
    const judged = await withTopScore(engine, embedded, gated, options)
    warnings.push(...judged.warnings)
    return results.finished(judged, secondsFrom(evaluateStarted, performance.now()))
  })
}

/** Checks that a checkpoint was made on this engine, and reports its progress. */
function resume({ name, description }: Engine, { checkpoint, log, onResume }: TrainingRun): void {
  log?.write('engine', { engine: name, description })
  checkpoint?.require('engine', { engine: name })
  const { training, choice } = checkpoint?.state ?? {}
  if (training === undefined && choice === undefined) return
  const epochs = training?.epochs.length ?? 0
  log?.write('resume', { epochs })
  onResume?.(`resuming from ${checkpoint?.path} after ${epochs === 0 ? 'the choice of options' : `epoch ${epochs}`}`)
}

const secondsFrom = (start: number, end: number): number => Math.round(end - start) / 1000
