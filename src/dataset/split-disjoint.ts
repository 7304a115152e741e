import { getOrInsert } from '../maps.js'
import { createDisjointSets } from '../math/disjoint-sets.js'
import type { QADataset } from './dataset.js'
import { findNearDuplicates } from './near-duplicates.js'
import { type DatasetSplit, leastHash, PART_NAMES, type SplitDatasetOptions, splitDataset } from './split.js'
import { byCodeUnit, foldText } from './text.js'

/** Settings of {@link splitDisjoint}. */
export interface SplitDisjointOptions extends Pick<SplitDatasetOptions, 'fractions' | 'seed'> {
  /**
   * `document` (default): queries whose relevant documents are equal, near-duplicates or of one group stay together.
   * `query`: splits may have the same relevant documents, as in data with few documents and many queries each, such as
   * intents. `time`: as `query`, and the latest queries are held out.
   */
  readonly by?: 'document' | 'query' | 'time'
  /** With `by: 'document'`, the group of a document, such as the file of a chunk. Default: each document is its own. */
  readonly groupOf?: (documentId: string) => string
}

/**
 * Splits the queries of a dataset so that `checkLeaks` finds nothing: equal and near-duplicate queries stay together. Each
 * split has the whole corpus, so that every document is a distractor for its queries.
 * @throws USAGE if an option is wrong
 * @throws DATASET_SPLIT with too few queries, or too many that belong together; by time, if a query has none
 */
export function splitDisjoint(dataset: QADataset, options: SplitDisjointOptions): DatasetSplit {
  const { by = 'document', groupOf, ...shares } = options
  // Equal things get equal texts, which is all that a split looks at.
  const keyed = { ...dataset, queries: components(dataset.queries) }
  const byGroup = groupOf ? { by: 'group' as const, groupOf } : { by }
  const split =
    by === 'document'
      ? splitDataset({ ...keyed, corpus: components(dataset.corpus, groupOf) }, { ...byGroup, ...shares })
      : splitDataset(keyed, { by, ...shares })
  const parts = PART_NAMES.filter(part => split[part]).map(part => {
    const queries = new Map(Array.from(split[part]!.queries.keys(), id => [id, dataset.queries.get(id)!]))
    return [part, { ...split[part]!, queries, corpus: dataset.corpus }]
  })
  return Object.fromEntries(parts) as DatasetSplit
}

/** Maps each id to a text of its component: texts that are equal, near-duplicates or of one group, also transitively. */
function components(texts: ReadonlyMap<string, string>, groupOf?: (id: string) => string): Map<string, string> {
  const ids = [...texts.keys()].sort(byCodeUnit)
  const index = new Map(ids.map((id, i) => [id, i]))
  const sets = createDisjointSets(ids.length)
  for (const { a, b } of findNearDuplicates(texts)) sets.join(index.get(a)!, index.get(b)!)
  const groups = new Map<string, number>()
  for (const [i, id] of ids.entries()) {
    const group = groupOf?.(id)
    const first = group === undefined ? i : getOrInsert(groups, group, () => i)
    sets.join(first, i)
  }
  const members = new Map<number, string[]>()
  for (const [i, id] of ids.entries()) getOrInsert(members, sets.root(i), () => []).push(foldText(texts.get(id)!))
  const names = new Map([...members].map(([root, own]) => [root, leastHash(own)]))
  return new Map([...texts.keys()].map(id => [id, names.get(sets.root(index.get(id)!))!]))
}
