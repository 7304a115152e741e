import type { Matrix } from '../math/matrix.js'
import type { Rows } from '../math/row-source.js'

/**
 * A data set as vectors and row numbers: what training and evaluation work on.
 *
 * Its vectors are in memory; an `EmbeddedDataset<Rows>` may have them elsewhere.
 */
export interface EmbeddedDataset<V extends Rows = Matrix> {
  /** The provider's `id`: the embedding space that the vectors live in. */
  readonly baseId: string
  /** Id of each row of `queries`. */
  readonly queryIds: readonly string[]
  /** Id of each row of `docs`. */
  readonly docIds: readonly string[]
  /** [queries, dimensions], in the data set's order; `data` may be a view of a larger buffer (mind its `byteOffset`). */
  readonly queries: V
  /**
   * [documents, dimensions], in the corpus' order; `data` may be a view of a larger buffer. Data sets with the same corpus
   * share one object.
   */
  readonly docs: V
  /** For each query row: document row -> grade, of the documents whose grade is above 0. */
  readonly positives: readonly ReadonlyMap<number, number>[]
  /** For each query row: rows of the documents that were judged not relevant; absent where there are none. */
  readonly judgedNegatives?: readonly (readonly number[])[]
  /** How much each query counts in training; absent where each counts 1. */
  readonly weights?: Float32Array
  /** A number for each document row; rows of identical text share it, so a copy of a positive is never a negative. */
  readonly docTextGroup: Uint32Array
}

/** (query, relevant document) pairs. */
export function countPairs({ positives }: Pick<EmbeddedDataset<Rows>, 'positives'>): number {
  return positives.reduce((sum, { size }) => sum + size, 0)
}

/** Rows of the queries that have a relevant document. */
export function labelledRows({ positives }: Pick<EmbeddedDataset<Rows>, 'positives'>): Uint32Array {
  return Uint32Array.from(positives.flatMap(({ size }, row) => (size > 0 ? [row] : [])))
}
