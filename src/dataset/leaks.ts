import { AdapterTrainError } from '../errors.js'
import { quote } from './check.js'
import { positivesOf, type QADataset } from './dataset.js'
import { findNearDuplicates } from './near-duplicates.js'
import type { DatasetSplit } from './split.js'

/** A query or document that a training and a held-out split share. */
export interface Leak {
  readonly kind: 'query' | 'document'
  /** Id in the training split. */
  readonly train: string
  /** Id in the held-out split. */
  readonly heldOut: string
  /** `text`: equal except for case, white space and end punctuation. `near`: near-duplicate. `id`: same id, another text. */
  readonly match: 'text' | 'near' | 'id'
  /** Share of the five-word shingles of the shorter text that the other has; 1 for `text`, 0 for `id`. */
  readonly similarity: number
}

/** Definition of a leak. */
export interface FindLeaksOptions {
  /**
   * `relevant` (default): documents relevant to a query in both are a leak too; a common corpus is none. `none`: only
   * queries are compared.
   */
  readonly documents?: 'relevant' | 'none'
  /** True (default) if a common id with different texts counts; false for files whose ids are unrelated. */
  readonly ids?: boolean
}

/**
 * Finds queries and documents of a held-out split that the training split has too, by id, text or near-duplicate
 * (`NEAR_IDENTICAL`), and that would inflate the adapter's score.
 * @returns at least one pair for everything shared, queries first, in the order of `heldOut`
 */
export function findLeaks(train: QADataset, heldOut: QADataset, options: FindLeaksOptions = {}): readonly Leak[] {
  const { documents = 'relevant', ids = true } = options
  const leaks = findShared('query', train.queries, heldOut.queries, ids)
  if (documents === 'none') return leaks
  const side = (dataset: QADataset) => {
    const ids = [...dataset.qrels.keys()].flatMap(query => positivesOf(dataset, query))
    return new Map(ids.map(id => [id, dataset.corpus.get(id)!]))
  }
  return [...leaks, ...findShared('document', side(train), side(heldOut), ids)]
}

const NAMED = 5

/**
 * Checks that a held-out split shares nothing with the training split.
 * @throws DATASET_LEAK with the first ids and the counts; all leaks are in `details.leaks`
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
  const problem = `${heldOut.name} shares ${counts.join(' and ')} with ${train.name}: ${named.join('; ')}`
  const remedy = 'Leave them out of one of the two, or split again so that they stay together.'
  const details = { train: train.name, heldOut: heldOut.name, leaks }
  throw new AdapterTrainError('DATASET_LEAK', `${problem}. ${remedy}`, { details })
}

/** Checks that no two splits share queries or documents. @throws DATASET_LEAK as {@link checkLeaks} */
export function checkPartsForLeaks(parts: DatasetSplit, options: FindLeaksOptions = {}): void {
  const { train, validation, test } = parts
  const heldOut = validation && test ? union(validation, test) : (validation ?? test)
  // Training data, the largest split, is examined once; only a leak needs to know which of the two has it.
  if (heldOut && findLeaks(train, heldOut, options).length > 0) {
    for (const part of [validation, test]) if (part) checkLeaks(train, part, options)
  }
  if (validation && test) checkLeaks(validation, test, options)
}

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
