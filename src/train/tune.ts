import { closedForm } from '../adapters/closed-forms/index.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import type { Rows } from '../math/row-source.js'
import { mean, populationStandardDeviation } from '../math/statistics/moments.js'
import { type Candidate, type FixedOptions, trainerOptions } from './candidate.js'
import { createScorer, crossValidate } from './cross-validate.js'
import { fitBudget } from './fit-budget.js'
import { assignFolds, sampleDataset } from './folds.js'
import { RECIPE } from './recipe.js'
import { fitTemperature } from './temperature.js'

export interface TuneOptions {
  readonly fixed?: FixedOptions
  readonly seed: number
  readonly metric: string
  /** Seconds that the search may take; it then tries fewer epochs and queries, and says so. */
  readonly budget: number
  readonly signal?: AbortSignal
  readonly onTried?: (tried: Tried) => void
}

export interface Tried extends Candidate {
  /** Mean out-of-fold metric. */
  readonly score: number
  readonly seconds: number
}

export interface TuneResult {
  readonly chosen: Candidate
  /** The inverse temperature of the chosen candidate. */
  readonly scale: number
  readonly tried: readonly Tried[]
  /** Queries, pairs and documents that the search looked at, and its folds. */
  readonly queries: number
  readonly pairs: number
  readonly documents: number
  readonly folds: number
  /** Out-of-fold metric of every query, for the base and for the chosen candidate. */
  readonly base: Float64Array
  readonly adapted: Float64Array
  /** The same for the candidates that were not chosen: the gate allows for the choice. */
  readonly others: readonly Float64Array[]
  /** What was cut to stay within the budget. */
  readonly cut?: string
  readonly seconds: number
}

/**
 * Chooses negatives, temperature and pull by cross-validation inside the training data, and measures the chosen options' gain
 * out of fold.
 *
 * Starts from the plain candidate, climbs along the grid of pulls, then tries the other pool and the other multiple, each with a
 * climb of its own; a candidate replaces the incumbent only when it is better by more than one paired standard error.
 *
 * @throws TRAIN_DATA when there are fewer than two queries with a relevant document
 * @throws as `createTrainer`
 */
export async function tune(engine: Engine, data: EmbeddedDataset<Rows>, options: TuneOptions): Promise<TuneResult> {
  const started = performance.now()
  const { seed } = options
  checkLabelled(data)
  const closed = closedForm(options.fixed?.kind ?? 'linear')
  // A closed form knows neither negatives nor a temperature: the pull is all there is to choose.
  const fixed: FixedOptions = closed ? { ...options.fixed, negatives: 'positives', scale: 1 } : (options.fixed ?? {})
  const { kind } = trainerOptions({ negatives: 'positives', multiple: 1, pull: 0 }, 1, 1, seed, fixed)
  const tau0 = fixed.scale === undefined ? await fitTemperature(engine, data, seed) : 1
  const first: Candidate = {
    negatives: fixed.negatives ?? RECIPE.negatives[0],
    multiple: fixed.scale === undefined ? RECIPE.multiples[0] : fixed.scale,
    pull: fixed.pull ?? RECIPE.firstPull,
  }
  const largest = sampleDataset(data, { queries: RECIPE.tuneQueries, documents: RECIPE.tuneDocuments, seed })
  const { sample, epochs, cut } = closed
    ? { sample: largest, epochs: undefined, cut: undefined }
    : await fitBudget(engine, largest, first, tau0, { ...options, fixed })
  const n = sample.queries.rows
  const folds = Math.min(RECIPE.folds(n), n)
  const assigned = assignFolds(n, folds, seed)
  const scorer = createScorer(engine, sample, kind, options.metric)
  const everything = Uint32Array.from({ length: n }, (_, i) => i)

  const scores = new Map<string, Float64Array>()
  const tried: Tried[] = []
  async function scoresOf(candidate: Candidate): Promise<Float64Array> {
    const key = JSON.stringify([candidate.negatives, candidate.multiple, candidate.pull])
    const known = scores.get(key)
    if (known) return known
    const from = performance.now()
    const found = await crossValidate(engine, sample, scorer, assigned, queries => ({
      ...trainerOptions(candidate, tau0, queries, seed, { ...fixed, epochs }),
      signal: options.signal,
    }))
    scores.set(key, found)
    const result = { ...candidate, score: mean(found), seconds: (performance.now() - from) / 1000 }
    tried.push(result)
    options.onTried?.(result)
    return found
  }

  /** @param margin standard errors of the paired difference by which the candidate has to win; below 0 it may lose by less */
  async function better(candidate: Candidate, incumbent: Candidate, margin: number): Promise<boolean> {
    const [a, b] = [await scoresOf(candidate), await scoresOf(incumbent)]
    const delta = a.map((value, i) => value - b[i])
    const standardError = populationStandardDeviation(delta) / Math.sqrt(delta.length)
    return mean(delta) > margin * standardError
  }

  /** Walks along the pulls from `start`, down first; `incumbent` is what has to be beaten. */
  async function climb(
    start: Candidate,
    incumbent: Candidate,
    margin: number = RECIPE.standardErrors,
  ): Promise<Candidate> {
    let best = incumbent
    if (start !== incumbent && (await better(start, best, margin))) best = start
    if (fixed.pull !== undefined) return best
    const pulls: readonly number[] = RECIPE.pulls
    const from = pulls.indexOf(start.pull)
    for (const direction of [1, -1]) {
      let moved = false
      for (let i = from + direction; i in pulls; i += direction) {
        const next = { ...start, pull: pulls[i] }
        if (!(await better(next, best, RECIPE.standardErrors))) break
        best = next
        moved = true
      }
      if (moved) break
    }
    return best
  }

  try {
    const base = await scorer.score(everything)
    await scoresOf(first)
    let best = await climb(first, first)
    if (fixed.negatives === undefined && hasMoreDocuments(sample)) {
      for (const negatives of RECIPE.negatives.slice(1)) best = await climb({ ...best, negatives }, best)
    }
    if (fixed.scale === undefined) {
      // The lower temperature bends the embedding less. With no more data than the folds have seen it gets the benefit of the doubt.
      const margin = sample.queries.rows < countLabelled(data) ? RECIPE.standardErrors : -RECIPE.benefitOfDoubt
      for (const multiple of RECIPE.multiples.slice(1)) best = await climb({ ...best, multiple }, best, margin)
    }
    const adapted = await scoresOf(best)
    return {
      chosen: best,
      scale: tau0 * best.multiple,
      tried,
      queries: n,
      pairs: sample.positives.reduce((sum, { size }) => sum + size, 0),
      documents: sample.docs.rows,
      folds,
      base,
      adapted,
      others: [...scores.values()].filter(other => other !== adapted),
      cut,
      seconds: (performance.now() - started) / 1000,
    }
  } finally {
    scorer.free()
  }
}

function checkLabelled(data: EmbeddedDataset<Rows>): void {
  const labelled = countLabelled(data)
  if (labelled >= 2) return
  throw new AdapterTrainError(
    'TRAIN_DATA',
    `whether an adapter helps is found by cross-validation, which needs at least 2 queries with a relevant document; the training set has ${labelled}`,
  )
}

function countLabelled(data: EmbeddedDataset<Rows>): number {
  return data.positives.filter(positives => positives.size > 0).length
}

/** Whether there are documents that are no query's positive. */
function hasMoreDocuments(data: EmbeddedDataset): boolean {
  const asked = new Set<number>()
  for (const positives of data.positives) for (const document of positives.keys()) asked.add(document)
  return asked.size < data.docs.rows
}
