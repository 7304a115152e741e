import type { Texts } from '../embed/embedded-dataset.js'
import { comparedMetric, deltaOf, TIE } from './compare.js'
import type { Evaluation } from './evaluator.js'

/** Query whose ranking an adapter made better or worse. */
export interface Change {
  readonly queryId: string
  /** Absent if not known. */
  readonly text?: string
  /** Metric before and after. */
  readonly base: number
  readonly adapted: number
  /** Rank of the first relevant document before and after, from 1; null if it is not among the first `depth`. */
  readonly baseRank: number | null
  readonly adaptedRank: number | null
}

/** Queries whose score changed most, largest change first. */
export interface LargestChanges {
  readonly metric: string
  /** Documents of each ranking that were considered. */
  readonly depth: number
  readonly wins: readonly Change[]
  readonly losses: readonly Change[]
}

export interface LargestChangesOptions {
  readonly queryIds: readonly string[]
  readonly texts?: Texts
  /** Default: as `compareRankings`. */
  readonly metric?: string
  readonly count?: number
}

/** Finds the queries that gain and lose most; equals by how far the first relevant document moved. */
export function largestChanges(base: Evaluation, adapted: Evaluation, options: LargestChangesOptions): LargestChanges {
  const { queryIds, texts, count = 10 } = options
  const metric = comparedMetric(base, adapted, options.metric)
  if (queryIds.length !== base.firstRank.length)
    throw new RangeError(`expected the ids of ${base.firstRank.length} queries, found ${queryIds.length}`)
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
        ...(texts && { text: texts[i] }),
        base: base.perQuery[metric][i],
        adapted: adapted.perQuery[metric][i],
        baseRank: base.firstRank[i] || null,
        adaptedRank: adapted.firstRank[i] || null,
      }))
  return { metric, depth, wins: top(1), losses: top(-1) }
}
