import { hash } from 'node:crypto'
import { AdapterTrainError, usageError } from '../errors.js'
import { getOrInsert } from '../maps.js'
import { createDisjointSets } from '../math/disjoint-sets.js'
import type { QADataset } from './dataset.js'
import { byCodeUnit, foldText } from './text.js'

const HELD_OUT = ['test', 'validation'] as const
const SPLIT_BY = ['query', 'document', 'group', 'time'] as const

type HeldOut = (typeof HELD_OUT)[number]
type SplitBy = (typeof SPLIT_BY)[number]

/** Settings of {@link splitDataset}. */
export interface SplitDatasetOptions {
  /**
   * Queries that stay together. `query` (default): those with the same text. `document`: also those that share a
   * relevant document, so that no held-out query has a training document. `group`: also those whose relevant documents
   * are of one group. `time`: those with the same text; the latest, by their first search, are held out.
   */
  readonly by?: (typeof SPLIT_BY)[number]
  /** With `by: 'group'`, the group of a document, such as the file of a chunk. */
  readonly groupOf?: (documentId: string) => string
  /** Shares of the queries in [0, 1); the rest is for training. */
  readonly fractions: { readonly validation?: number; readonly test?: number }
  /** Any safe integer. */
  readonly seed: number
}

/** Names of the splits in the order of writing. */
export const PART_NAMES = ['train', 'validation', 'test'] as const
/** Name of a split. */
export type PartName = (typeof PART_NAMES)[number]
/** Splits of one dataset; all have its whole corpus. */
export type DatasetSplit = { readonly train: QADataset } & { readonly [part in PartName]?: QADataset }

const MIN_QUERIES = 2

interface QueryGroup {
  readonly ids: readonly string[]
  /** Seeded hash in [0, 1); 1 by time. */
  readonly place: number
}

/**
 * Splits the queries of a dataset; equal content and seed give equal splits, whatever the order of the dataset.
 *
 * Membership is a seeded hash of the query's folded text, or of the document of its group whose text has the least hash:
 * a query keeps its split while a dataset grows, and the shares hold on average. A hash that leaves a split less than half or more
 * than twice its share moves the groups nearest to the border.
 * @throws USAGE if an option is wrong
 * @throws DATASET_SPLIT with too few queries, or too many that belong together
 */
export function splitDataset(dataset: QADataset, options: SplitDatasetOptions): DatasetSplit {
  const { by = 'query' } = options
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
  const groups = groupQueries(dataset, { ...options, by })
  const slack = Math.floor((planned - needed) / parts.length)
  let left = groups
  const held = parts.map((part, i) => {
    const most = targets[i] + Math.min(targets[i], slack)
    const chosen =
      by === 'time'
        ? hold(left, 0, targets[i], most)
        : hold(part === 'test' ? left : fromTheEnd(left), fractions[part], Math.max(MIN_QUERIES, targets[i] / 2), most)
    left = left.filter(({ ids }) => !chosen.has(ids[0]))
    return chosen
  })
  const train = total - held.reduce((sum, ids) => sum + ids.size, 0)
  const short = [
    ...parts.map((part, i) => ({ part: part as string, size: held[i].size, asked: targets[i] })),
    { part: 'training', size: train, asked: planned },
  ].find(({ size, asked }) => size < MIN_QUERIES || size < asked / 2)
  if (short) throw cannotDivide(dataset, by, groups, short)
  const heldOut = new Set(held.flatMap(ids => [...ids]))
  const result: { -readonly [part in keyof DatasetSplit]: QADataset } = { train: take(dataset, 'train', id => !heldOut.has(id)) }
  for (const [i, part] of parts.entries()) result[part] = take(dataset, part, id => held[i].has(id))
  return result
}

function checkOptions({ by = 'query', groupOf, fractions, seed }: SplitDatasetOptions): Record<HeldOut, number> {
  if (!SPLIT_BY.includes(by)) throw usageError(`expected "by" to be one of ${SPLIT_BY.join(', ')}, found ${String(by)}`)
  if ((by === 'group') !== (typeof groupOf === 'function'))
    throw usageError(`expected the function "groupOf" with by: 'group', and only there`)
  if (!Number.isSafeInteger(seed)) throw usageError(`expected "seed" to be a whole number, found ${String(seed)}`)
  const { validation = 0, test = 0 } = fractions
  for (const [part, fraction] of Object.entries({ validation, test, 'validation + test': validation + test })) {
    if (typeof fraction === 'number' && fraction >= 0 && fraction < 1) continue
    throw usageError(`expected the fraction "${part}" to be from 0 to below 1, found ${String(fraction)}`)
  }
  return { validation, test }
}

