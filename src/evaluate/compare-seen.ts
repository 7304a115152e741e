import { mean } from '../math/statistics/moments.js'
import { type CompareOptions, type Comparison, compareRankings } from './compare.js'
import type { Evaluation, Scores } from './evaluator.js'

/** A comparison over some of the queries; figures are absent where there are none. */
export type PartComparison =
  | { readonly queries: 0 }
  | (Comparison & { readonly metrics: { readonly base: Scores; readonly adapted: Scores } })

export interface SeenComparison {
  /** Queries of which a relevant document had training queries. */
  readonly seen: PartComparison
  /** Queries of which no relevant document had any: what the adapter does for documents that nobody asked for before. */
  readonly unseen: PartComparison
}

/**
 * Compares separately on queries whose documents had training queries and on those whose documents had none.
 *
 * @param seen one value a scored query (see `seenQueries`)
 * @param all the comparison over all queries, where it is known: it is that of a part that holds them all
 * @throws USAGE as `compareRankings`
 */
export function compareSeen(
  base: Evaluation,
  adapted: Evaluation,
  seen: readonly boolean[],
  options: CompareOptions,
  all?: Comparison,
): SeenComparison {
  if (seen.length !== base.firstRank.length) {
    throw new RangeError(`expected one value for each of ${base.firstRank.length} queries, found ${seen.length}`)
  }
  const part = (wanted: boolean): PartComparison => {
    const keep = seen.flatMap((value, i) => (value === wanted ? [i] : []))
    if (keep.length === 0) return { queries: 0 }
    if (all && keep.length === seen.length) return { ...all, metrics: { base: base.mean, adapted: adapted.mean } }
    const [partBase, partAdapted] = [selectQueries(base, keep), selectQueries(adapted, keep)]
    return {
      ...compareRankings(partBase, partAdapted, options),
      metrics: { base: partBase.mean, adapted: partAdapted.mean },
    }
  }
  return { seen: part(true), unseen: part(false) }
}

/**
 * An evaluation of some of the queries.
 * @param queries places in the order of the evaluation, at least one
 */
function selectQueries(evaluation: Evaluation, queries: readonly number[]): Evaluation {
  const perQuery = Object.fromEntries(
    Object.entries(evaluation.perQuery).map(([spec, values]) => [spec, Float64Array.from(queries, i => values[i])]),
  )
  return {
    mean: Object.fromEntries(Object.entries(perQuery).map(([spec, values]) => [spec, mean(values)])),
    perQuery,
    firstRank: Uint32Array.from(queries, i => evaluation.firstRank[i]),
    depth: evaluation.depth,
  }
}
