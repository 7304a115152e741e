import type { Adapter } from '../adapters/adapter.js'
import { labelledRows } from '../embed/embedded-dataset.js'
import { selectEngine } from '../engines/select.js'
import { AdapterTrainError } from '../errors.js'
import type { Difference } from '../evaluate/compare.js'
import { pairedBootstrap } from '../math/statistics/bootstrap.js'
import { holm } from '../math/statistics/holm.js'
import { mean } from '../math/statistics/moments.js'
import { randomizationTest } from '../math/statistics/randomization-test.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { checkTraining, type TrainOptions } from '../train/train-adapter.js'
import { type FixedOptions, trainerOptions } from '../train/tune/candidate.js'
import { type SweepPlan, type SweepResult, type SweepRun, sweep } from '../train/tune/sweep.js'
import type { Choice } from './choose-options.js'
import type { EmbeddedParts } from './embedded-parts.js'
import type { EmbeddedTrainingReport } from './embedded-training-report.js'
import { MEMORY_KIND } from './memory-step.js'
import type { ProofDetail } from './proof-detail.js'
import { trainOnEmbedded } from './train-on-embedded.js'

export interface RunSweepOptions {
  readonly metric?: string
  readonly seed?: number
  readonly engine?: string
  readonly device?: string
  readonly memory?: number
  /** As in training; default true. */
  readonly gate?: boolean
  readonly minGain?: number
  readonly signal?: AbortSignal
  readonly onPlan?: (plan: SweepPlan) => void
  readonly onRun?: (run: SweepRun, number: number) => void
  readonly onPhase?: (phase: 'tune' | 'train' | 'evaluate') => void
  /** Whether to look into the proof query by query, for a report. Default no. */
  readonly detail?: boolean
}

/** One combination of options against the base, out of fold. */
export interface SweepLine {
  readonly options: FixedOptions
  /** Mean of the metric. */
  readonly score: number
  /** To the base, with 95 % interval, p of the randomisation test, and p after Holm's correction for the number of runs. */
  readonly difference: Difference & { readonly holm: number }
  readonly seconds: number
}

export interface SweepReport extends Omit<EmbeddedTrainingReport, 'tune'> {
  readonly sweep: SweepPlan & {
    readonly metric: string
    /** Mean of the metric for the base. */
    readonly base: number
    /** Best first. */
    readonly lines: readonly SweepLine[]
  }
}

/**
 * Cross-validates every combination of options on the same folds of the training part, trains the best on all of it, and lets the
 * gate decide about it, which allows for the choice among so many.
 *
 * @throws USAGE when an option of a combination has no meaning, TRAIN_DATA when there is too little to cross-validate
 * @throws as `selectEngine`, `sweep` and `trainOnEmbedded`
 */
export async function runSweep(
  embedded: EmbeddedParts,
  points: readonly FixedOptions[],
  options: RunSweepOptions = {},
): Promise<{ adapter: Adapter; report: SweepReport; detail?: ProofDetail }> {
  const { metric = TRAIN_DEFAULTS.metric, seed = TRAIN_DEFAULTS.seed, memory, signal } = options
  check(embedded, points)
  const { engine, ...selected } = await selectEngine(options.engine ?? 'auto', { device: options.device })
  try {
    options.onPhase?.('tune')
    const { onPlan, onRun } = options
    const result = await sweep(engine, embedded.train, points, { seed, metric, signal, onPlan, onRun })
    const lines = linesOf(result, seed)
    const best = result.results.find(({ options: own }) => own === lines[0].options)!
    const train: TrainOptions = { ...finalOptions(embedded, best, result.tau0, seed), metric, memory, engine }
    const { adapter, report, detail } = await trainOnEmbedded(embedded, {
      ...{ train, signal, onPhase: options.onPhase, minGain: options.minGain, detail: options.detail },
      choice: choiceOf(embedded, result, best, train, options.gate ?? true),
    })
    const { runs, queries, pairs, documents, folds, seconds, base } = result
    const { tune: _tune, ...facts } = report
    return {
      adapter: {
        ...adapter,
        training: { ...adapter.training, options: { ...adapter.training.options, tune: 'sweep' } },
      },
      report: {
        ...facts,
        engineReason: selected.reason,
        warnings: [...(selected.warning ? [selected.warning] : []), ...report.warnings],
        sweep: { runs, queries, pairs, documents, folds, seconds, metric, base: mean(base), lines },
      },
      detail,
    }
  } finally {
    engine.dispose()
  }
}

function check(embedded: EmbeddedParts, points: readonly FixedOptions[]): void {
  const labelled = labelledRows(embedded.train).length
  if (labelled < 2) {
    throw new AdapterTrainError(
      'TRAIN_DATA',
      `a sweep cross-validates, which needs at least 2 queries with a relevant document; the training set has ${labelled}`,
    )
  }
  for (const point of points) {
    if (point.kind === MEMORY_KIND)
      throw new AdapterTrainError(
        'USAGE',
        `whether ${MEMORY_KIND} pays is found by training it; sweep the kind linear instead`,
      )
    checkTraining(embedded, point)
  }
}

/** Best first; of equals the earlier. */
function linesOf({ results, base }: SweepResult, seed: number): SweepLine[] {
  const lines = results.map(({ options, scores, seconds }) => {
    const delta = scores.map((value, i) => value - base[i])
    const p = randomizationTest(delta, { seed })
    return { options, score: mean(scores), difference: { ...pairedBootstrap(delta, { seed }), p }, seconds }
  })
  const adjusted = holm(lines.map(({ difference }) => difference.p))
  return lines
    .map((line, i) => ({ ...line, difference: { ...line.difference, holm: adjusted[i] } }))
    .sort((a, b) => b.score - a.score)
}

function finalOptions(embedded: EmbeddedParts, best: SweepRun, tau0: number, seed: number): TrainOptions {
  const labelled = labelledRows(embedded.train).length
  const all = trainerOptions(best.candidate, tau0, labelled, seed, best.options)
  const { kind: _kind, closed: _closed, ...options } = all
  return { ...options, kind: best.options.kind, patience: 0, keep: 'last' }
}

function choiceOf(
  embedded: EmbeddedParts,
  { results, base, queries, pairs, documents, folds }: SweepResult,
  best: SweepRun,
  final: TrainOptions,
  gated: boolean,
): Choice {
  const seconds = results.reduce((sum, run) => sum + run.seconds, 0)
  const tuned = {
    ...{ chosen: best.candidate, scale: best.scale, queries, pairs, documents, folds, base, seconds },
    tried: results.map(({ candidate, scores }) => ({ ...candidate, score: mean(scores) })),
    adapted: best.scores,
    others: results.filter(run => run !== best).map(({ scores }) => scores),
  }
  return { tuned, final, train: embedded.train, gated, warnings: [] }
}
