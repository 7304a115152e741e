import { closedForm } from '../../adapters/closed-forms/index.js'
import { countPairs, type EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import type { Rows } from '../../math/row-source.js'
import { type FixedOptions, TRAIN_DEFAULTS, TRAINING_OPTIONS, withRecipe } from '../options.js'
import { RECIPE } from '../recipe.js'
import { epochSeconds, speedUp } from './fit-budget.js'
import { crossValidate } from './fold-runner.js'
import { createThreadedFoldRunner, foldThreads } from './fold-threads.js'
import { assignFolds } from './folds.js'
import { sampleDataset } from './sample.js'
import { fitScale } from './scale.js'
import { resolve, type SearchPoint } from './search-point.js'
import type { SampleSize } from './tune.js'

export interface SweepOptions {
  readonly seed: number
  readonly metric: string
  readonly signal?: AbortSignal
  /** Called before the first run. */
  readonly onPlan?: (plan: SweepPlan) => void
  readonly onRun?: (run: SweepRun, number: number) => void
}

/** Size of a sweep. */
export interface SweepPlan extends SampleSize {
  readonly runs: number
  /** Estimated duration, by the speed of the first run trained by steps; absent if there is none. */
  readonly seconds?: number
}

/** One combination of options in cross-validation. */
export interface SweepRun {
  readonly options: FixedOptions
  readonly point: SearchPoint
  readonly scale: number
  /** Out-of-fold metric of every query. */
  readonly scores: Float64Array
  readonly seconds: number
}

export type SweepResult = Awaited<ReturnType<typeof sweep>>

/** Cross-validates combinations of options, all on the same queries, documents and folds. */
export async function sweep(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  points: readonly FixedOptions[],
  { seed, metric, signal, onPlan, onRun }: SweepOptions,
) {
  const sample = sampleDataset(data, { queries: RECIPE.tuneQueries, documents: RECIPE.tuneDocuments, seed })
  const n = sample.queries.rows
  const folds = assignFolds(n, Math.min(RECIPE.folds(n), n), seed)
  const foldCount = new Set(folds).size
  const needsScale = points.some(options => options.scale === undefined && !closedFormOf(options))
  const fittedScale = needsScale ? await fitScale(engine, data, seed) : 1
  const plan: SweepPlan = {
    runs: points.length,
    queries: n,
    pairs: countPairs(sample),
    documents: sample.docs.rows,
    folds: foldCount,
    seconds: await estimate(),
  }
  onPlan?.(plan)

  const results: SweepRun[] = []
  const runner = createThreadedFoldRunner(engine, { data: sample, metric, fittedScale, seed, fixed: {} }, signal)
  try {
    const base = await runner.base()
    for (const [i, fixed] of points.entries()) {
      const started = performance.now()
      const point = startOf(fixed)
      const { scores } = await crossValidate(folds, rows => runner.run({ point, fixed, ...rows }))
      const scale = fixed.scale ?? fittedScale * point.multiple
      results.push({ options: fixed, point, scale, scores, seconds: (performance.now() - started) / 1000 })
      onRun?.(results[i], i + 1)
    }
    return { ...plan, results, base, fittedScale }
  } finally {
    await runner.free()
  }

  async function estimate(): Promise<number | undefined> {
    const stepped = points
      .filter(options => !closedFormOf(options))
      .map(options => resolve(options, startOf(options), n, { fittedScale, seed }))
    if (stepped.length === 0) return undefined
    const epoch = await epochSeconds(engine, sample, { ...stepped[0], signal })
    const epochs = stepped.reduce((sum, options) => sum + options.epochs, 0)
    return (epoch * epochs * (foldCount - 1)) / speedUp(foldThreads(engine, { data: sample }))
  }
}

const closedFormOf = ({ kind = TRAIN_DEFAULTS.kind }: FixedOptions) => closedForm(kind)

/** Returns where the search would start with these options given. */
function startOf(options: FixedOptions): SearchPoint {
  const { negatives, pull } = withRecipe({ ...options, pull: options.pull ?? closedFormOf(options)?.defaultPull }, 0)
  return { negatives, pull, multiple: TRAINING_OPTIONS.scale.recipe.first }
}
