import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { SparseRows } from '../engines/engine.js'
import type { Random } from '../math/random.js'
import type { Rows } from '../math/row-source.js'

/** One training batch: queries, the documents they are ranked against, and which of those are right, wrong or left out. */
export interface TrainingBatch {
  readonly queryRows: Uint32Array
  /**
   * Document rows of the first columns of the score matrix; the same object for all batches of an epoch, so that the documents are
   * gathered once.
   */
  readonly pool?: Uint32Array
  /** Document rows of the columns after the pool's: the batch's own. */
  readonly documentRows: Uint32Array
  /** Weights of every query's positive columns, which sum to the query's weight. */
  readonly targets: SparseRows
  /** Columns that are neither positive nor negative for a query. */
  readonly masked: SparseRows
  /** [P] added to the logits of every column: the correction for a sampled pool. */
  readonly offset?: Float32Array
}

/** A dataset as batches of queries with candidate documents. */
export interface BatchSource {
  readonly examples: number
  readonly weight?: number
  readonly steps: number
  /** Absent without mined negatives. */
  readonly mining?: Mining
  /** Makes the batches of one epoch, in a new random order. */
  epoch(random: Random): Iterable<TrainingBatch>
}

/** The negatives a source mines with the current adapter. */
export interface Mining {
  readonly queryRows: Uint32Array
  readonly count: number
  /** True if negatives are mined before this epoch, from 1. */
  due(epoch: number): boolean
  /** Returns the highest cosine of a query's negatives. `positives`: cosines of the query's positives. */
  ceiling(positives: ArrayLike<number>): number
  allows(queryRow: number, documentRow: number): boolean
  /** Takes the documents found for a query, in descending order of cosine. */
  accept(queryRow: number, documentRows: Uint32Array): void
}

/** Training options that concern negatives; see `TRAINING_OPTIONS`. */
export type SourceOptions = Readonly<Record<'batchSize' | 'maxNegatives' | 'hardNegatives' | 'hardMargin' | 'mineEvery', number>>

export interface Negatives {
  readonly name: string
  /** One line for `--help`. */
  readonly description: string
  create(data: EmbeddedDataset<Rows>, options: SourceOptions): BatchSource
}
