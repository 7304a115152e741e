import type { FieldNames } from '../fields.js'
import type { Probe } from '../probe.js'
import type { DatasetSink } from '../sink.js'

export interface FormatOptions {
  /** Which of several sets of judgements: `train`, `dev`, `test`, ... */
  readonly split?: string
  /** The user's own names of fields or columns. */
  readonly fields?: FieldNames
  /** The documents, id -> text, for a file that names them by id alone. */
  readonly corpus?: ReadonlyMap<string, string>
  /** Clicks on a document that make it relevant, at the least. */
  readonly minClicks?: number
}

/** A file or folder layout that data sets come in. */
export interface DatasetFormat {
  readonly name: string
  /** Completes "expected ...", for messages and help. */
  readonly description: string
  /** Whether `split` means something to it. */
  readonly hasSplits: boolean
  /** Whether `fields` does. */
  readonly hasFields: boolean
  /** Whether `corpus` and `minClicks` do. */
  readonly hasClicks?: boolean
  /** Whether the content (not the name) looks like this format, broken or not. */
  detect(probe: Probe): boolean
  /**
   * Pours the entries into the sink.
   * @throws DATASET_INVALID when it is broken as a whole
   */
  read(probe: Probe, sink: DatasetSink, options: FormatOptions): Promise<void>
}
