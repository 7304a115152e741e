import { AdapterTrainError, messageOf, usageError } from '../errors.js'
import { isObject, tryJson } from '../json.js'
import { redact } from '../providers/http-error.js'

/** Distance that an index ranks by. */
export type IndexMetric = 'cosine' | 'l2' | 'dot'
/** Effort of an approximate search by the index's own names, such as `{ ef_search: 100 }`. */
export type Effort = Readonly<Record<string, number | string>>

/** Row of an index; ids are compared as text. */
export interface IndexRow {
  readonly id: string
  /** As float32; present if asked for. */
  readonly vector?: Float32Array
  /** Present if asked for and known. */
  readonly text?: string
}

/** Parts of a row to read. Default: the id alone. */
export interface RowParts {
  readonly vectors?: boolean
  readonly text?: boolean
}

/** Rows to read. */
export interface ScanOptions extends RowParts {
  /** Condition in the index's own language: SQL, or a JSON filter. */
  readonly filter?: string
  /** Rows per block, about. */
  readonly size?: number
}

/** How to search. */
export interface SearchOptions {
  readonly filter?: string
  /** True to compare with every row. */
  readonly exact?: boolean
  /** Effort of an approximate search. Default: the server's. */
  readonly effort?: Effort
}

/** A vector index, opened for reading alone. */
export interface VectorIndex {
  /** Address without secrets, such as `pgvector://host/db#table`. */
  readonly id: string
  readonly dimensions: number
  readonly metric: IndexMetric
  /** Type of the stored values, such as `float16`. */
  readonly storage: string
  /** Approximate search; absent if there is none, so that every search compares with every row. */
  readonly ann?: ApproximateSearch
  readonly hasTexts: boolean
  /** Facts that may surprise, a sentence each. */
  readonly notes: readonly string[]
  /** Counts the rows with a vector, those that pass a filter if one is given. */
  count(filter?: string): Promise<number>
  /** Reads all rows with a vector, in blocks. */
  scan(options?: ScanOptions): AsyncIterable<readonly IndexRow[]>
  /** Reads the rows with these ids; others are absent. */
  fetch(ids: readonly string[], parts?: RowParts): Promise<readonly IndexRow[]>
  /** Finds the ids of the nearest rows, best first; fewer than k if the index finds no more. */
  search(vector: Float32Array, k: number, options?: SearchOptions): Promise<readonly string[]>
  /** Ends the connection. */
  close(): Promise<void>
}

/** An approximate search and its settings. */
export interface ApproximateSearch {
  /** Such as `hnsw`. */
  readonly kind: string
  /** Effort of a search that names none; absent if it is not known. */
  readonly effort?: Effort
  /** Efforts to try, ascending; empty if a search cannot choose. */
  readonly ladder: readonly Effort[]
  /** Setting that helps only a search with a filter: efforts with it are not tried on others. */
  readonly filterSetting?: string
  /** What else to do if searches find too few documents. */
  readonly remedy?: string
}

/** Names of the settings of an approximate search. */
export function settingsOf(ann: ApproximateSearch | undefined): string[] {
  return [...new Set(ann?.ladder.flatMap(Object.keys))]
}

export interface IndexAddress {
  /** Before the colon, such as `qdrant+http`. */
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly table: string
  readonly id: string
}

export interface IndexKind {
  readonly name: string
  /** Form of its URL, for messages. */
  readonly form: string
  readonly params: readonly string[]
  /** @throws INDEX_OPEN if it cannot be opened; USAGE if the URL lacks something */
  open(address: IndexAddress): Promise<VectorIndex>
}

/** Makes a row of the parts that were answered. */
export const rowOf = (id: string, vector?: Float32Array, text?: unknown): IndexRow => ({
  id,
  ...(vector && { vector }),
  ...(typeof text === 'string' && { text }),
})

/** Metrics by the names that indexes have for them. */
export const METRICS: ReadonlyMap<unknown, IndexMetric> = new Map([
  ['cosine', 'cosine'],
  ['l2', 'l2'],
  ['ip', 'dot'],
  ['dot', 'dot'],
])

export const SCAN_SIZE = 1000
/** Columns that hold the text of a row, if its URL names none. */
export const TEXT_COLUMNS = ['text', 'body', 'content', 'document', 'chunk', 'page_content'] as const

/** Makes the error of an index that cannot be opened or read; secrets are removed from the message. */
export function indexError(id: string, problem: unknown, secret?: string): AdapterTrainError {
  const cause = problem instanceof Error ? problem : undefined
  return new AdapterTrainError('INDEX_OPEN', `${id}: ${redact(messageOf(problem), secret)}`, {
    details: { index: id },
    ...(cause && secret === undefined && { cause }),
  })
}

/** Loads the client of an index. @throws INDEX_OPEN if it is not installed */
export async function loadClient<T>(packages: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const problem = `the client of this index is not installed; expected the package ${packages.split(' ')[0]}, found none`
    throw new AdapterTrainError('INDEX_OPEN', `${problem}. Install it: npm install ${packages}`, { cause })
  }
}

/** Chooses a column: the one named, else the first of the usual names, else the only one. */
export function chooseColumn(
  id: string,
  parameter: 'id' | 'vector' | 'text',
  named: string | undefined,
  columns: readonly string[],
  usual: readonly string[],
): string | undefined {
  const list = columns.join(', ') || 'none'
  if (named !== undefined) {
    if (columns.includes(named)) return named
    throw indexError(id, `there is no ${parameter} column "${named}"; expected one of ${list}`)
  }
  const found = usual.find(name => columns.includes(name))
  if (found !== undefined || parameter === 'text') return found
  if (columns.length === 1) return columns[0]
  throw indexError(id, `expected one ${parameter} column, found ${list}. Name it in the URL: ?${parameter}=NAME`)
}

/** Doubles a value from `first` to `most`, which is the last. */
export function doubling(first: number, most: number): number[] {
  const values: number[] = []
  for (let value = first; value < most; value *= 2) values.push(value)
  return [...values, most]
}

/** Formats an effort as `ef_search=100`. */
export function effortText(effort: Effort): string {
  return Object.entries(effort)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}

/** Reads `ef_search=100` or `nprobes=40,refine_factor=10`. @throws USAGE if it is not of that form */
export function parseEffort(text: string): Effort {
  const entries = text.split(',').map(part => /^\s*([a-z_]+)=([a-z_]+|\d+)\s*$/.exec(part))
  if (entries.every(found => found !== null))
    return Object.fromEntries(entries.map(([, name, value]) => [name, /^\d/.test(value) ? Number(value) : value]))
  throw usageError(`expected an effort such as ef_search=100 or nprobes=40, found "${text}"`)
}

/** @throws USAGE if an effort has a setting that the index does not have, or a value that is no number or word */
export function checkEffort(id: string, effort: Effort, known: readonly string[]): void {
  const other = Object.keys(effort).find(name => !known.includes(name) || !/^\w+$/.test(String(effort[name])))
  if (other === undefined) return
  const expected = known.length > 0 ? `expected ${known.join(' or ')}` : 'a search has no such setting'
  throw usageError(`${id}: unknown effort "${other}"; ${expected}`)
}

/** Parses the filter of an index that takes JSON. @throws USAGE if it is not an object */
export function jsonFilter(filter: string | undefined): object | undefined {
  if (filter === undefined) return undefined
  const parsed = tryJson(filter)
  if (isObject(parsed)) return parsed
  throw usageError('the filter of this index: expected a JSON object, found another text')
}
