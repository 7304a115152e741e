import type { AskedQuery } from '../dataset/read-queries.js'
import { getOrInsert } from '../maps.js'
import { type Matrix, matrix, normalizedRows, row } from '../math/matrix.js'
import { createRandom, permutation } from '../math/random.js'
import { kMeans } from '../train/tune/cluster-split.js'
import type { QueryOrder } from './defaults.js'
import type { Look } from './look.js'

/** A query to label, with the group that it was drawn from. */
export interface OrderedQuery extends AskedQuery {
  /** Place in the source. */
  readonly at: number
  readonly stratum?: string
}

const CLUSTERS = 12
/** Queries that clusters are found from, and that are compared for `disagreement`. */
const MOST_CLUSTERED = 5000
const MOST_COMPARED = 2000
const DEPTH = 10

/**
 * Orders queries to label.
 *
 * `spread` takes clusters of like queries in turns, familiar and unfamiliar ones apart, the most frequent of each first: every kind of
 * query is soon labelled. `disagreement` begins with those for which base and first adapter find other documents; figures from such
 * labels alone show larger changes than all queries have.
 */
export async function orderQueries(look: Look, order: QueryOrder, seed: number) {
  const { queries } = await look.data
  const all: OrderedQuery[] = queries.map((query, at) => ({ ...query, at }))
  if (order === 'file' || all.length === 0) return all
  // The seed decides among queries that nothing else tells apart.
  const chance = permutation(all.length, createRandom(seed))
  const heavy = all.toSorted((a, b) => b.searches - a.searches || chance[a.at] - chance[b.at])
  const { vectors } = await look.embedQueries(heavy.map(({ text }) => text))
  return order === 'spread' ? spread(look, heavy, vectors, seed) : byDisagreement(look, heavy, vectors)
}

function spread(look: Look, heavy: readonly OrderedQuery[], vectors: Matrix, seed: number): OrderedQuery[] {
  const units = normalizedRows(vectors)
  const some = Math.min(units.rows, MOST_CLUSTERED)
  const sample = matrix(some, units.cols, units.data.subarray(0, some * units.cols))
  const clusters = kMeans(sample, Math.min(CLUSTERS, Math.ceil(some / 10)), seed)
  const test = look.familiar
  const strata = new Map<string, OrderedQuery[]>()
  heavy.forEach((query, i) => {
    const cluster = i < some ? `cluster ${clusters[i]}` : 'the rest'
    const stratum = test ? `${cluster}, ${test(row(vectors, i)).unfamiliar ? 'unfamiliar' : 'familiar'}` : cluster
    getOrInsert(strata, stratum, () => []).push({ ...query, stratum })
  })
  const groups = [...strata.values()]
  const ordered: OrderedQuery[] = []
  for (let turn = 0; ordered.length < heavy.length; turn++) {
    ordered.push(...groups.flatMap(group => group[turn] ?? []).sort((a, b) => b.searches - a.searches))
  }
  return ordered
}

async function byDisagreement(look: Look, heavy: readonly OrderedQuery[], vectors: Matrix) {
  const found = new Map<OrderedQuery, number>()
  for await (const { query, changed } of look.compare(heavy.slice(0, MOST_COMPARED), vectors, DEPTH)) found.set(query, changed)
  return heavy.toSorted((a, b) => (found.get(b) ?? -1) - (found.get(a) ?? -1))
}
