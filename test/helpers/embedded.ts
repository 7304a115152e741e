import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { fromRows, type Matrix } from '../../src/math/matrix.js'

export interface EmbeddedParts {
  readonly queries: Matrix | readonly (readonly number[])[]
  readonly docs: Matrix | readonly (readonly number[])[]
  /** For each query row: relevant document rows, or [document row, grade] pairs. */
  readonly positives: readonly (readonly (number | readonly [number, number])[])[]
  /** For each query row: document rows that were judged not relevant; by default nothing was. */
  readonly judgedNegatives?: readonly (readonly number[])[]
  /** By default `doc<row>`. */
  readonly docIds?: readonly string[]
  /** By default every document has a text of its own. */
  readonly docTextGroup?: readonly number[]
}

/** A data set as if it had been embedded; query row i has id `query<i>`. */
export function embedded(parts: EmbeddedParts): EmbeddedDataset {
  const queries = toMatrix(parts.queries)
  const docs = toMatrix(parts.docs)
  const numbers = Array.from({ length: docs.rows }, (_, i) => i)
  return {
    baseId: 'test/model',
    queryIds: Array.from({ length: queries.rows }, (_, i) => `query${i}`),
    docIds: parts.docIds ?? numbers.map(i => `doc${i}`),
    queries,
    docs,
    positives: parts.positives.map(
      list => new Map(list.map(entry => (typeof entry === 'number' ? ([entry, 1] as const) : entry))),
    ),
    ...(parts.judgedNegatives && { judgedNegatives: parts.judgedNegatives }),
    docTextGroup: Uint32Array.from(parts.docTextGroup ?? numbers),
  }
}

function toMatrix(m: EmbeddedParts['docs']): Matrix {
  return 'data' in m ? m : fromRows(m)
}
