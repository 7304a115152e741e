import type { AskedQuery } from '../dataset/read-queries.js'
import { ndcg } from '../evaluate/metrics.js'
import type { Hit } from './collection.js'
import type { Look } from './look.js'

/** Documents that count for a query's place in the list. */
const DEPTH = 10
/** Queries that are compared, the most frequent first; in an index, which may be busy with others, fewer. */
const MOST_COMPARED = { memory: 1000, index: 100 }

/** A query of the list, and what the first adapter does to it. */
export interface ListedQuery {
  readonly id: string
  readonly text: string
  readonly searches: number
  /** Change of nDCG@10 by the first adapter, if the query has relevance judgements. */
  readonly gain?: number
  /** New documents among the first 10. */
  readonly changed?: number
}

/** Ideal and found grades of a ranking, as nDCG@10; undefined if no document is relevant. */
export function ndcgOf(hits: readonly Hit[], grades: ReadonlyMap<string, number>): number | undefined {
  const relevant = [...grades.values()].filter(grade => grade > 0).sort((a, b) => b - a)
  if (relevant.length === 0) return undefined
  const found10 = hits.slice(0, DEPTH).map(({ id }) => Math.max(0, grades.get(id) ?? 0))
  return ndcg.score({ grades: found10, relevant }, DEPTH)
}

/** Lists the queries of the data, and starts to compare base and first adapter. */
export function listQueries(look: Look) {
  const items = new Map<AskedQuery, ListedQuery>()
  let progress = { done: 0, total: 0 }
  let sorted: readonly ListedQuery[] | undefined
  const weight = ({ gain, changed = -1 }: ListedQuery): number =>
    gain ? 100 + Math.abs(gain) : gain === 0 && changed === 0 ? -2 : changed

  const compared = (async () => {
    const { queries } = await look.data
    for (const query of queries) items.set(query, plain(query))
    const documents = await look.collection
    if (!look.systems.some(({ adapter }) => adapter)) return
    const some = queries
      .toSorted((a, b) => b.searches - a.searches)
      .slice(0, documents.depth > 0 ? MOST_COMPARED.index : MOST_COMPARED.memory)
    progress = { done: 0, total: some.length }
    const { vectors } = await look.embedQueries(some.map(({ text }) => text))
    for await (const { query, base, adapted, changed } of look.compare(some, vectors, DEPTH)) {
      const [from, to] = [base, adapted].map(({ hits }) => query.grades && ndcgOf(hits, query.grades))
      const gain = from === undefined || to === undefined ? undefined : to - from
      items.set(query, { ...plain(query), changed, ...(gain !== undefined && { gain }) })
      progress = { done: progress.done + 1, total: some.length }
      sorted = undefined
    }
  })()
  compared.catch(() => {})
  return {
    compared,
    progress: () => progress,
    /** Wins and losses first, then what changes most, then the most frequent. */
    sorted(): readonly ListedQuery[] {
      sorted ??= [...items.values()].sort((a, b) => weight(b) - weight(a) || b.searches - a.searches)
      return sorted
    },
  }
}

const plain = ({ id, text, searches }: AskedQuery): ListedQuery => ({ id, text, searches })
