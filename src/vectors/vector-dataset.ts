import type { EmbeddedDataset } from '../embed/embedded-dataset.js'

/** An embedded data set of vectors that were made elsewhere, with the texts behind them where they are known. */
export interface VectorDataset extends EmbeddedDataset {
  /** Text of each row of `queries`; absent where none is known. */
  readonly queryTexts?: readonly (string | undefined)[]
  /** Text of each row of `docs`; absent where none is known. */
  readonly docTexts?: readonly (string | undefined)[]
}

/** Training, validation and test part; data sets with the same documents share one `docs` object. */
export interface VectorParts {
  readonly train: VectorDataset
  readonly validation?: VectorDataset
  readonly test?: VectorDataset
}
