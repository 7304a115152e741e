import { closedForm } from '../../adapters/closed-forms/index.js'
import type { Weights } from '../../adapters/kind.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { labelledRows } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { AdapterTrainError } from '../../errors.js'
import type { Rows } from '../../math/row-source.js'
import { RECIPE } from '../recipe.js'
import type { Candidate, FixedOptions } from './candidate.js'
import { type CrossValidation, crossValidate, type FoldResult, type FoldRows, foldRows } from './cross-validate.js'
import { onSample } from './extra-queries.js'
import { fitBudget } from './fit-budget.js'
import { createThreadedFoldRunner, startFoldThreads } from './fold-threads.js'
import { assignFolds } from './folds.js'
import { sampleDataset } from './sample-dataset.js'
import { fitTemperature } from './temperature.js'

export interface SearchOptions {
  /** Options that the user has set. */
  readonly fixed?: FixedOptions
  readonly seed: number
  readonly metric: string
  /** Seconds that a search may take; it then uses fewer epochs and queries, and says so. */
  readonly budget: number
  /** On the documents of the data: candidates that are trained on these queries too are tried as well. */
  readonly pseudo?: EmbeddedDataset<Rows>
  readonly signal?: AbortSignal
}

/** Cross-validation inside the training data: one sample, one assignment of folds, and how any candidate does on them. */
export interface Search {
  readonly engine: Engine
  /** What is looked at of the training data. */
  readonly sample: EmbeddedDataset
  /** Pseudo-queries on the documents of the sample. */
  readonly pseudo?: EmbeddedDataset
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
  /** Whether folds are computed beside the caller's own work on the engine. */
  readonly threaded: boolean
  /** The metric of every query for the unadapted embedding. */
  base(): Promise<Float64Array>
  /** The rows of every fold. */
  readonly parts: readonly FoldRows[]
  /** One fold of a candidate, computed once: the metric of the queries inside. */
  fold(candidate: Candidate, index: number): Promise<Float64Array>
  /** A candidate's cross-validation; with other folds than the search's it is not remembered. */
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
  const labelled = labelledRows(data).length
  checkLabelled(labelled)
  const closed = closedForm(options.fixed?.kind ?? 'linear')
  // A closed form knows neither negatives nor a temperature: the pull is all there is to choose.
  const fixed: FixedOptions = closed ? { ...options.fixed, negatives: 'positives', scale: 1 } : (options.fixed ?? {})
  const keep = options.pseudo?.positives.flatMap(positives => [...positives.keys()])
  const largest = sampleDataset(data, { queries: RECIPE.tuneQueries, documents: RECIPE.tuneDocuments, seed, keep })
  const pseudo = options.pseudo && onSample(options.pseudo, largest)
  const threads = startFoldThreads(engine, { data: largest, pseudo })
  const { tau0, first, sample, cut, folds, runner } = await prepare().catch(async error => {
    await threads.free()
    throw error
  })
  const n = sample.queries.rows

  const parts = foldRows(folds)
  const known = new Map<string, Promise<FoldResult>>()
  let base: Promise<Float64Array> | undefined

  function foldOf(candidate: Candidate, index: number): Promise<FoldResult> {
    const key = `${index} ${keyOf(candidate)}`
    let result = known.get(key)
    if (!result) {
      result = runner
        .run({ candidate, ...parts[index] })
        .then(({ scores, weights }) => ({ scores, weights: bytesOf(weights) <= KEPT ? weights : {} }))
      // Whoever asks for the fold hears of its failure, though it was only asked for ahead.
      result.catch(() => {})
      known.set(key, result)
    }
    return result
  }

  const search: Search = {
    ...{ engine, sample, pseudo, whole: n === labelled, folds, parts, tau0, first, fixed, seed, metric, cut, signal },
    threaded: threads.workers.length > 0,
    base() {
      base ??= runner.base()
      return base
    },
    fold: async (candidate, index) => (await foldOf(candidate, index)).scores,
    crossValidate: (candidate, others) =>
      others
        ? crossValidate(others, rows => runner.run({ candidate, ...rows }))
        : crossValidate(folds, (_, index) => foldOf(candidate, index)),
    async fits(candidate) {
      const { fits } = await search.crossValidate(candidate)
      const kept = fits.every(({ weights }) => Object.keys(weights).length > 0)
      return kept ? fits : (await crossValidate(folds, rows => runner.run({ candidate, ...rows }))).fits
    },
    free: () => runner.free(),
  }
  return search

  async function prepare() {
    const tau0 = fixed.scale === undefined ? await fitTemperature(engine, data, seed) : 1
    const first: Candidate = {
      negatives: fixed.negatives ?? RECIPE.negatives[0],
      multiple: fixed.scale === undefined ? RECIPE.multiples[0] : fixed.scale,
      pull: fixed.pull ?? RECIPE.firstPull,
    }
    const count = Math.max(1, threads.workers.length)
    const { sample, epochs, cut } = closed
      ? { sample: largest, epochs: fixed.epochs, cut: undefined }
      : await fitBudget(engine, largest, first, tau0, { ...options, fixed, threads: count, pseudo })
    const queries = sample.queries.rows
    const folds = assignFolds(queries, Math.min(RECIPE.folds(queries), queries), seed)
    const setting = { data: sample, pseudo, metric, tau0, seed, fixed: plain({ ...fixed, epochs }) }
    const runner = createThreadedFoldRunner(engine, setting, signal, threads)
    return { tau0, first, sample, cut, folds, runner }
  }
}

/** Without callbacks and handles, which cannot be sent to another thread. */
function plain(options: FixedOptions): FixedOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => ['string', 'number'].includes(typeof value)))
}

/** Equal for equal candidates. */
export function keyOf(candidate: Candidate): string {
  return JSON.stringify(Object.entries(candidate).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Bytes of a fold's adapter up to which it is kept. */
const KEPT = 2 ** 21

function bytesOf(weights: Weights): number {
  return Object.values(weights).reduce((sum, { data }) => sum + data.byteLength, 0)
}

function checkLabelled(labelled: number): void {
  if (labelled >= 2) return
  throw new AdapterTrainError(
    'TRAIN_DATA',
    `whether an adapter helps is found by cross-validation, which needs at least 2 queries with a relevant document; the training set has ${labelled} (--tune off trains without)`,
  )
}
