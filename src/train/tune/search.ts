import { closedForm } from '../../adapters/closed-forms/index.js'
import type { Weights } from '../../adapters/kind.js'
import { type EmbeddedDataset, labelledRows } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { AdapterTrainError } from '../../errors.js'
import { getOrInsert } from '../../maps.js'
import type { Rows } from '../../math/row-source.js'
import { type FixedOptions, pickOptions, TRAIN_DEFAULTS, withRecipe } from '../options.js'
import { RECIPE } from '../recipe.js'
import { type FitBudgetOptions, fitBudget } from './fit-budget.js'
import { type CrossValidation, crossValidate, type FoldResult, foldRows } from './fold-runner.js'
import { createThreadedFoldRunner, startFoldThreads } from './fold-threads.js'
import { assignFolds } from './folds.js'
import { onSample, sampleDataset } from './sample.js'
import { fitScale } from './scale.js'
import type { SearchPoint } from './search-point.js'

export interface SearchOptions extends Omit<FitBudgetOptions, 'threads' | 'pseudo'> {
  readonly metric: string
  /** Queries on the documents of the data; points trained on these too are tried as well. */
  readonly pseudo?: EmbeddedDataset<Rows>
}

/** Cross-validation inside the training data: one sample and one assignment of folds for all points. */
export type Search = Awaited<ReturnType<typeof createSearch>>

/** Prepares a search: fits the scale, draws the sample, and cuts it if the budget is short. */
export async function createSearch(engine: Engine, data: EmbeddedDataset<Rows>, options: SearchOptions) {
  const { seed, metric, signal, budget, reserved = 0 } = options
  const started = performance.now()
  const labelled = labelledRows(data).length
  if (labelled < 2) {
    throw new AdapterTrainError(
      'TRAIN_DATA',
      `training split: cross-validation needs at least 2 queries with a relevant document, found ${labelled}. Add some, or train without cross-validation (--tune off)`,
    )
  }
  const closed = closedForm(options.fixed?.kind ?? TRAIN_DEFAULTS.kind)
  // A closed form has neither negatives nor a scale: there is only the pull to select.
  const fixed: FixedOptions = closed ? { ...options.fixed, negatives: 'positives', scale: 1 } : (options.fixed ?? {})
  const keep = options.pseudo?.positives.flatMap(positives => [...positives.keys()])
  const largest = sampleDataset(data, { queries: RECIPE.tuneQueries, documents: RECIPE.tuneDocuments, seed, keep })
  const pseudo = options.pseudo && onSample(options.pseudo, largest)
  const threads = startFoldThreads(engine, { data: largest, pseudo })
  const { fittedScale, first, sample, cut, wholeGrid, folds, runner } = await prepare().catch(async error => {
    await threads.free()
    throw error
  })

  const parts = foldRows(folds)
  const searching = performance.now()
  let foldsDone = 0
  /** End of the search, whose pace counts from then on. */
  let searched: number | undefined
  const known = new Map<string, Promise<FoldResult>>()
  let base: Promise<Float64Array> | undefined

  function foldOf(point: SearchPoint, index: number): Promise<FoldResult> {
    return getOrInsert(known, `${index} ${keyOf(point)}`, () => {
      const result = runner.run({ point, ...parts[index] }).then(({ scores, weights }) => {
        foldsDone++
        return { scores, weights: bytesOf(weights) <= KEPT ? weights : {} }
      })
      // A failure reaches those who use the fold, which may have been started ahead.
      result.catch(() => {})
      return result
    })
  }

  const crossValidated = (point: SearchPoint) => crossValidate(folds, (_, index) => foldOf(point, index))
  const crossValidatedAnew = (point: SearchPoint, others: Uint32Array) =>
    crossValidate(others, rows => runner.run({ point, ...rows }))
  return {
    engine,
    fixed,
    seed,
    metric,
    signal,
    budget,
    /** Sample of the training data. */
    sample,
    /** Pseudo-queries on the documents of the sample. */
    pseudo,
    /** True if the sample has all labelled queries. */
    whole: sample.queries.rows === labelled,
    /** Fold of every query of the sample. */
    folds,
    /** Rows of every fold. */
    parts,
    /** Scale that fits the unadapted embedding; 1 if the user has set one. */
    fittedScale,
    /** Start of the search. */
    first,
    /** Message about what was cut to stay within the budget. */
    cut,
    /** True if the best point of the whole grid is to be searched. */
    wholeGrid,
    /** True if folds are computed beside the caller's own work on the engine. */
    threaded: threads.workers.length > 0,
    base: () => {
      base ??= runner.base()
      return base
    },
    /** Returns the metric of the queries inside one fold; computed once. */
    fold: async (point: SearchPoint, index: number) => (await foldOf(point, index)).scores,
    /** Cross-validates a point; with other folds than the search's it is not remembered. */
    crossValidate: (point: SearchPoint, others?: Uint32Array): Promise<CrossValidation> =>
      others ? crossValidatedAnew(point, others) : crossValidated(point),
    /** Returns the adapters of a point's folds; large ones are not kept and therefore trained again. */
    async fits(point: SearchPoint): Promise<CrossValidation['fits']> {
      const { fits } = await crossValidated(point)
      const kept = fits.every(({ weights }) => Object.keys(weights).length > 0)
      return kept ? fits : (await crossValidatedAnew(point, folds)).fits
    },
    /** True if the budget has room for so many more points, at the pace of those so far. */
    hasTime(points: number, seconds?: number): boolean {
      const now = performance.now()
      searched ??= seconds === undefined ? undefined : now
      const perPoint = foldsDone === 0 ? 0 : (((searched ?? now) - searching) / foldsDone) * parts.length
      const room = seconds === undefined ? budget * (1 - reserved) : budget * (1 - RECIPE.judgingShare) - seconds
      return now - started + points * perPoint <= 1000 * room
    },
    free: (): Promise<void> => runner.free(),
  }

  async function prepare() {
    const fittedScale = fixed.scale === undefined ? await fitScale(engine, data, seed) : 1
    const { negatives, scale: multiple, pull } = withRecipe(fixed, labelled)
    const first: SearchPoint = { negatives, multiple, pull }
    const count = Math.max(1, threads.workers.length)
    const { sample, epochs, cut, wholeGrid } = closed
      ? { sample: largest, epochs: fixed.epochs, cut: undefined, wholeGrid: false }
      : await fitBudget(engine, largest, first, fittedScale, { ...options, fixed, threads: count, pseudo })
    const queries = sample.queries.rows
    const folds = assignFolds(queries, Math.min(RECIPE.folds(queries), queries), seed)
    const setting = { data: sample, pseudo, metric, fittedScale, seed, fixed: pickOptions({ ...fixed, epochs }) }
    const runner = createThreadedFoldRunner(engine, setting, signal, threads)
    return { fittedScale, first, sample, cut, wholeGrid, folds, runner }
  }
}

/** Returns a key, equal for equal points. */
export function keyOf(point: SearchPoint): string {
  return JSON.stringify(Object.entries(point).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Bytes of a fold's adapter up to which it is kept. */
const KEPT = 2 ** 21

const bytesOf = (weights: Weights): number => Object.values(weights).reduce((sum, { data }) => sum + data.byteLength, 0)
