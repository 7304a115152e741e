import type { Adapter } from '../adapters/adapter.js'
import { adapterKind } from '../adapters/index.js'
import type { Engine } from '../engines/engine.js'
import { selectEngine } from '../engines/select.js'
import { isAdapterTrainError } from '../errors.js'
import type { Scores } from '../evaluate/evaluator.js'
import { isNormalized } from '../math/is-normalized.js'
import type { Checkpoint } from '../train/checkpoint.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { type GateResult, gate } from '../train/gate.js'
import { identityWeights } from '../train/parameters.js'
import { checkTraining, type EpochResult, type TrainOptions, trainAdapter } from '../train/train-adapter.js'
import type { ClusterSplit } from '../train/tune/cluster-split.js'
import type { Tried } from '../train/tune/tune.js'
import { VERSION } from '../version.js'
import { chooseOnce } from './choose-once.js'
import type { Choice } from './choose-options.js'
import { TUNE_DEFAULT } from './defaults.js'
import type { EmbeddedParts, PartCounts, PartName } from './embedded-parts.js'
import { type Interruption, interruptedRun } from './interrupted-run.js'
import { addMemory, type MemoryReport } from './memory-step.js'
import { type Proof, prove, subjectOf } from './proof.js'
import { type ProofDetail, proofDetail, rankDetail } from './proof-detail.js'
import type { KFoldReport, OutOfFold } from './train-in-folds.js'
import type { TrainingLog } from './training-log.js'
import { warningsFor } from './training-warnings.js'
import { foldCounts, recordedOptions, type TuneReport, tuneReport } from './tune-report.js'

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

