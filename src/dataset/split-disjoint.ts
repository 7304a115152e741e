import { createRandom } from '../math/random.js'
import type { QADataset } from './dataset.js'
import { createDisjointSets } from './disjoint-sets.js'
import { findNearDuplicates } from './near-duplicates.js'
import { byCodeUnit } from './order.js'
import { type DatasetSplit, type SplitDatasetOptions, splitDataset } from './split.js'

/** How queries and documents are dealt out. */
export interface SplitDisjointOptions extends Pick<SplitDatasetOptions, 'fractions' | 'seed'> {
  /** Documents of one group, such as the chunks of a file, stay on one side. Default: every document is its own group. */
  readonly groupOf?: (documentId: string) => string
  /**
   * Whether parts may share documents: then only queries that are the same or near-identical stay together, and each part has
   * the whole corpus. For data with few documents and many queries each, such as intents. Default: false.
   */
  readonly shareDocuments?: boolean
}

/** The parts of {@link DatasetSplit}, each with documents of its own. */
export interface DisjointSplit extends DatasetSplit {
  /** Documents judged not relevant (grade 0) in one part that belong to another, and so are in both. */
  readonly sharedNegatives: number
}

/**
 * Splits a data set so that `checkLeaks` finds nothing: queries and relevant documents that are the same, near-identical or of
 * one group stay on one side, and each part has a corpus of its own.
 *
 * A document that no query asks for goes with its group or its near-identical ones, else to a part by the fractions. A document
 * that a query of another part is known not to be answered by is in that part too, as its hard negative.
 *
 * @throws USAGE when an option is wrong
 * @throws DATASET_SPLIT when there are too few queries, or too many of them belong together
 */
export function splitDisjoint(dataset: QADataset, options: SplitDisjointOptions): DisjointSplit {
  const { groupOf, shareDocuments = false, fractions, seed } = options
  const queryKeys = components(dataset.queries)
  if (shareDocuments) {
    const split = splitDataset({ ...dataset, queries: queryKeys }, { by: 'query', fractions, seed })
    const parts = PARTS.filter(part => split[part]).map(part => [part, withTexts(split[part]!, dataset)])
    return { ...(Object.fromEntries(parts) as DatasetSplit), sharedNegatives: 0 }
  }
  const documentKeys = components(dataset.corpus, groupOf)
  // Equal things get equal texts, which is all that a split looks at.
  const split = splitDataset(
    { ...dataset, queries: queryKeys, corpus: documentKeys },
    groupOf ? { by: 'group', groupOf, fractions, seed } : { by: 'document', fractions, seed },
  )
  const parts = PARTS.filter(part => split[part])
  const partOf = assign(documentKeys, split, parts, options)
  let sharedNegatives = 0
  const entries = parts.map(part => {
    const { qrels } = split[part]!
    const judged = new Set([...qrels.values()].flatMap(documents => [...documents.keys()]))
    const corpus = new Map<string, string>()
    for (const [id, text] of dataset.corpus) {
      const own = partOf.get(documentKeys.get(id)!) === part
      if (own || judged.has(id)) corpus.set(id, text)
      if (!own && judged.has(id)) sharedNegatives++
    }
    return [part, { ...withTexts(split[part]!, dataset), corpus }]
  })
  return { ...(Object.fromEntries(entries) as DatasetSplit), sharedNegatives }
}

/** A part of what was split for its own texts. */
function withTexts({ name, queries, qrels }: QADataset, dataset: QADataset): QADataset {
  const texts = new Map([...queries.keys()].map(id => [id, dataset.queries.get(id)!]))
  return { name, queries: texts, corpus: dataset.corpus, qrels }
}

const PARTS = ['train', 'validation', 'test'] as const
type Part = (typeof PARTS)[number]

/** id -> a name of all the texts that are the same, near-identical or of one group, directly or through one another. */
function components(texts: ReadonlyMap<string, string>, groupOf?: (id: string) => string): Map<string, string> {
  const ids = [...texts.keys()].sort(byCodeUnit)
  const index = new Map(ids.map((id, i) => [id, i]))
  const sets = createDisjointSets(ids.length)
  // In the order of the ids, so that equal content gives equal sets.
  for (const { a, b } of findNearDuplicates(new Map(ids.map(id => [id, texts.get(id)!]))))
    sets.join(index.get(a)!, index.get(b)!)
  const groups = new Map<string, number>()
  ids.forEach((id, i) => {
    const group = groupOf?.(id)
    if (group === undefined) return
    const first = groups.get(group)
    if (first === undefined) groups.set(group, i)
    else sets.join(first, i)
  })
  return new Map([...texts.keys()].map(id => [id, String(sets.root(index.get(id)!))]))
}

/** The part of every component of documents: that of its queries, or one by the fractions. */
function assign(
  documentKeys: ReadonlyMap<string, string>,
  split: DatasetSplit,
  parts: readonly Part[],
  { fractions, seed }: SplitDisjointOptions,
): Map<string, Part> {
  const partOf = new Map<string, Part>()
  for (const part of parts) {
    for (const judged of split[part]!.qrels.values()) {
      for (const [id, grade] of judged) if (grade > 0) partOf.set(documentKeys.get(id)!, part)
    }
  }
  const { validation = 0, test = 0 } = fractions
  const random = createRandom(seed)
  const free = [...new Set(documentKeys.values())].filter(key => !partOf.has(key))
  for (const key of free.sort((a, b) => Number(a) - Number(b))) {
    const x = random.next()
    partOf.set(key, x < test ? 'test' : x < test + validation ? 'validation' : 'train')
  }
  return partOf
}
