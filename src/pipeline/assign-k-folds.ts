import { createDisjointSets } from '../dataset/disjoint-sets.js'
import { AdapterTrainError } from '../errors.js'
import { createRandom, shuffle } from '../math/random.js'
import type { TrainKeys } from './embedded-parts.js'

/** What stays together when queries are held out. */
export type SplitBy = 'query' | 'document'

export interface FoldOptions {
  /** At least 2. */
  readonly folds: number
  /** `query`: queries with the same text. `document`: also queries that share a relevant document. */
  readonly by: SplitBy
  readonly seed: number
}

/**
 * Puts every labelled query into one of k folds of nearly the same size; queries that belong together share one.
 *
 * @returns the rows of each fold
 * @throws DATASET_SPLIT when so many queries belong together that there are no k folds, or one has more than half of them
 */
export function assignKFolds(keys: TrainKeys, { folds, by, seed }: FoldOptions): Uint32Array[] {
  const rows = keys.relevant.flatMap((relevant, i) => (relevant.length > 0 ? [i] : []))
  const groups = shuffle(groupsOf(rows, keys, by), createRandom(seed)).sort((a, b) => b.length - a.length)
  const parts = Array.from({ length: folds }, (): number[] => [])
  for (const group of groups) parts.reduce((least, part) => (part.length < least.length ? part : least)).push(...group)
  const largest = Math.max(...parts.map(part => part.length))
  if (groups.length < folds || largest * 2 > rows.length + 1) {
    const tie = by === 'query' ? 'have the same text' : 'share documents, directly or through one another'
    const remedy = by === 'query' ? 'Ask for fewer folds, or add queries.' : 'Ask for fewer folds, or split by query.'
    throw new AdapterTrainError(
      'DATASET_SPLIT',
      `cannot make ${folds} folds of ${rows.length} queries with a relevant document: they make ${groups.length} groups, and up to ${groups[0]?.length ?? 0} queries ${tie} and have to stay together. ${remedy}`,
      { details: { folds, queries: rows.length, groups: groups.length } },
    )
  }
  return parts.map(part => Uint32Array.from(part).sort())
}

function groupsOf(rows: readonly number[], { queries, relevant }: TrainKeys, by: SplitBy): number[][] {
  const sets = createDisjointSets(rows.length)
  const owner = new Map<string, number>()
  rows.forEach((row, i) => {
    const documents = by === 'document' ? relevant[row].map(key => `document ${key}`) : []
    for (const key of [`query ${queries[row]}`, ...documents]) {
      const other = owner.get(key)
      if (other === undefined) owner.set(key, i)
      else sets.join(i, other)
    }
  })
  const groups = new Map<number, number[]>()
  rows.forEach((row, i) => {
    const group = groups.get(sets.root(i))
    if (group) group.push(row)
    else groups.set(sets.root(i), [row])
  })
  return [...groups.values()]
}
