import { AdapterTrainError } from '../errors.js'
import { createRandom, shuffle } from '../math/random.js'
import type { QADataset } from './dataset.js'
import { createDisjointSets } from './disjoint-sets.js'
import { foldText } from './fold-text.js'
import { byCodeUnit } from './order.js'

const HELD_OUT = ['test', 'validation'] as const
const SPLIT_BY = ['query', 'document', 'group'] as const

type HeldOut = (typeof HELD_OUT)[number]

/** How queries are dealt out: shares of the queries, seed, and what stays together. */
export interface SplitDatasetOptions {
  /**
   * `query`: queries with the same text stay together. `document`: queries that share a relevant document stay together too, so
   * that no held-out query has a document that was trained on. `group`: so do queries whose relevant documents are of one
   * group. Default: `query`.
   */
  readonly by?: (typeof SPLIT_BY)[number]
  /** With `by: 'group'`, the group of a document, such as the file that a chunk was cut from. */
  readonly groupOf?: (documentId: string) => string
  /** Shares of the queries in [0, 1); what is left is for training. */
  readonly fractions: { readonly validation?: number; readonly test?: number }
  /** Any safe integer. */
  readonly seed: number
}

/** Parts of one data set; all have its whole corpus. */
export interface DatasetSplit {
  readonly train: QADataset
  readonly validation?: QADataset
  readonly test?: QADataset
}

/** Queries in a part, at the least. */
const MIN_QUERIES = 2

/**
 * Splits the queries of a data set; equal content and seed give equal parts, whatever the order of the data set.
 *
 * @throws USAGE when an option is wrong
 * @throws DATASET_SPLIT when there are too few queries, or too many of them belong together
 */
export function splitDataset(dataset: QADataset, options: SplitDatasetOptions): DatasetSplit {
  const { by = 'query', seed } = options
  const fractions = checkOptions(options)
  const parts = HELD_OUT.filter(part => fractions[part] > 0)
  const total = dataset.queries.size
  const targets = parts.map(part => Math.max(MIN_QUERIES, Math.round(fractions[part] * total)))
  const planned = total - targets.reduce((sum, target) => sum + target, 0)
  const needed = Math.max(MIN_QUERIES, ((1 - fractions.test - fractions.validation) * total) / 2)
  if (planned < needed) {
    const held = parts.map((part, i) => `${targets[i]} for ${part}`).join(' and ')
    const reason = `${held} would leave ${Math.max(0, planned)} of its ${total} queries for training, expected at least ${Math.ceil(needed)}`
    throw splitError(dataset, `${reason}. Add queries, or ask for smaller fractions or fewer parts.`)
  }
  const groups = shuffle(groupQueries(dataset, options), createRandom(seed))
  const held = fill(groups, targets)
  const train = total - held.reduce((sum, ids) => sum + ids.size, 0)
  const short = [
    ...parts.map((part, i) => ({ part: part as string, size: held[i].size, asked: targets[i] })),
    { part: 'training', size: train, asked: planned },
  ].find(({ size, asked }) => size < MIN_QUERIES || size < asked / 2)
  if (short) throw cannotDivide(dataset, by, groups, short)
  const heldOut = new Set(held.flatMap(ids => [...ids]))
  const result: { -readonly [part in keyof DatasetSplit]: QADataset } = {
    train: take(dataset, 'train', id => !heldOut.has(id)),
  }
  parts.forEach((part, i) => {
    result[part] = take(dataset, part, id => held[i].has(id))
  })
  return result
}

function checkOptions({ by = 'query', groupOf, fractions, seed }: SplitDatasetOptions): Record<HeldOut, number> {
  if (!SPLIT_BY.includes(by)) {
    throw new AdapterTrainError('USAGE', `expected "by" to be one of ${SPLIT_BY.join(', ')}, found ${String(by)}`)
  }
  if ((by === 'group') !== (typeof groupOf === 'function')) {
    throw new AdapterTrainError('USAGE', `expected the function "groupOf" with by: 'group', and only there`)
  }
  if (!Number.isSafeInteger(seed)) {
    throw new AdapterTrainError('USAGE', `expected "seed" to be a whole number, found ${String(seed)}`)
  }
  const { validation = 0, test = 0 } = fractions
  for (const [part, fraction] of Object.entries({ validation, test, 'validation + test': validation + test })) {
    if (typeof fraction === 'number' && fraction >= 0 && fraction < 1) continue
    throw new AdapterTrainError(
      'USAGE',
      `expected the fraction "${part}" to be from 0 to below 1, found ${String(fraction)}`,
    )
  }
  return { validation, test }
}

