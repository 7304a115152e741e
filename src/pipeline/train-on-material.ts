import type { Adapter } from '../adapters/adapter.js'
import { closedForm } from '../adapters/closed-forms/index.js'
import { adapterKind } from '../adapters/index.js'
import { selectEngine } from '../engines/select.js'
import { isAdapterTrainError } from '../errors.js'
import type { Scores } from '../evaluate/evaluator.js'
import { type FixedOptions, trainerOptions } from '../train/candidate.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { type GateResult, gate } from '../train/gate.js'
import { identityWeights } from '../train/parameters.js'
import { checkTraining, type EpochResult, type TrainOptions, trainAdapter } from '../train/train-adapter.js'
import { type TuneResult, tune } from '../train/tune.js'
import { VERSION } from '../version.js'
import { isNormalized } from './is-normalized.js'
import type { Material, PartCounts, PartName } from './material.js'
import { type Proof, prove } from './proof.js'
import { TUNE_BUDGET } from './split-defaults.js'
import { warningsFor } from './training-warnings.js'

export interface TrainOnMaterialOptions {
  /** Options that the user has set; the others are the recipe's, or with `tune: 'off'` those of `TRAIN_DEFAULTS`. */
  readonly train?: TrainOptions
  /** Whether cross-validation chooses what is not set. Default `off`. */
  readonly tune?: 'auto' | 'off'
  /** Seconds that this may take. Default {@link TUNE_BUDGET}. */
  readonly tuneBudget?: number
  /**
   * Whether an adapter that is not proven is replaced by the identity. By default with `tune: 'auto'` only; with `tune: 'off'` and no
   * gate there is no cross-validation at all.
   */
  readonly gate?: boolean
  /** The least mean out-of-fold gain of the metric. Default 0. */
  readonly minGain?: number
  readonly signal?: AbortSignal
  readonly onPhase?: (phase: TrainingPhase) => void
  readonly onEngine?: (line: string) => void
  readonly onTried?: (line: string) => void
}

export type TrainingPhase = 'tune' | 'train' | 'evaluate'

/** What the search for options found. */
export interface TuneReport {
  readonly negatives: string
  /** Inverse temperature. */
  readonly temperature: number
  /** Strength of the pull to the identity. */
  readonly c: number
  readonly tried: readonly {
    readonly negatives: string
    readonly temperature: number
    readonly c: number
    readonly score: number
  }[]
  /** Queries, documents and folds of the cross-validation. */
  readonly queries: number
  readonly documents: number
  readonly folds: number
  readonly cut?: string
  readonly seconds: number
}

export interface MaterialReport {
  readonly kind: string
  readonly base: { readonly id: string; readonly dimensions: number }
  readonly data: { readonly [part in PartName]?: PartCounts & { readonly folds?: number } }
  /** Measured on `split`, which is the validation set only where there is no test set; absent where there is neither. */
  readonly metrics?: { readonly base: Scores; readonly adapted: Scores; readonly split: 'test' | 'validation' }
  readonly difference?: Proof['difference']
  readonly wins?: number
  readonly ties?: number
  readonly losses?: number
  readonly seen?: Proof['seen']
  readonly unseen?: Proof['unseen']
  readonly largest?: Proof['largest']
  /** Absent where no cross-validation was asked for. */
  readonly gate?: GateResult
  readonly tune?: TuneReport
  readonly epochs: readonly EpochResult[]
  readonly bestEpoch: number
  readonly engine: string
  readonly engineDescription?: string
  readonly engineReason: string
  readonly seconds: { readonly tune: number; readonly train: number; readonly evaluate: number }
  readonly warnings: readonly string[]
}

/**
 * Chooses options, trains, passes the gate and proves the result, on embedded data.
 *
 * The out-of-fold gain that the gate asks for is measured by cross-validation inside the training part, with the options that the
 * adapter is trained with. The test part decides nothing.
 *
 * @throws as `tune` and `trainAdapter`
 */
