import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { SparseRows } from '../engines/engine.js'
import type { Random } from '../math/random.js'
import type { Rows } from '../math/row-source.js'

/** One training batch: queries, the documents they are ranked against, and which of those are right, wrong or left out. */
export interface CandidateBatch {
  /** [B] rows of the query matrix. */
  readonly queryRows: Uint32Array
  /**
   * Rows of the document matrix that are the first columns of the score matrix; the same object for all batches of an epoch, so
   * that the documents are gathered once.
   */
  readonly pool?: Uint32Array
  /** Rows of the document matrix that are the columns after the pool's: the batch's own candidates. */
  readonly documentRows: Uint32Array
  /** Weights of the positive columns of every query; they sum to the query's weight. */
  readonly targets: SparseRows
  /** Columns that are neither positive nor negative for a query. */
  readonly masked: SparseRows
  /** [P] added to the logits of every column: the correction for a pool that is a sample. */
  readonly offset?: Float32Array
}

/** How negatives are chosen: turns a data set into batches of queries with candidates. */
export interface CandidateSource {
  /** Training examples in an epoch. */
  readonly examples: number
  /** Sum of the examples' weights; absent where each counts 1. */
  readonly weight?: number
  /** Batches in an epoch. */
  readonly steps: number
  /** Absent where no negatives are mined. */
  readonly mining?: Mining
  /** The batches of one epoch, in a new random order. */
  epoch(random: Random): Iterable<CandidateBatch>
}

/** What a source wants to know of the documents that the adapter, as it stands, ranks highest for its queries. */
export interface Mining {
  /** Rows of the queries whose negatives are mined. */
  readonly queryRows: Uint32Array
  /** Documents wanted for each, at most. */
  readonly count: number
  /** Whether negatives are mined before this epoch, from 1. */
  due(epoch: number): boolean
  /**
   * The highest cosine with a query that a negative of it may have.
   * @param positives cosines of the query's positives
   */
  ceiling(positives: ArrayLike<number>): number
  /** Whether a document may be a negative of a query at all. */
  allows(queryRow: number, documentRow: number): boolean
  /** Takes the documents found for a query, those with the highest cosine first. */
  accept(queryRow: number, documentRows: Uint32Array): void
}

export interface CandidateOptions {
  /** Examples in a batch. */
  readonly batchSize: number
  /** Most documents that a pool holds; above a quarter more than this it is sampled anew every epoch. */
  readonly maxNegatives?: number
  /** Mined negatives of a query. */
  readonly hardNegatives?: number
  /** Share of its best positive's cosine by which a mined negative of a query has to stay below it. */
  readonly hardMargin?: number
  /** Epochs after which negatives are mined anew. */
  readonly mineEvery?: number
}

/** A choice of negatives. */
export interface Negatives {
  readonly name: string
  /** One line for `--help`. */
  readonly description: string
  create(data: EmbeddedDataset<Rows>, options: CandidateOptions): CandidateSource
}