/** Groups of queries that have to stay on one side, in an order that depends on the content alone. */
function groupQueries(dataset: QADataset, { by, groupOf }: SplitDatasetOptions): string[][] {
  const ids = [...dataset.queries.keys()].sort(byCodeUnit)
  const sets = createDisjointSets(ids.length)
  const owners = {
    text: new Map<string, number>(),
    document: new Map<string, number>(),
    group: new Map<string, number>(),
  }
  const join = (owner: Map<string, number>, key: string, i: number): void => {
    const other = owner.get(key)
    if (other === undefined) owner.set(key, i)
    else sets.join(i, other)
  }
  const folded = new Map<string, string>()
  const documentKey = (id: string): string => {
    const known = folded.get(id)
    if (known !== undefined) return known
    const key = foldText(dataset.corpus.get(id) ?? id)
    folded.set(id, key)
    return key
  }
  ids.forEach((id, i) => {
    join(owners.text, foldText(dataset.queries.get(id)!), i)
    if (by !== 'document' && by !== 'group') return
    for (const [document, grade] of dataset.qrels.get(id) ?? []) {
      if (grade === 0) continue
      join(owners.document, documentKey(document), i)
      if (groupOf) join(owners.group, groupOf(document), i)
    }
  })
  const groups = new Map<number, string[]>()
  ids.forEach((id, i) => {
    const group = groups.get(sets.root(i))
    if (group) group.push(id)
    else groups.set(sets.root(i), [id])
  })
  return [...groups.values()]
}

/** Fills each held-out part with whole groups, as near to its target as that goes; the rest is for training. */
function fill(groups: readonly string[][], targets: readonly number[]): Set<string>[] {
  const parts = targets.map(() => new Set<string>())
  let left: string[][] = []
  for (const group of groups) {
    const part = parts.findIndex((ids, i) => ids.size + group.length <= targets[i])
    if (part < 0) left.push(group)
    else for (const id of group) parts[part].add(id)
  }
  parts.forEach((ids, i) => {
    const missing = targets[i] - ids.size
    const smallest = left.reduce<string[] | undefined>((a, b) => (a && a.length <= b.length ? a : b), undefined)
    // A group that is left is larger than what is missing; going over by less than that is nearer to the target.
    if (missing === 0 || !smallest || smallest.length - missing >= missing) return
    left = left.filter(group => group !== smallest)
    for (const id of smallest) ids.add(id)
  })
  return parts
}

function take(dataset: QADataset, part: string, wanted: (id: string) => boolean): QADataset {
  const only = <T>(map: ReadonlyMap<string, T>) => new Map([...map].filter(([id]) => wanted(id)))
  const { name, corpus, queries, qrels } = dataset
  return { name: `${name} (${part})`, corpus, queries: only(queries), qrels: only(qrels) }
}

function splitError(dataset: QADataset, reason: string): AdapterTrainError {
  return new AdapterTrainError('DATASET_SPLIT', `cannot split ${dataset.name}: ${reason}`, {
    details: { dataset: dataset.name, queries: dataset.queries.size },
  })
}

/** Why queries belong together, and what to do where too many of them do. */
const TIES: Readonly<Record<NonNullable<SplitDatasetOptions['by']>, readonly [reason: string, remedy: string]>> = {
  query: ['have the same text', 'Ask for other fractions, or give a held-out set of its own.'],
  document: [
    'share documents, directly or through one another',
    'Split by query, ask for other fractions, or give a held-out set of its own.',
  ],
  group: [
    'have documents of one group, directly or through one another',
    'Split by document, ask for other fractions, or give a held-out set of its own.',
  ],
}

function cannotDivide(
  dataset: QADataset,
  by: NonNullable<SplitDatasetOptions['by']>,
  groups: readonly string[][],
  short: { part: string; size: number; asked: number },
): AdapterTrainError {
  const largest = groups.reduce((max, group) => Math.max(max, group.length), 0)
  const [tie, remedy] = TIES[by]
  const wanted = `the ${short.part} part would get ${short.size} of the ${Math.round(short.asked)} queries asked for`
  const reason = `${wanted}, because up to ${largest} of its ${dataset.queries.size} queries ${tie}`
  return splitError(dataset, `${reason}. ${remedy}`)
}