export async function trainOnMaterial(
  material: Material,
  options: TrainOnMaterialOptions = {},
): Promise<{ adapter: Adapter; report: MaterialReport }> {
  try {
    return await trainOnce(material, options)
  } catch (error) {
    const automatic = (options.train?.engine ?? TRAIN_DEFAULTS.engine) === 'auto'
    const failed = isAdapterTrainError(error, 'ENGINE_MEMORY') || isAdapterTrainError(error, 'ENGINE_UNAVAILABLE')
    if (!automatic || !failed) throw error
    const onCpu = { ...options, train: { ...options.train, engine: 'cpu', device: undefined } }
    const { adapter, report } = await trainOnce(material, onCpu)
    const warning = `the engine that was chosen failed (${error.message}); everything was done on the CPU instead`
    return { adapter, report: { ...report, warnings: [warning, ...report.warnings] } }
  }
}

async function trainOnce(
  material: Material,
  options: TrainOnMaterialOptions,
): Promise<{ adapter: Adapter; report: MaterialReport }> {
  const given = options.train ?? {}
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = given
  const asked = typeof given.engine === 'object' ? undefined : (given.engine ?? TRAIN_DEFAULTS.engine)
  const selected = asked === undefined ? undefined : await selectEngine(asked, { device: given.device })
  const engine = selected?.engine ?? (given.engine as Exclude<TrainOptions['engine'], string | undefined>)
  const reason = selected?.reason ?? 'given'
  options.onEngine?.(`engine ${engine.name}${engine.description ? ` (${engine.description})` : ''}: ${reason}`)
  const warnings: string[] = selected?.warning ? [selected.warning] : []
  try {
    checkTraining({ train: material.train, validation: material.validation }, given)
    const times = [performance.now()]
    options.onPhase?.('tune')
    const auto = options.tune === 'auto'
    const gated = options.gate ?? auto
    const fixed: FixedOptions = auto
      ? given
      : { ...TRAIN_DEFAULTS, pull: closedForm(given.kind ?? '')?.defaultPull ?? 0, ...definedOf(given) }
    const tuned = !(auto || gated)
      ? undefined
      : await tune(engine, material.train, {
          fixed,
          seed,
          metric,
          budget: options.tuneBudget ?? TUNE_BUDGET,
          signal: options.signal,
          onTried: t =>
            options.onTried?.(
              `tried ${t.negatives}, temperature x ${t.multiple}, c ${t.pull}: out-of-fold ${metric} ${t.score.toFixed(4)}`,
            ),
        })
    if (tuned?.cut) warnings.push(tuned.cut)
    times.push(performance.now())

    options.onPhase?.('train')
    const final: TrainOptions = tuned && auto ? chosenOptions(material, tuned, given) : given
    // With the recipe the pull takes the place of early stopping: a validation set is reported and asked by the gate.
    const trained = await trainAdapter(
      { train: material.train, validation: material.validation },
      { ...final, engine, signal: options.signal },
    )
    times.push(performance.now())

    options.onPhase?.('evaluate')
    const { train } = material
    const dimensions = train.queries.cols
    const base = {
      id: material.baseId,
      dimensions,
      normalized: isNormalized(train.queries) && isNormalized(train.docs),
    }
    const untold: Adapter = { kind: trained.kind, base, params: trained.weights, training: NO_FACTS }
    const proofOn = async (part: PartName, adapter: Adapter): Promise<Proof | undefined> =>
      material[part] && prove(engine, material, part, adapter, { seed, metric, signal: options.signal })
    const onValidation = await proofOn('validation', untold)
    const decision =
      tuned &&
      gate(tuned, pairedScores(onValidation, metric), { metric, minGain: options.minGain, enabled: gated, seed })
    const shipped: Adapter = decision?.kept === false ? identityAdapter(base) : untold
    const split = material.test ? 'test' : 'validation'
    const proof = shipped === untold && split === 'validation' ? onValidation : await proofOn(split, shipped)
    times.push(performance.now())

    warnings.push(...warningsFor(material, decision, trained.bestEpoch, proof, metric))
    const report: MaterialReport = {
      kind: given.kind ?? TRAIN_DEFAULTS.kind,
      base: { id: base.id, dimensions },
      data: { train: material.counts.train, ...(tuned && { validation: foldCounts(tuned) }), ...material.counts },
      ...(proof ? { metrics: { ...proof.metrics, split }, ...proofFacts(proof) } : {}),
      gate: decision,
      tune: tuned && tuneReport(tuned),
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
        data: { sha256: material.sha256, ...material.counts },
        options: {
          ...recordedOptions(final, given.kind),
          tune: auto ? 'auto' : 'off',
          engine: engine.name,
          bestEpoch: trained.bestEpoch,
          epochsRun: trained.epochs.length,
        },
        metrics: proof ? { ...proof.metrics, split } : {},
        ...(decision && { gate: decision }),
      },
    }
    return { adapter, report }
  } finally {
    if (selected) engine.dispose()
  }
}

