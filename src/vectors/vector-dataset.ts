import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Matrix } from '../math/matrix.js'
import type { Rows } from '../math/row-source.js'

/** An embedded data set of vectors that were made elsewhere, with the texts behind them where they are known. */
export interface VectorDataset<V extends Rows = Matrix> extends EmbeddedDataset<V> {
  /** Text of each row of `queries`; absent where none is known. */
  readonly queryTexts?: readonly (string | undefined)[]
  /** Text of each row of `docs`; absent where none is known. */
  readonly docTexts?: readonly (string | undefined)[]
}

/** Training, validation and test part; data sets with the same documents share one `docs` object. */
export interface VectorParts<V extends Rows = Matrix> {
  readonly train: VectorDataset<V>
  readonly validation?: VectorDataset<V>
  readonly test?: VectorDataset<V>
}
