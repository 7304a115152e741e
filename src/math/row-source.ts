import { type Matrix, matrix, normalizeInPlace, row } from './matrix.js'

/** Vectors that need not be in memory: rows are copied out where they are needed. */
export interface RowSource {
  readonly rows: number
  readonly cols: number
  /**
   * out[i, :] = row `rows[i]`
   * @param rows in any order, also several times the same
   * @param out [rows.length, cols], row-major
   */
  gather(rows: Uint32Array, out: Float32Array): void
}

/** Vectors in memory or elsewhere. */
export type Rows = Matrix | RowSource

/** Values of a block that {@link blocksOf} gives at once, about: 8 MiB as float32. */
const BLOCK_VALUES = 2 * 1024 * 1024

/** Whether all rows are in memory. */
export function isInMemory(rows: Rows): rows is Matrix {
  return 'data' in rows
}

/** The rows of a matrix as a source; a source is given back as it is. */
export function rowSource(from: Rows): RowSource {
  if (!isInMemory(from)) return from
  return {
    rows: from.rows,
    cols: from.cols,
    gather(rows, out) {
      for (let i = 0; i < rows.length; i++) out.set(row(from, rows[i]), i * from.cols)
    },
  }
}

/** The rows of a source scaled to length 1, with the same values as `normalizedRows` gives. */
export function normalizedSource(source: RowSource): RowSource {
  const { rows: count, cols } = source
  return {
    rows: count,
    cols,
    gather(rows, out) {
      source.gather(rows, out)
      for (let i = 0; i < rows.length; i++) normalizeInPlace(out.subarray(i * cols, (i + 1) * cols))
    },
  }
}

/** The given rows, in the given order, as a source of their own; nothing is copied. */
export function selectedRows(from: Rows, indices: Uint32Array): RowSource {
  const source = rowSource(from)
  return {
    rows: indices.length,
    cols: source.cols,
    gather: (rows, out) =>
      source.gather(
        rows.map(i => indices[i]),
        out,
      ),
  }
}

/** Copies the given rows, in the given order, into a matrix. */
export function gatherRows(from: Rows, indices: ArrayLike<number>): Matrix {
  const out = matrix(indices.length, from.cols)
  rowSource(from).gather(Uint32Array.from(indices), out.data)
  return out
}

/** All rows as a matrix: the one that they are, or a copy. */
export function toMatrix(from: Rows): Matrix {
  return isInMemory(from) ? from : gatherRows(from, rowRange(0, from.rows))
}

/** The row numbers `start` to `start + count`. */
export function rowRange(start: number, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => start + i)
}

/**
 * All rows in order, some at a time.
 * @returns the number of the first row of a block, and the block, which is valid until the next one is asked for
 */
export function* blocksOf(
  from: Rows,
  size = Math.max(1, Math.floor(BLOCK_VALUES / from.cols)),
): Generator<{ readonly start: number; readonly block: Matrix }> {
  const { rows, cols } = from
  const buffer = isInMemory(from) ? undefined : new Float32Array(Math.min(size, rows) * cols)
  for (let start = 0; start < rows; start += size) {
    const count = Math.min(size, rows - start)
    if (isInMemory(from)) {
      yield { start, block: matrix(count, cols, from.data.subarray(start * cols, (start + count) * cols)) }
    } else {
      const data = buffer!.subarray(0, count * cols)
      from.gather(rowRange(start, count), data)
      yield { start, block: matrix(count, cols, data) }
    }
  }
}
