/**
 * Queries, documents and which document answers which query.
 *
 * `qrels` maps a query id to its judged documents and their grades: a document is relevant when its grade is above 0
 * (trec_eval's rule). A document with grade 0 is judged not relevant. Maps keep the order of the file.
 */
export interface QADataset {
  /** Where it came from, for messages: a file or folder name. */
  readonly name: string
  /** query id -> text */
  readonly queries: ReadonlyMap<string, string>
  /** document id -> text */
  readonly corpus: ReadonlyMap<string, string>
  /** query id -> document id -> grade */
  readonly qrels: ReadonlyMap<string, ReadonlyMap<string, number>>
}

/** One thing that was wrong in the input and, with `skipInvalid`, left out. */
export interface DatasetIssue {
  readonly file: string
  /** 1-based, where the format has lines. */
  readonly line?: number
  readonly id?: string
  /** What was found and what was expected, one sentence without a full stop. */
  readonly problem: string
  /** Set where a query has no relevant document, and nothing that was left out is the cause. */
  readonly unanswered?: true
}

/** A data set as it was read, and what was said on the way. */
export interface LoadedDataset {
  readonly dataset: QADataset
  /** Empty unless `skipInvalid` was given. */
  readonly skipped: readonly DatasetIssue[]
  /** What was read otherwise than one may think, and is not wrong, such as questions without an answer; each a sentence. */
  readonly notes: readonly string[]
}
