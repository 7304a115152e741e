import type { FieldNames } from '../fields.js'
import type { Probe } from '../probe.js'
import type { DatasetSink } from '../sink.js'

export interface FormatOptions {
  /** Qrels file of a BEIR folder: `train`, `dev`, `test`, ... Default: the only one. */
  readonly split?: string
  /** The file's names of the fields of a record, such as `{ query: 'question', document: 'answer' }`. */
  readonly fields?: FieldNames
  /** Documents, id -> text, for a file that only names their ids. */
  readonly corpus?: ReadonlyMap<string, string>
  /** For a search log: least clicks that make a document relevant. Default: 1. */
  readonly minClicks?: number
  /** Documents are elsewhere, such as in an index: judgements may name any id. Default: false. */
  readonly documentsElsewhere?: boolean
}

/** A file or folder layout of datasets. */
export interface DatasetFormat {
  readonly name: string
  /** Completes "expected ...", for messages and help. */
  readonly description: string
  readonly hasSplits?: boolean
  readonly hasFields?: boolean
  readonly hasClicks?: boolean
  /** True if the content (not the name) has this format, broken or not. */
  detect(probe: Probe): boolean
  /** Reads the entries into the sink. @throws DATASET_INVALID if the file is broken as a whole */
  read(probe: Probe, sink: DatasetSink, options: FormatOptions): Promise<void>
  /** Names the documents of a file that has only judgements: a dataset or a file of documents, relative to the file's folder. */
  documentsOf?(probe: Probe): { readonly data?: string; readonly split?: string; readonly corpus?: string } | undefined
}
