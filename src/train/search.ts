import { closedForm } from '../adapters/closed-forms/index.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import type { Rows } from '../math/row-source.js'
import type { Candidate, FixedOptions } from './candidate.js'
import { type CrossValidation, crossValidate } from './cross-validate.js'
import { fitBudget } from './fit-budget.js'
import { createThreadedFoldRunner, foldThreads } from './fold-threads.js'
import { assignFolds, sampleDataset } from './folds.js'
import { RECIPE } from './recipe.js'
import { fitTemperature } from './temperature.js'

export interface SearchOptions {
  /** Options that the user has set. */
  readonly fixed?: FixedOptions
  readonly seed: number
  readonly metric: string
  /** Seconds that a search may take; it then uses fewer epochs and queries, and says so. */
  readonly budget: number
  readonly signal?: AbortSignal
}

/** Cross-validation inside the training data: one sample, one assignment of folds, and how any candidate does on them. */
export interface Search {
  readonly engine: Engine
  /** What is looked at of the training data. */
  readonly sample: EmbeddedDataset
  /** Whether that is all its queries. */
  readonly whole: boolean
  /** Fold of every query of the sample. */
  readonly folds: Uint32Array
  /** The inverse temperature that fits the unadapted embedding; 1 where the user has set one. */
  readonly tau0: number
  /** Where the search starts. */
  readonly first: Candidate
  readonly fixed: FixedOptions
  readonly seed: number
  readonly metric: string
  /** What was cut to stay within the budget. */
  readonly cut?: string
  readonly signal?: AbortSignal
  /** The metric of every query for the unadapted embedding. */
  base(): Promise<Float64Array>
  /** A candidate's cross-validation, computed once; with other folds than the search's it is not remembered. */
  crossValidate(candidate: Candidate, folds?: Uint32Array): Promise<CrossValidation>
  /** The adapters of a candidate's folds; large ones are not kept and so are trained again. */
  fits(candidate: Candidate): Promise<CrossValidation['fits']>
  free(): Promise<void>
}

/**
 * Prepares a search: fits the temperature, draws the sample, and cuts it where the budget is short.
 * @throws TRAIN_DATA when there are fewer than two queries with a relevant document
 * @throws as `createTrainer`
 */
export async function createSearch(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  options: SearchOptions,
): Promise<Search> {
  const { seed, metric, signal } = options
  const labelled = data.positives.filter(positives => positives.size > 0).length
  checkLabelled(labelled)
  const closed = closedForm(options.fixed?.kind ?? 'linear')
  // A closed form knows neither negatives nor a temperature: the pull is all there is to choose.
  const fixed: FixedOptions = closed ? { ...options.fixed, negatives: 'positives', scale: 1 } : (options.fixed ?? {})
  const tau0 = fixed.scale === undefined ? await fitTemperature(engine, data, seed) : 1
  const first: Candidate = {
    negatives: fixed.negatives ?? RECIPE.negatives[0],
    multiple: fixed.scale === undefined ? RECIPE.multiples[0] : fixed.scale,
    pull: fixed.pull ?? RECIPE.firstPull,
  }
  const largest = sampleDataset(data, { queries: RECIPE.tuneQueries, documents: RECIPE.tuneDocuments, seed })
  const threads = foldThreads(engine, { data: largest })
  const { sample, epochs, cut } = closed
    ? { sample: largest, epochs: fixed.epochs, cut: undefined }
    : await fitBudget(engine, largest, first, tau0, { ...options, fixed, threads })
  const n = sample.queries.rows
  const folds = assignFolds(n, Math.min(RECIPE.folds(n), n), seed)
  const setting = { data: sample, metric, tau0, seed, fixed: plain({ ...fixed, epochs }) }
  const runner = createThreadedFoldRunner(engine, setting, signal)

  const known = new Map<string, Promise<CrossValidation>>()
  let base: Promise<Float64Array> | undefined
  const compute = (candidate: Candidate, assigned: Uint32Array): Promise<CrossValidation> =>
    crossValidate(assigned, rows => runner.run({ candidate, ...rows }))
  const search: Search = {
    ...{ engine, sample, whole: n === labelled, folds, tau0, first, fixed, seed, metric, cut, signal },
    base() {
      base ??= runner.base()
      return base
    },
    crossValidate(candidate, others) {
      if (others) return compute(candidate, others)
      const key = JSON.stringify([candidate.negatives, candidate.multiple, candidate.pull])
      let result = known.get(key)
      if (!result) {
        result = compute(candidate, folds).then(({ scores, fits }) => ({
          scores,
          fits: bytesOf(fits) <= KEPT ? fits : [],
        }))
        // Whoever asks for the candidate hears of its failure, though it was only asked for ahead.
        result.catch(() => {})
        known.set(key, result)
      }
      return result
    },
    async fits(candidate) {
      const { fits } = await search.crossValidate(candidate)
      return fits.length > 0 ? fits : (await compute(candidate, folds)).fits
    },
    free: () => runner.free(),
  }
  return search
}

/** Without callbacks and handles, which cannot be sent to another thread. */
function plain(options: FixedOptions): FixedOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => ['string', 'number'].includes(typeof value)))
}

/** Bytes of a candidate's adapters that are kept. */
const KEPT = 2 ** 23

function bytesOf(fits: CrossValidation['fits']): number {
  return 4 * fits.flatMap(({ weights }) => Object.values(weights)).reduce((sum, { data }) => sum + data.length, 0)
}

function checkLabelled(labelled: number): void {
  if (labelled >= 2) return
  throw new AdapterTrainError(
    'TRAIN_DATA',
    `whether an adapter helps is found by cross-validation, which needs at least 2 queries with a relevant document; the training set has ${labelled} (--tune off trains without)`,
  )
}