export interface EmbeddedTrainingReport {
  readonly kind: string
  readonly base: { readonly id: string; readonly dimensions: number }
  readonly data: { readonly [part in PartName]?: PartCounts & { readonly folds?: number } }
  /**
   * Measured on `split`: out of fold where folds were asked for, else on the test set, else on the validation set; absent where
   * there is none of them.
   */
  readonly metrics?: {
    readonly base: Scores
    readonly adapted: Scores
    readonly split: 'k-fold' | 'test' | 'validation'
  }
  readonly kFold?: KFoldReport
  /** The adapter on the test set, where `metrics` are out of fold. */
  readonly test?: Omit<Proof, 'scored'>
  readonly difference?: Proof['difference']
  readonly wins?: number
  readonly ties?: number
  readonly losses?: number
  readonly seen?: Proof['seen']
  readonly unseen?: Proof['unseen']
  readonly largest?: Proof['largest']
  readonly whole?: Proof['whole']
  /** Absent where no cross-validation was asked for. */
  readonly gate?: GateResult
  /** The gain on clusters of queries that were held out whole; absent where the gate closed or there are too few queries. */
  readonly shift?: ClusterSplit
  readonly tune?: TuneReport
  /** With the kind `linear-memory`. */
  readonly memory?: MemoryReport
  /** With the kind `linear`: what `linear-memory` would add to the out-of-fold metric, where that is more than noise. */
  readonly memoryHint?: number
  /** Where training was aborted and the adapter kept as it stood: nothing was measured. */
  readonly interrupted?: Interruption
  readonly epochs: readonly EpochResult[]
  readonly bestEpoch: number
  readonly engine: string
  readonly engineDescription?: string
  readonly engineReason: string
  readonly seconds: { readonly tune: number; readonly train: number; readonly evaluate: number }
  readonly warnings: readonly string[]
}

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
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = given
  const asked = typeof given.engine === 'object' ? undefined : (given.engine ?? TRAIN_DEFAULTS.engine)
  const selected = asked === undefined ? undefined : await selectEngine(asked, { device: given.device })
  const engine = selected?.engine ?? (given.engine as Exclude<TrainOptions['engine'], string | undefined>)
  const reason = selected?.reason ?? 'given'
  options.onEngine?.(`engine ${engine.name}${engine.description ? ` (${engine.description})` : ''}: ${reason}`)
  const warnings: string[] = selected?.warning ? [selected.warning] : []
  try {
    checkTraining({ train: embedded.train, validation: embedded.validation }, given)
    const times = [performance.now()]
    options.onPhase?.('tune')
    resume(engine, options)
    const choice = await chooseOnce(engine, embedded, options)
    warnings.push(...choice.warnings)
    times.push(performance.now())

    options.onPhase?.('train')
    const { tuned, final, gated } = choice
    // With the recipe the pull takes the place of early stopping: a validation set is reported and asked by the gate.
    const trained = await trainAdapter(
      { train: choice.train, validation: embedded.validation },
      {
        ...final,
        ...{ engine, signal: options.signal, checkpoint: options.checkpoint, keepOnAbort: options.keepOnAbort },
        onEpoch(result, epochs) {
          options.log?.write('epoch', result)
          given.onEpoch?.(result, epochs)
        },
      },
    )
    times.push(performance.now())
    if (trained.interrupted) {
      const tookSeconds = { tune: seconds(times[0], times[1]), train: seconds(times[1], times[2]), evaluate: 0 }
      return interruptedRun(embedded, trained, choice, { given, reason, warnings, seconds: tookSeconds })
    }

    options.onPhase?.('evaluate')
    const { train } = embedded
    const dimensions = train.queries.cols
    const base = {
      id: embedded.baseId,
      dimensions,
      normalized: isNormalized(train.queries) && isNormalized(train.docs),
    }
    const plain: Adapter = { kind: trained.kind, base, params: trained.weights, training: NO_FACTS }
    const memory = choice.memory?.choice && (await addMemory(engine, train, plain, choice.memory.choice, given))
    const untold = memory?.adapter ?? plain
    const proofOn = async (part: PartName, adapter: Adapter): Promise<Proof | undefined> =>
      embedded[part] && prove(engine, subjectOf(embedded, part), adapter, { seed, metric, signal: options.signal })
    const onValidation = await proofOn('validation', untold)
    const decision =
      tuned &&
      gate(tuned, pairedScores(onValidation, metric), { metric, minGain: options.minGain, enabled: gated, seed })
    const shipped: Adapter = decision?.kept === false ? identityAdapter(base, train.docs.cols) : untold
    const { outOfFold } = options
    const heldOut = embedded.test ? 'test' : 'validation'
    const proof = shipped === untold && heldOut === 'validation' ? onValidation : await proofOn(heldOut, shipped)
    const [split, shown] = outOfFold ? (['k-fold', outOfFold.proof] as const) : ([heldOut, proof] as const)
    const metrics = shown && { ...shown.metrics, split }
    const detailOf = ({ scored }: Proof) =>
      outOfFold
        ? rankDetail(scored, embedded.texts('train'), metric)
        : proofDetail(engine, subjectOf(embedded, heldOut), shipped, scored, { seed, metric, signal: options.signal })
    const detail = options.detail && shown ? await detailOf(shown) : undefined
    times.push(performance.now())

    warnings.push(...warningsFor(embedded, decision, trained.bestEpoch, { proof, outOfFold: outOfFold?.proof }, metric))
    const report: EmbeddedTrainingReport = {
      kind: given.kind ?? TRAIN_DEFAULTS.kind,
      base: { id: base.id, dimensions },
      data: { train: embedded.counts.train, ...(tuned && { validation: foldCounts(tuned) }), ...embedded.counts },
      ...(shown && { ...proofFacts(shown), metrics }),
      kFold: outOfFold?.report,
      test: outOfFold && embedded.test && proof && { ...proofFacts(proof), queries: proof.queries },
      gate: decision,
      shift: choice.shift,
      memory: memory?.report,
      memoryHint: choice.memory?.hint,
      tune: tuned && tuneReport(tuned, embedded.pseudo?.queries.rows),
      epochs: trained.epochs,
      bestEpoch: trained.bestEpoch,
      engine: engine.name,
      engineDescription: engine.description,
      engineReason: reason,
      seconds: {
        tune: seconds(times[0], times[1]),
        train: seconds(times[1], times[2]),
        evaluate: seconds(times[2], times[3]),
      },
      warnings,
    }
    const adapter: Adapter = {
      ...shipped,
      training: {
        tool: `adapter-train ${VERSION}`,
        date: new Date().toISOString(),
        data: { sha256: embedded.sha256, ...embedded.counts },
        options: {
          ...recordedOptions(final, given.kind),
          ...(tuned && embedded.pseudo && { pseudoQueries: tuned.chosen.pseudo ? embedded.pseudo.queries.rows : 0 }),
          tune: options.tune ?? TUNE_DEFAULT,
          engine: engine.name,
          bestEpoch: trained.bestEpoch,
          epochsRun: trained.epochs.length,
          ...(outOfFold && { kFold: outOfFold.report.folds, splitBy: outOfFold.report.by }),
        },
        metrics: metrics ?? {},
        ...(decision && { gate: decision }),
      },
    }
    return { adapter, report, proof, detail }
  } finally {
    if (selected) engine.dispose()
  }
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

const NO_FACTS: Adapter['training'] = { tool: '', date: '', data: {}, options: {}, metrics: {} }

function identityAdapter(base: Adapter['base'], outputs: number): Adapter {
  const kind = adapterKind('linear')
  const params = identityWeights(kind, base.dimensions, undefined, outputs)
  return { kind: kind.name, base, params, training: NO_FACTS }
}

function pairedScores(proof: Proof | undefined, metric: string) {
  if (!proof) return undefined
  const { base, adapted } = proof.scored
  return { base: base.perQuery[metric], adapted: adapted.perQuery[metric] }
}

function proofFacts({ metrics, difference, wins, ties, losses, seen, unseen, largest, whole }: Proof) {
  return { metrics, difference, wins, ties, losses, seen, unseen, largest, whole }
}

function seconds(from: number, to: number): number {
  return Math.round(to - from) / 1000
}
