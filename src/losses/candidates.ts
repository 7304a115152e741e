import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { SparseRows } from '../engines/engine.js'
import type { Random } from '../math/random.js'

/** One training batch: queries, the documents they are ranked against, and which of those are right, wrong or left out. */
export interface CandidateBatch {
  /** [B] rows of the query matrix. */
  readonly queryRows: Uint32Array
  /** [P] rows of the document matrix: the columns of the score matrix. */
  readonly documentRows: Uint32Array
  /** Weights of the positive columns of every query. */
  readonly targets: SparseRows
  /** Columns that are neither positive nor negative for a query. */
  readonly masked: SparseRows
}

/** How negatives are chosen: turns a data set into batches of queries with candidates. */
export interface CandidateSource {
  /** Training examples in an epoch. */
  readonly examples: number
  /** Batches in an epoch. */
  readonly steps: number
  /** The batches of one epoch, in a new random order. */
  epoch(random: Random): Iterable<CandidateBatch>
}

/** A choice of negatives. */
export interface Negatives {
  readonly name: string
  /** One line for `--help`. */
  readonly description: string
  create(data: EmbeddedDataset, options: { readonly batchSize: number }): CandidateSource
}
