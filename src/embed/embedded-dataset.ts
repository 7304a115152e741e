import { getOrInsert } from '../maps.js'
import type { Matrix } from '../math/matrix.js'
import type { Rows } from '../math/row-source.js'

/** A dataset as vectors and row numbers, in memory; an `EmbeddedDataset<Rows>` may have its vectors elsewhere. */
export interface EmbeddedDataset<V extends Rows = Matrix> {
  /** Embedding space: the provider's `id`. */
  readonly baseId: string
  /** Id of each row of `queries`. */
  readonly queryIds: readonly string[]
  /** Id of each row of `docs`. */
  readonly docIds: readonly string[]
  /** [queries, dimensions]; `data` may be a view of a larger buffer (mind its `byteOffset`). */
  readonly queries: V
  /** [documents, dimensions], perhaps a view; datasets with the same corpus share one object. */
  readonly docs: V
  /** Per query row: document row -> grade, for grades above 0. */
  readonly positives: readonly ReadonlyMap<number, number>[]
  /** Per query row: rows of documents judged not relevant; absent if there are none. */
  readonly judgedNegatives?: readonly (readonly number[])[]
  /** Weight of each query in training; absent if each is 1. */
  readonly weights?: Float32Array
  /** Group of each document row; rows of identical text share one, so a copy of a positive is never a negative. */
  readonly docTextGroup: Uint32Array
  /** Ids of queries that are a document too; the document is left out of their own ranking, see `ownDocumentOf`. */
  readonly selfMatches?: ReadonlySet<string>
  /** Text of each row of `queries`; absent if none is known. */
  readonly queryTexts?: Texts
  /** Text of each row of `docs`; absent if none is known. */
  readonly docTexts?: Texts
}

/** A text per row; undefined if it is not known. */
export type Texts = readonly (string | undefined)[]

/** Counts (query, relevant document) pairs. */
export function countPairs({ positives }: Pick<EmbeddedDataset<Rows>, 'positives'>): number {
  return positives.reduce((sum, { size }) => sum + size, 0)
}

/** Finds the rows of queries with a relevant document. */
export function labelledRows({ positives }: Pick<EmbeddedDataset<Rows>, 'positives'>): Uint32Array {
  return Uint32Array.from(positives.flatMap(({ size }, row) => (size > 0 ? [row] : [])))
}

/** Selects queries of a dataset, without their vectors. */
export function selectQueries<V extends Rows>(
  { queries: _, ...data }: EmbeddedDataset<V>,
  rows: ArrayLike<number>,
): Omit<EmbeddedDataset<V>, 'queries'> {
  const pick = <T>(values: readonly T[]): T[] => Array.from(rows, i => values[i])
  const { queryIds, positives, weights, judgedNegatives, queryTexts } = data
  return {
    ...data,
    queryIds: pick(queryIds),
    positives: pick(positives),
    ...(weights && { weights: Float32Array.from(rows, i => weights[i]) }),
    ...(judgedNegatives && { judgedNegatives: pick(judgedNegatives) }),
    ...(queryTexts && { queryTexts: pick(queryTexts) }),
  }
}

/** Makes a function that returns the row of the document that a query itself is, and that its ranking leaves out. */
export function ownDocumentOf(data: Pick<EmbeddedDataset<Rows>, 'queryIds' | 'docIds' | 'positives' | 'selfMatches'>) {
  const { queryIds, docIds, positives, selfMatches } = data
  if (!selfMatches?.size) return () => undefined
  const rowOf = getOrInsert(rowsOf, docIds, () => new Map(docIds.map((id, row) => [id, row])))
  return (query: number): number | undefined => {
    const row = selfMatches.has(queryIds[query]) ? rowOf.get(queryIds[query]) : undefined
    return row === undefined || positives[query].has(row) ? undefined : row
  }
}

const rowsOf = new WeakMap<readonly string[], ReadonlyMap<string, number>>()

/** Training, validation and test set; those with the same documents share one `docs` object. */
export interface VectorParts<V extends Rows = Matrix> {
  readonly train: EmbeddedDataset<V>
  readonly validation?: EmbeddedDataset<V>
  readonly test?: EmbeddedDataset<V>
}
