import { getOrInsert } from '../maps.js'
import { fromBase64, readFloats } from './bytes.js'
import { dot, type Matrix, matrix, normalizeInPlace, row } from './matrix.js'
import { mapRows, type Rows } from './row-source.js'

/** Orthonormal rows that reduce vectors, in the form that an adapter file has. */
export interface Projection {
  /** Dimensions of the reduced vectors, and of those that are reduced. */
  readonly shape: readonly [rows: number, cols: number]
  /** Base64 of the values, float32, little-endian, row by row. */
  readonly data: string
}

const decoded = new WeakMap<Projection, Matrix>()

/**
 * Decodes a projection, once.
 * @throws RangeError if the values are not as many as its shape says
 */
export function projectionMatrix(projection: Projection): Matrix {
  const [rows, cols] = projection.shape
  return getOrInsert(decoded, projection, () => matrix(rows, cols, readFloats(fromBase64(projection.data), 4)))
}

/** Reduces one vector: P x. */
export function project(projection: Projection, x: ArrayLike<number>): Float32Array {
  const P = projectionMatrix(projection)
  return Float32Array.from({ length: P.rows }, (_, i) => dot(row(P, i), x))
}

/**
 * Reduces every row; in memory where the rows are.
 * @param unit scales the results to length 1
 */
export function projectRows(from: Rows, projection: Projection, unit: boolean): Rows {
  return mapRows(from, projection.shape[0], row => {
    const reduced = project(projection, row)
    return unit ? normalizeInPlace(reduced) : reduced
  })
}