const NO_FACTS: Adapter['training'] = { tool: '', date: '', data: {}, options: {}, metrics: {} }

/** The training options of the chosen candidate, for all training queries. */
function chosenOptions(material: Material, tuned: TuneResult, given: TrainOptions): TrainOptions {
  const queries = material.train.positives.filter(positives => positives.size > 0).length
  const seed = given.seed ?? TRAIN_DEFAULTS.seed
  const {
    kind: _kind,
    closed: _closed,
    ...options
  } = trainerOptions(tuned.chosen, tuned.scale / tuned.chosen.multiple, queries, seed, given)
  return { ...given, ...options, kind: given.kind, patience: 0, keep: 'last' }
}

function identityAdapter(base: Adapter['base']): Adapter {
  const kind = adapterKind('linear')
  return { kind: kind.name, base, params: identityWeights(kind, base.dimensions), training: NO_FACTS }
}

function pairedScores(proof: Proof | undefined, metric: string) {
  if (!proof) return undefined
  const { base, adapted } = proof.evaluations
  return { base: base.perQuery[metric], adapted: adapted.perQuery[metric] }
}

function proofFacts({ difference, wins, ties, losses, seen, unseen, largest }: Proof) {
  return { difference, wins, ties, losses, seen, unseen, largest }
}

/** What stood in for a validation set: the queries of the cross-validation. */
function foldCounts({ queries, pairs, documents, folds }: TuneResult): PartCounts & { readonly folds: number } {
  return { queries, pairs, documents, folds }
}

function tuneReport({ chosen, scale, tried, queries, documents, folds, cut, seconds: taken }: TuneResult): TuneReport {
  const tau0 = scale / chosen.multiple
  return {
    negatives: chosen.negatives,
    temperature: scale,
    c: chosen.pull,
    tried: tried.map(({ negatives, multiple, pull, score }) => ({
      negatives,
      temperature: tau0 * multiple,
      c: pull,
      score,
    })),
    queries,
    documents,
    folds,
    cut,
    seconds: Math.round(taken * 1000) / 1000,
  }
}

/** Every training option with the value it had; callbacks and handles left out. */
function recordedOptions(final: TrainOptions, kind: string | undefined): Record<string, string | number> {
  const all: Record<string, unknown> = { ...TRAIN_DEFAULTS, ...definedOf(final), kind: kind ?? TRAIN_DEFAULTS.kind }
  const names = [...Object.keys(TRAIN_DEFAULTS), 'size', 'maxNegatives']
  return Object.fromEntries(
    names.filter(name => all[name] !== undefined).map(name => [name, all[name] as string | number]),
  )
}

function definedOf<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}

function seconds(from: number, to: number): number {
  return Math.round(to - from) / 1000
}
