import type { Adapter } from '../adapters/adapter.js'
import { labelledRows } from '../embed/embedded-dataset.js'
import { withEngine } from '../engines/index.js'
import { AdapterTrainError, usageError } from '../errors.js'
import type { Difference } from '../evaluate/compare.js'
import { pairedBootstrap } from '../math/statistics/bootstrap.js'
import { holm, mean } from '../math/statistics/moments.js'
import { randomizationTest } from '../math/statistics/randomization-test.js'
import { type FixedOptions, TRAIN_DEFAULTS } from '../train/options.js'
import { checkTraining, type TrainOptions } from '../train/train-adapter.js'
import { resolve } from '../train/tune/search-point.js'
import { type SweepPlan, type SweepResult, type SweepRun, sweep } from '../train/tune/sweep.js'
import type { TuneResult } from '../train/tune/tune.js'
import type { EmbeddedParts, EmbedSession } from './embedded-parts.js'
import { MEMORY_KIND } from './memory-step.js'
import type { OpenedData } from './open-data.js'
import { trainOnEmbedded } from './train-on-embedded.js'
import type { EmbeddedTrainingReport, Trained, TrainingOptions } from './training.js'

/** Options of a sweep; those of training mean the same, but the gate is on by default. */
export interface SweepRunOptions
  extends Pick<TrainingOptions, 'gate' | 'minGain' | 'incumbent' | 'replace' | 'detail' | 'signal' | 'onPhase'>,
    Pick<TrainOptions, 'metric' | 'seed' | 'device' | 'memory'> {
  readonly engine?: string
  /** Called before the first run. */
  readonly onPlan?: (plan: SweepPlan) => void
  /** Called after each run. `number`: from 1. */
  readonly onRun?: (run: SweepRun, number: number) => void
}

/** Data, means of embedding, combinations and options of a sweep. */
export interface RunSweepOptions extends SweepRunOptions, EmbedSession {
  readonly data: OpenedData
  /** Combinations of options to try, at least one; the recipe sets the others. */
  readonly points: readonly FixedOptions[]
  readonly memory?: number
  readonly signal?: AbortSignal
}

/** Out-of-fold figures of one combination of options. */
export interface SweepLine {
  readonly options: FixedOptions
  /** Mean of the metric. */
  readonly score: number
  /** To the base, with 95% CI, p-value, and p after Holm's correction for the number of runs. */
  readonly difference: Difference & { readonly holm: number }
  readonly seconds: number
}

/** Report on the best combination, and on all in `sweep`. */
export interface SweepReport extends Omit<EmbeddedTrainingReport, 'tune'> {
  readonly sweep: SweepPlan & {
    readonly metric: string
    /** Mean of the metric for the base. */
    readonly base: number
    /** Best first. */
    readonly lines: readonly SweepLine[]
  }
}

/** The adapter of the best combination, and the report on all. */
export interface SweepOutcome extends Pick<Trained, 'adapter' | 'rejected' | 'detail'> {
  readonly report: SweepReport
}

/**
 * Embeds data, cross-validates every combination of options on the same folds of the training set, trains the best on all of it,
 * and gates the result, corrected for the choice among so many. Writes nothing but the cache.
 * @throws USAGE if an option of a combination is wrong, TRAIN_DATA with fewer than 2 queries with a relevant document
 * @throws as `OpenedData.embed`, `selectEngine` and `trainAdapter`
 */
export async function runSweep({ data, points, ...options }: RunSweepOptions): Promise<SweepOutcome> {
  const parts = await data.embed(options)
  try {
    return await sweepParts(parts, points, options)
  } finally {
    parts.close?.()
  }
}

/** Sweeps as `runSweep`, on embedded parts. */
export async function sweepParts(
  embedded: EmbeddedParts,
  points: readonly FixedOptions[],
  options: SweepRunOptions = {},
): Promise<SweepOutcome> {
  const { metric = TRAIN_DEFAULTS.metric, seed = TRAIN_DEFAULTS.seed, memory, signal } = options
  check(embedded, points)
  return withEngine(options, async ({ engine, reason, warning }) => {
    options.onPhase?.('tune')
    const { onPlan, onRun } = options
    const result = await sweep(engine, embedded.train, points, { seed, metric, signal, onPlan, onRun })
    const lines = linesOf(result, seed)
    const best = result.results.find(({ options: own }) => own === lines[0].options)!
    const { fittedScale } = result
    const labelled = labelledRows(embedded.train).length
    const resolved = resolve(best.options, best.point, labelled, { fittedScale, seed })
    const train: TrainOptions = { ...resolved, metric, memory, engine }
    const { incumbent, replace, minGain, onPhase } = options
    const { adapter, rejected, report, detail } = await trainOnEmbedded(embedded, {
      train,
      signal,
      onPhase,
      minGain,
      incumbent,
      replace,
      detail: options.detail,
      choice: { tuned: tunedOf(result, best), final: train, train: embedded.train, gated: options.gate ?? true, warnings: [] },
    })
    const { runs, queries, pairs, documents, folds, seconds, base } = result
    const { tune: _tune, ...facts } = report
    const swept = ({ training, ...rest }: Adapter): Adapter => ({
      ...rest,
      training: { ...training, options: { ...training.options, tune: 'sweep' } },
    })
    return {
      adapter: swept(adapter),
      rejected: rejected && swept(rejected),
      report: {
        ...facts,
        engineReason: reason,
        warnings: [...(warning ? [warning] : []), ...report.warnings],
        sweep: { runs, queries, pairs, documents, folds, seconds, metric, base: mean(base), lines },
      },
      detail,
    }
  })
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
      throw usageError(`whether ${MEMORY_KIND} pays is found by training it; sweep the kind linear instead`)
    checkTraining(embedded, point)
  }
}

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

/** The best run, as the result of a search among all. */
function tunedOf({ results, base, queries, pairs, documents, folds }: SweepResult, best: SweepRun): TuneResult {
  const seconds = results.reduce((sum, run) => sum + run.seconds, 0)
  return {
    chosen: best.point,
    scale: best.scale,
    queries,
    pairs,
    documents,
    folds,
    base,
    seconds,
    tried: results.map(({ point, scores }) => ({ ...point, score: mean(scores) })),
    adapted: best.scores,
    others: results.filter(run => run !== best).map(({ scores }) => scores),
  }
}