/** Groups queries that have to stay together, by ascending place, or the latest first. */
function groupQueries(dataset: QADataset, { by, groupOf, seed }: SplitDatasetOptions): QueryGroup[] {
  const ids = [...dataset.queries.keys()].sort(byCodeUnit)
  const sets = createDisjointSets(ids.length)
  /** First query of each text, document and group. */
  const owners = new Map<string, number>()
  const join = (kind: 'text' | 'document' | 'group', name: string, i: number): void => {
    const owner = getOrInsert(owners, `${kind} ${name}`, () => i)
    sets.join(i, owner)
  }
  const folded = new Map<string, string>()
  const documentKey = (id: string): string => getOrInsert(folded, id, () => foldText(dataset.corpus.get(id) ?? id))
  ids.forEach((id, i) => {
    join('text', foldText(dataset.queries.get(id)!), i)
    if (by !== 'document' && by !== 'group') return
    for (const [document, grade] of dataset.qrels.get(id) ?? []) {
      if (grade === 0) continue
      join('document', documentKey(document), i)
      if (groupOf) join('group', groupOf(document), i)
    }
  })
  const groups = new Map<number, string[]>()
  for (const [i, id] of ids.entries()) getOrInsert(groups, sets.root(i), () => []).push(id)
  if (by === 'time') return latestFirst(dataset, [...groups.values()])
  const nameOf = (members: readonly string[]): string => {
    const relevant = by === 'query' ? [] : members.flatMap(id => [...(dataset.qrels.get(id) ?? [])])
    const documents = relevant.flatMap(([id, grade]) => (grade > 0 ? [documentKey(id)] : []))
    return leastHash(documents.length > 0 ? documents : members.map(id => foldText(dataset.queries.get(id)!)))
  }
  return [...groups.values()]
    .map(members => ({ ids: members, hash: hash('sha256', `${seed} ${nameOf(members)}`) }))
    .sort((a, b) => byCodeUnit(a.hash, b.hash))
    .map(({ ids, hash }) => ({ ids, place: Number.parseInt(hash.slice(0, 13), 16) / 2 ** 52 }))
}

/** Orders groups by the time of their first search. @throws DATASET_SPLIT if a query has no time */
function latestFirst(dataset: QADataset, groups: readonly string[][]): QueryGroup[] {
  const { times, queries } = dataset
  const without = [...queries.keys()].filter(id => !times?.has(id)).length
  if (without > 0) {
    const reason = `${without} of its ${queries.size} queries have no time, expected a search log with "time" in every entry`
    throw splitError(dataset, `${reason}. Split by document or by query.`)
  }
  return groups
    .map(ids => ({ ids, place: 1, first: ids.reduce((least, id) => Math.min(least, times!.get(id)!), Infinity) }))
    .sort((a, b) => b.first - a.first)
}

/** Returns the text whose hash is the least: the same one as long as no text with a lower hash joins. */
export function leastHash(texts: readonly string[]): string {
  return texts.map(text => ({ text, hash: hash('sha256', text) })).reduce((a, b) => (b.hash < a.hash ? b : a)).text
}

function fromTheEnd(groups: readonly QueryGroup[]): QueryGroup[] {
  return groups.map(({ ids, place }) => ({ ids, place: 1 - place })).reverse()
}

/** Takes the groups with a place below the fraction, others only up to `least` queries, and `most` queries at most. */
function hold(groups: readonly QueryGroup[], fraction: number, least: number, most: number): Set<string> {
  const held = new Set<string>()
  for (const { ids, place } of groups) {
    if (place >= fraction && held.size >= least) break
    if (held.size + ids.length <= most) for (const id of ids) held.add(id)
  }
  return held
}

function take(dataset: QADataset, part: string, wanted: (id: string) => boolean): QADataset {
  const only = <T>(map: ReadonlyMap<string, T>) => new Map([...map].filter(([id]) => wanted(id)))
  const { name, queries, qrels } = dataset
  return { ...dataset, name: `${name} (${part})`, queries: only(queries), qrels: only(qrels) }
}

function splitError(dataset: QADataset, reason: string): AdapterTrainError {
  const details = { dataset: dataset.name, queries: dataset.queries.size }
  return new AdapterTrainError('DATASET_SPLIT', `cannot split ${dataset.name}: ${reason}`, { details })
}

/** What keeps queries together, and how else they can be split. */
const TIES: Readonly<Record<SplitBy, readonly [tie: string, otherwise?: string]>> = {
  query: ['have the same text'],
  document: ['share documents, directly or through one another', 'Split by query'],
  group: ['have documents of one group, directly or through one another', 'Split by document'],
  time: ['have the same text'],
}

type Short = { readonly part: string; readonly size: number; readonly asked: number }

function cannotDivide(dataset: QADataset, by: SplitBy, groups: readonly QueryGroup[], { part, size, asked }: Short) {
  const largest = groups.reduce((max, { ids }) => Math.max(max, ids.length), 0)
  const [tie, otherwise] = TIES[by]
  const wanted = `the ${part} part would get ${size} of the ${Math.round(asked)} queries asked for`
  const reason = `${wanted}, because up to ${largest} of its ${dataset.queries.size} queries ${tie}`
  const ask = otherwise ? `${otherwise}, ask` : 'Ask'
  return splitError(dataset, `${reason}. ${ask} for other fractions, or give a held-out set of its own.`)
}
