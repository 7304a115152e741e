import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { countPairs } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import type { Rows } from '../../math/row-source.js'
import { mean, populationStandardDeviation } from '../../math/statistics/moments.js'
import { RECIPE } from '../recipe.js'
import type { Candidate } from './candidate.js'
import { createSearch, keyOf, type Search, type SearchOptions } from './search.js'

export interface TuneOptions extends SearchOptions {
  readonly onTried?: (tried: Tried) => void
}

/** A candidate of the search, and its out-of-fold score. */
export interface Tried extends Candidate {
  /** Mean out-of-fold metric; for a candidate that was given up, as far as it was computed. */
  readonly score: number
  /** Given up after so many folds, because it was clearly behind. */
  readonly stoppedAfter?: number
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
 * {@link choose} on a search of its own.
 * @throws as `createSearch`
 */
export async function tune(engine: Engine, data: EmbeddedDataset<Rows>, options: TuneOptions): Promise<TuneResult> {
  const started = performance.now()
  const search = await createSearch(engine, data, options)
  try {
    const chosen = await choose(search, options.onTried)
    return { ...chosen, seconds: (performance.now() - started) / 1000 }
  } finally {
    await search.free()
  }
}

/**
 * Chooses negatives, temperature and pull by cross-validation inside the training data, and measures the chosen options' gain
 * out of fold.
 *
 * Starts from the plain candidate, climbs along the grid of pulls, then tries pseudo-queries where there are some, and where these do
 * not win the other pool and the other multiple, each with a climb of its own; a candidate replaces the incumbent only when it is
 * better by more than one paired standard error (`RECIPE` has the exceptions). A candidate that is clearly behind on the first fold is
 * given up.
 */
export async function choose(search: Search, onTried?: (tried: Tried) => void): Promise<TuneResult> {
  const started = performance.now()
  const { sample, fixed, first, folds, parts } = search
  const pulls: readonly number[] = RECIPE.pulls
  const scores = new Map<string, Float64Array>()
  const tried: Tried[] = []

  function remember(candidate: Candidate, values: Float64Array, stoppedAfter?: number): Float64Array {
    scores.set(keyOf(candidate), values)
    const result = { ...candidate, score: mean(values), ...(stoppedAfter && { stoppedAfter }) }
    tried.push(result)
    onTried?.(result)
    return values
  }

  async function scoresOf(candidate: Candidate): Promise<Float64Array> {
    const known = scores.get(keyOf(candidate))
    return known ?? remember(candidate, (await search.crossValidate(candidate)).scores)
  }

  /** @param margin standard errors of the paired difference by which the candidate has to win; below 0 it may lose by less */
  async function better(candidate: Candidate, incumbent: Candidate, margin: number): Promise<boolean> {
    const b = await scoresOf(incumbent)
    if (!scores.has(keyOf(candidate)) && parts[0].inside.length >= RECIPE.raceQueries) {
      const first = await search.fold(candidate, 0)
      const delta = first.map((value, i) => value - b[parts[0].inside[i]])
      if (mean(delta) <= (Math.min(0, margin) - RECIPE.raceMargin) * standardError(delta)) {
        // What was not computed is taken to be as the incumbent: the gate has to know of every candidate that had a chance.
        const values = b.slice()
        parts[0].inside.forEach((query, i) => {
          values[query] = first[i]
        })
        remember(candidate, values, 1)
        return false
      }
    }
    const a = await scoresOf(candidate)
    const delta = a.map((value, i) => value - b[i])
    return mean(delta) > margin * standardError(delta)
  }

  /** Walks along the pulls from `start`, down first; `incumbent` is what has to be beaten. */
  async function climb(
    start: Candidate,
    incumbent: Candidate,
    margin: number = RECIPE.standardErrors,
    leastPull = 0,
  ): Promise<Candidate> {
    const from = pulls.indexOf(start.pull)
    const at = (i: number): Candidate => ({ ...start, pull: pulls[i] })
    const free = fixed.pull === undefined
    // The start and its first neighbour are looked at in any case, so that both are under way at once.
    if (start === incumbent) void search.crossValidate(start)
    else void search.fold(start, 0)
    if (free && pulls[from + 1] >= leastPull) void search.fold(at(from + 1), 0)
    let best = incumbent
    if (start !== incumbent && (await better(start, best, margin))) best = start
    if (!free) return best
    for (const direction of [1, -1]) {
      let moved = false
      for (let i = from + direction; pulls[i] >= leastPull; i += direction) {
        const next = at(i)
        if (!(await better(next, best, RECIPE.standardErrors))) break
        best = next
        moved = true
      }
      if (moved) break
    }
    return best
  }

  const base = await search.base()
  let best = await climb(first, first)
  if (search.pseudo) {
    best = await climb({ ...first, pseudo: true }, best, RECIPE.pseudoMargin, RECIPE.pseudoLeastPull)
  }
  // With pseudo-queries the pool holds other documents already, and so few queries prove the less the more is tried on them.
  const settled = best.pseudo === true
  if (!settled && fixed.negatives === undefined && hasMoreDocuments(sample)) {
    for (const negatives of RECIPE.negatives.slice(1)) best = await climb({ ...best, negatives }, best)
  }
  if (!settled && fixed.scale === undefined) {
    // The lower temperature bends the embedding less. With no more data than the folds have seen it gets the benefit of the doubt.
    const margin = search.whole ? -RECIPE.benefitOfDoubt : RECIPE.standardErrors
    for (const multiple of RECIPE.multiples.slice(1)) best = await climb({ ...best, multiple }, best, margin)
  }
  const adapted = await scoresOf(best)
  return {
    chosen: best,
    scale: search.tau0 * best.multiple,
    tried,
    queries: sample.queries.rows,
    pairs: countPairs(sample),
    documents: sample.docs.rows,
    folds: new Set(folds).size,
    base,
    adapted,
    others: [...scores.values()].filter(other => other !== adapted),
    cut: search.cut,
    seconds: (performance.now() - started) / 1000,
  }
}

function standardError(delta: Float64Array): number {
  return populationStandardDeviation(delta) / Math.sqrt(delta.length)
}

/** Whether there are documents that are no query's positive. */
function hasMoreDocuments(data: EmbeddedDataset): boolean {
  const asked = new Set<number>()
  for (const positives of data.positives) for (const document of positives.keys()) asked.add(document)
  return asked.size < data.docs.rows
}
