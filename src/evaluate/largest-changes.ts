import { comparedMetric, deltaOf, TIE } from './compare.js'
import type { Evaluation } from './evaluator.js'

/** A query whose ranking an adapter made better or worse. */
export interface Change {
  readonly queryId: string
  /** Absent where only vectors are given. */
  readonly text?: string
  /** Value of the metric before and after. */
  readonly base: number
  readonly adapted: number
  /** Rank of the first relevant document before and after, from 1; null where it is not among the first `depth`. */
  readonly baseRank: number | null
  readonly adaptedRank: number | null
}

/** The queries whose score changed most, largest first. */
export interface LargestChanges {
  readonly metric: string
  /** How many documents of each ranking were looked at. */
  readonly depth: number
  /** Largest first. */
  readonly wins: readonly Change[]
  /** Largest loss first. */
  readonly losses: readonly Change[]
}

export interface LargestChangesOptions {
  /** Id of every scored query: `Evaluator.queryIds`. */
  readonly queryIds: readonly string[]
  /** query id -> text */
  readonly texts?: ReadonlyMap<string, string>
  /** Default: as `compareRankings`. */
  readonly metric?: string
  /** Wins and losses at the most, each. Default: 10. */
  readonly count?: number
}

/**
 * The queries that gain and lose most. Equal differences are ordered by the rank of the first relevant document: the farther it
 * moved the earlier; then as in the data set.
 * @throws USAGE as `compareRankings`
 */
export function largestChanges(base: Evaluation, adapted: Evaluation, options: LargestChangesOptions): LargestChanges {
  const { queryIds, texts, count = 10 } = options
  const metric = comparedMetric(base, adapted, options.metric)
  if (queryIds.length !== base.firstRank.length) {
    throw new RangeError(`expected the ids of ${base.firstRank.length} queries, found ${queryIds.length}`)
  }
  const delta = deltaOf(base, adapted, metric)
  const depth = base.depth
  const rankOf = ({ firstRank }: Evaluation, i: number) => (firstRank[i] === 0 ? depth + 1 : firstRank[i])
  const climb = (i: number) => rankOf(base, i) - rankOf(adapted, i)
  const top = (sign: 1 | -1): Change[] =>
    Array.from(delta, (_, i) => i)
      .filter(i => sign * delta[i] >= TIE)
      .sort((a, b) => sign * (delta[b] - delta[a]) || sign * (climb(b) - climb(a)) || a - b)
      .slice(0, count)
      .map(i => ({
        queryId: queryIds[i],
        ...(texts ? { text: texts.get(queryIds[i]) } : {}),
        base: base.perQuery[metric][i],
        adapted: adapted.perQuery[metric][i],
        baseRank: base.firstRank[i] || null,
        adaptedRank: adapted.firstRank[i] || null,
      }))
  return { metric, depth, wins: top(1), losses: top(-1) }
}
