import { AdapterTrainError } from '../errors.js'
import { quote } from './check.js'
import type { QADataset } from './dataset.js'
import { findNearDuplicates } from './near-duplicates.js'
import type { DatasetSplit } from './split.js'

/** Something that training and a held-out set share. */
export interface Leak {
  readonly kind: 'query' | 'document'
  /** The id in the training set. */
  readonly train: string
  /** The id in the held-out set. */
  readonly heldOut: string
  /** `text`: the same but for case, white space and end punctuation. `near`: near-identical. `id`: the same id, another text. */
  readonly match: 'text' | 'near' | 'id'
  /** Share of the five-word shingles of the shorter text that the other has; 1 for `text`, 0 for `id`. */
  readonly similarity: number
}

/** What counts as a leak. */
export interface FindLeaksOptions {
  /**
   * Which documents may not be shared. `relevant`: those that answer a query on both sides; a corpus that both sides search is
   * no leak. `all`: any, for sets that are to have no chunk in common. `none`: queries alone are looked at. Default: `relevant`.
   */
  readonly documents?: 'relevant' | 'all' | 'none'
  /** Whether an id that both sides have counts where the texts differ; not for files whose ids are unrelated. Default: true. */
  readonly ids?: boolean
}

/**
 * Finds what a held-out set shares with the training set, and would flatter the adapter: queries and documents with the same
 * id, the same text, or near-identical text (`NEAR_IDENTICAL`).
 *
 * @returns one pair at least for everything of `heldOut` that is shared, queries first, in the order of `heldOut`
 */
export function findLeaks(train: QADataset, heldOut: QADataset, options: FindLeaksOptions = {}): readonly Leak[] {
  const { documents = 'relevant', ids = true } = options
  const leaks = findShared('query', train.queries, heldOut.queries, ids)
  if (documents === 'none') return leaks
  const side = (dataset: QADataset) => (documents === 'all' ? dataset.corpus : relevantDocuments(dataset))
  return [...leaks, ...findShared('document', side(train), side(heldOut), ids)]
}

/** Leaks that a message names one by one. */
const NAMED = 5

/**
 * Refuses a held-out set that shares queries or documents with the training set.
 *
 * @throws DATASET_LEAK with the first ids and the counts; all of the leaks are in `details.leaks`
 * @see findLeaks
 */
export function checkLeaks(train: QADataset, heldOut: QADataset, options: FindLeaksOptions = {}): void {
  const leaks = findLeaks(train, heldOut, options)
  if (leaks.length === 0) return
  const counts = (['query', 'document'] as const).flatMap(kind => {
    const n = new Set(leaks.filter(leak => leak.kind === kind).map(leak => leak.heldOut)).size
    return n === 0 ? [] : [`${n} ${n === 1 ? kind : { query: 'queries', document: 'documents' }[kind]}`]
  })
  const named = leaks.slice(0, NAMED).map(describe)
  if (leaks.length > NAMED) named.push(`and ${leaks.length - NAMED} more`)
  const remedy = 'Leave them out of one of the two, or split again so that they stay together.'
  throw new AdapterTrainError(
    'DATASET_LEAK',
    `${heldOut.name} shares ${counts.join(' and ')} with ${train.name}: ${named.join('; ')}. ${remedy}`,
    { details: { train: train.name, heldOut: heldOut.name, leaks } },
  )
}

/**
 * Refuses parts of which any two share queries or documents.
 *
 * @throws DATASET_LEAK as {@link checkLeaks}
 */
export function checkPartsForLeaks(parts: DatasetSplit, options: FindLeaksOptions = {}): void {
  const { train, validation, test } = parts
  const heldOut = validation && test ? union(validation, test) : (validation ?? test)
  // Training data, which is the most, is looked at once; which of the two it is that leaks is found out only where one does.
  if (heldOut && findLeaks(train, heldOut, options).length > 0) {
    for (const part of [validation, test]) if (part) checkLeaks(train, part, options)
  }
  if (validation && test) checkLeaks(validation, test, options)
}

/** Two sets as one; a second text of an id gets an id of its own, so that none is lost. */
function union(a: QADataset, b: QADataset): QADataset {
  const rename = (taken: ReadonlyMap<string, string>) => {
    return (id: string, text: string | undefined) => ((taken.get(id) ?? text) === text ? id : `${id}\0`)
  }
  const [query, document] = [rename(a.queries), rename(a.corpus)]
  const texts = (first: ReadonlyMap<string, string>, second: ReadonlyMap<string, string>, name: typeof query) =>
    new Map([...first, ...[...second].map(([id, text]): [string, string] => [name(id, text), text])])
  const qrels = new Map(a.qrels)
  for (const [id, judged] of b.qrels) {
    const key = query(id, b.queries.get(id))
    const own = [...judged].map(([doc, grade]): [string, number] => [document(doc, b.corpus.get(doc)), grade])
    qrels.set(key, new Map([...(qrels.get(key) ?? []), ...own]))
  }
  const corpus = texts(a.corpus, b.corpus, document)
  return { name: `${a.name} and ${b.name}`, queries: texts(a.queries, b.queries, query), corpus, qrels }
}

/** One leak in words, such as `document "a" has the text of "b"`. */
function describe({ kind, train, heldOut, match, similarity }: Leak): string {
  const relation = {
    text: `has the text of ${quote(train)}`,
    near: `is near-identical to ${quote(train)} (${Math.floor(similarity * 100)} %)`,
    id: 'is in both, with different texts',
  }[match]
  return `${kind} ${quote(heldOut)} ${relation}`
}

function findShared(
  kind: Leak['kind'],
  train: ReadonlyMap<string, string>,
  heldOut: ReadonlyMap<string, string>,
  ids: boolean,
): Leak[] {
  const leaks = findNearDuplicates(train, heldOut).map(
    ({ a, b, similarity, same }): Leak => ({
      kind,
      // Of several texts that are the same, the one of the same id says most.
      train: same && train.get(b) === heldOut.get(b) ? b : a,
      heldOut: b,
      match: same ? 'text' : 'near',
      similarity,
    }),
  )
  if (!ids) return leaks
  const paired = new Set(leaks.filter(leak => leak.train === leak.heldOut).map(leak => leak.heldOut))
  const byId = [...heldOut.keys()].filter(id => train.has(id) && !paired.has(id))
  return [...leaks, ...byId.map((id): Leak => ({ kind, train: id, heldOut: id, match: 'id', similarity: 0 }))]
}

function relevantDocuments({ corpus, qrels }: QADataset): Map<string, string> {
  const relevant = new Map<string, string>()
  for (const judged of qrels.values()) {
    for (const [id, grade] of judged) {
      const text = grade > 0 ? corpus.get(id) : undefined
      if (text !== undefined) relevant.set(id, text)
    }
  }
  return relevant
}
