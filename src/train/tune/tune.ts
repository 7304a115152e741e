import { countPairs, type EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { documentsOf } from '../../losses/batch-columns.js'
import { mean, populationStandardDeviation } from '../../math/statistics/moments.js'
import { TRAINING_OPTIONS } from '../options.js'
import { RECIPE } from '../recipe.js'
import { keyOf, type Search } from './search.js'
import type { SearchPoint } from './search-point.js'

/** A point of the search and its out-of-fold score. */
export interface Tried extends SearchPoint {
  /** Mean out-of-fold metric; for a point that was given up, as far as it was computed. */
  readonly score: number
  /** Folds after which the point was given up as clearly behind. */
  readonly stoppedAfter?: number
}

/** Size of the sample that cross-validation looks at. */
export interface SampleSize {
  readonly queries: number
  readonly pairs: number
  readonly documents: number
  readonly folds: number
}

export interface TuneResult extends SampleSize {
  readonly chosen: SearchPoint
  readonly scale: number
  readonly tried: readonly Tried[]
  readonly base: Float64Array
  readonly adapted: Float64Array
  /** The same for the other points: the gate corrects for the choice. */
  readonly others: readonly Float64Array[]
  /** Message about what was cut to stay within the budget. */
  readonly cut?: string
  readonly seconds: number
}

/**
 * Selects negatives, scale and pull by cross-validation inside the training data, and measures the gain of the result out of fold.
 *
 * With few queries the best point of a smoothed surface is taken. With more, it
 * starts from the plain point, climbs along the grid of pulls, then tries pseudo-queries if there are any. If these do not win, it
 * tries the other pool and the other scale, each with a climb of its own. A point replaces the incumbent only if it is better by more
 * than one paired standard error (`RECIPE` has the exceptions). A point clearly behind on the first fold is given up.
 */
export async function choose(search: Search, onTried?: (tried: Tried) => void): Promise<TuneResult> {
  const started = performance.now()
  const { sample, fixed, first, folds, parts } = search
  const pulls: readonly number[] = TRAINING_OPTIONS.pull.recipe.grid
  const scores = new Map<string, Float64Array>()
  const tried: Tried[] = []
  const skipped = new Set<string>()

  function remember(point: SearchPoint, values: Float64Array, stoppedAfter?: number): Float64Array {
    scores.set(keyOf(point), values)
    const result = { ...point, score: mean(values), ...(stoppedAfter && { stoppedAfter }) }
    tried.push(result)
    onTried?.(result)
    return values
  }

  async function scoresOf(point: SearchPoint): Promise<Float64Array> {
    const known = scores.get(keyOf(point))
    return known ?? remember(point, (await search.crossValidate(point)).scores)
  }

  /** Counts a point as skipped if the budget has no room for it and for a look at clusters of queries. */
  function mayTry(point: SearchPoint): boolean {
    if (scores.has(keyOf(point)) || search.hasTime(2)) return true
    skipped.add(keyOf(point))
    return false
  }

  /** @param margin standard errors of the paired difference by which the point has to win; below 0 it may lose by less */
  async function better(point: SearchPoint, incumbent: SearchPoint, margin: number): Promise<boolean> {
    const b = await scoresOf(incumbent)
    if (!mayTry(point)) return false
    if (!scores.has(keyOf(point)) && parts[0].inside.length >= RECIPE.raceQueries) {
      const first = await search.fold(point, 0)
      const delta = first.map((value, i) => value - b[parts[0].inside[i]])
      if (mean(delta) <= (Math.min(0, margin) - RECIPE.raceMargin) * standardError(delta)) {
        // What was not computed is taken from the incumbent: the gate corrects for every point that had a chance.
        const values = b.slice()
        for (const [i, query] of parts[0].inside.entries()) values[query] = first[i]
        remember(point, values, 1)
        return false
      }
    }
    const a = await scoresOf(point)
    const delta = a.map((value, i) => value - b[i])
    return mean(delta) > margin * standardError(delta)
  }

  /** Walks along the pulls from `start`, down first, to beat `incumbent`. */
  async function climb(
    start: SearchPoint,
    incumbent: SearchPoint,
    margin: number = RECIPE.standardErrors,
    leastPull = 0,
  ): Promise<SearchPoint> {
    const from = pulls.indexOf(start.pull)
    const at = (i: number): SearchPoint => ({ ...start, pull: pulls[i] })
    const free = fixed.pull === undefined
    // The start and its first neighbour are needed in any case, so both are computed at once.
    if (start === incumbent) ahead(search.crossValidate(start))
    else if (search.hasTime(3)) ahead(search.fold(start, 0))
    if (free && pulls[from + 1] >= leastPull && search.hasTime(3)) ahead(search.fold(at(from + 1), 0))
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

  /**
   * Takes the best point of the grid together with its neighbours, so that no lucky point wins alone: of every pool and scale, the
   * pulls from the first one to the best of that smoothed surface are tried, and all of that one's neighbours.
   */
  async function wholeGrid(): Promise<SearchPoint> {
    const { negatives, scale, pull } = TRAINING_OPTIONS
    const pools = fixed.negatives === undefined && hasMoreDocuments(sample) ? negatives.recipe.grid : [first.negatives]
    const multiples = fixed.scale === undefined ? scale.recipe.grid : [first.multiple]
    const own: readonly number[] = fixed.pull === undefined ? pull.recipe.grid : [first.pull]
    const starts = pools.flatMap(pool => multiples.map(multiple => ({ ...first, negatives: pool, multiple })))
    const nearOf = (point: SearchPoint): SearchPoint[] => {
      const at = own.indexOf(point.pull)
      return [
        ...[own[at - 1], own[at + 1]].flatMap(value => (value === undefined ? [] : [{ ...point, pull: value }])),
        ...multiples.filter(other => other !== point.multiple).map(other => ({ ...point, multiple: other })),
        ...pools.filter(other => other !== point.negatives).map(other => ({ ...point, negatives: other })),
      ]
    }
    const known = new Map<string, SearchPoint>()
    const meanOf = (point: SearchPoint): number[] => (known.has(keyOf(point)) ? [mean(scores.get(keyOf(point))!)] : [])
    const smooth = (point: SearchPoint): number => {
      const near = nearOf(point).flatMap(meanOf)
      const weight = RECIPE.neighbourWeight
      return (meanOf(point)[0] + weight * near.reduce((a, b) => a + b, 0)) / (1 + weight * near.length)
    }
    const best = (points: SearchPoint[]): SearchPoint => points.reduce((a, b) => (smooth(b) > smooth(a) ? b : a))
    /** @returns true if some of them were new, and the budget had room */
    async function tryAll(points: readonly SearchPoint[]): Promise<boolean> {
      const fresh = points.filter(point => !known.has(keyOf(point)))
      let some = false
      for (const [i, point] of fresh.entries()) {
        if (known.size > 0 && !mayTry(point)) continue
        // The next point is computed ahead, so that no thread waits.
        if (fresh[i + 1] && search.hasTime(3)) ahead(search.crossValidate(fresh[i + 1]))
        await scoresOf(point)
        known.set(keyOf(point), point)
        some = true
      }
      return some
    }
    await tryAll(starts)
    for (const start of starts) {
      const line = () =>
        [...known.values()].filter(({ negatives: pool, multiple }) => pool === start.negatives && multiple === start.multiple)
      while (line().length > 0 && (await tryAll(nearOf(best(line()))))) {}
    }
    return best([...known.values()])
  }

  const base = await search.base()
  let best = search.wholeGrid ? await wholeGrid() : await climb(first, first)
  if (search.pseudo) best = await climb({ ...first, pseudo: true }, best, RECIPE.pseudoMargin, RECIPE.pseudoLeastPull)
  // With pseudo-queries the pool has other documents already, and with so few queries every further try costs significance.
  const settled = best.pseudo === true || search.wholeGrid
  if (!settled && fixed.negatives === undefined && hasMoreDocuments(sample)) {
    for (const negatives of TRAINING_OPTIONS.negatives.recipe.grid.slice(1)) best = await climb({ ...best, negatives }, best)
  }
  if (!settled && fixed.scale === undefined) {
    // A lower scale changes the embedding less. It gets the benefit of the doubt if the folds have seen all data.
    const margin = search.whole ? -RECIPE.benefitOfDoubt : RECIPE.standardErrors
    for (const multiple of TRAINING_OPTIONS.scale.recipe.grid.slice(1)) best = await climb({ ...best, multiple }, best, margin)
  }
  const adapted = await scoresOf(best)
  return {
    chosen: best,
    scale: search.fittedScale * best.multiple,
    tried,
    queries: sample.queries.rows,
    pairs: countPairs(sample),
    documents: sample.docs.rows,
    folds: new Set(folds).size,
    base,
    adapted,
    others: [...scores.values()].filter(other => other !== adapted),
    cut: cutText(search.cut, skipped.size, search.budget),
    seconds: (performance.now() - started) / 1000,
  }
}

function cutText(cut: string | undefined, skipped: number, budget: number): string | undefined {
  if (skipped === 0) return cut
  const text = `${skipped} ${skipped === 1 ? 'candidate or direction was' : 'candidates or directions were'} not tried, to stay within ${budget} s (--tune-budget)`
  return cut === undefined ? text : `${cut}; ${text}`
}

/** Lets work run that is needed later; if it fails, so does what waits for it. */
function ahead(work: Promise<unknown>): void {
  work.catch(() => {})
}

const standardError = (delta: Float64Array): number => populationStandardDeviation(delta) / Math.sqrt(delta.length)

/** True if some documents are no query's positive. */
function hasMoreDocuments(data: EmbeddedDataset): boolean {
  return documentsOf(data, data.positives.keys()).size < data.docs.rows
}
