import { type Matrix, matrix, norm, normalizeInPlace, row } from './matrix.js'

/** Vectors that need not be in memory: rows are copied out on demand. */
export interface RowSource {
  readonly rows: number
  readonly cols: number
  /** Copies the given rows, in any order and also repeatedly, to out [rows.length, cols]. */
  gather(rows: Uint32Array, out: Float32Array): void
}

/** Vectors in memory or elsewhere. */
export type Rows = Matrix | RowSource

/** Values of a block that {@link blocksOf} gives at once, about: 8 MiB as float32. */
const BLOCK_VALUES = 2_097_152

/** True if all rows are in memory. */
export const isInMemory = (rows: Rows): rows is Matrix => 'data' in rows

/** Makes a source of a matrix; returns a source unchanged. */
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

/** Normalises the rows of a source, with the same values as `normalizedRows`. */
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

/** Selects rows, in the given order, without a copy. */
export function selectedRows(from: Rows, indices: Uint32Array): RowSource {
  const source = rowSource(from)
  return {
    rows: indices.length,
    cols: source.cols,
    gather(rows, out) {
      const selected = rows.map(i => indices[i])
      source.gather(selected, out)
    },
  }
}

/** Rows of several sources, one after the other. */
export function joinRows(parts: readonly { readonly from: Rows; readonly rows: Uint32Array }[]): RowSource {
  const sources = parts.map(({ from, rows }) => selectedRows(from, rows))
  const starts = sources.map((_, i) => sources.slice(0, i).reduce((sum, { rows }) => sum + rows, 0))
  const { cols } = sources[0]
  return {
    rows: sources.reduce((sum, { rows }) => sum + rows, 0),
    cols,
    gather(rows, out) {
      sources.forEach((source, s) => {
        const end = starts[s] + source.rows
        const places = Uint32Array.from(rows.keys()).filter(i => rows[i] >= starts[s] && rows[i] < end)
        const own = places.map(i => rows[i] - starts[s])
        const found = gatherRows(source, own)
        for (const [i, place] of places.entries()) out.set(row(found, i), place * cols)
      })
    },
  }
}

/** Copies the given rows, in the given order, into a matrix. */
export function gatherRows(from: Rows, indices: ArrayLike<number>): Matrix {
  const out = matrix(indices.length, from.cols)
  rowSource(from).gather(Uint32Array.from(indices), out.data)
  return out
}

/** Returns all rows as a matrix: themselves, or a copy. */
export const toMatrix = (from: Rows): Matrix => (isInMemory(from) ? from : gatherRows(from, rowRange(0, from.rows)))

/** The row numbers `start` to `start + count`. */
export function rowRange(start: number, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => start + i)
}

/** All rows in order by blocks: the number of the first row, and the block, valid until the next is asked for. */
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

/** Tolerance of unit length. */
const UNIT_TOLERANCE = 1e-3

/** True if all rows have unit length, within float32's rounding. */
export function isNormalized(vectors: Rows): boolean {
  for (const { block } of blocksOf(vectors)) {
    for (let i = 0; i < block.rows; i++) if (Math.abs(norm(row(block, i)) - 1) > UNIT_TOLERANCE) return false
  }
  return true
}

/**
 * The first `cols` values of every row: what a team stores that keeps 512 of 1,536 dimensions. In memory where the rows are.
 * @see https://arxiv.org/abs/2205.13147 (Kusupati et al., Matryoshka representations)
 */
export function truncateRows(from: Matrix, cols: number): Matrix
export function truncateRows(from: Rows, cols: number): Rows
export function truncateRows(from: Rows, cols: number): Rows {
  return cols === from.cols ? from : mapRows(from, cols, row => row.subarray(0, cols))
}

/** Makes a row of `cols` values of each row: at once where the rows are in memory, else when they are read. */
export function mapRows(from: Rows, cols: number, map: (row: Float32Array) => Float32Array): Rows {
  const width = from.cols
  const fill = (rows: Float32Array, out: Float32Array): void => {
    for (let i = 0; i * width < rows.length; i++) out.set(map(rows.subarray(i * width, (i + 1) * width)), i * cols)
  }
  if (isInMemory(from)) {
    const out = matrix(from.rows, cols)
    fill(from.data, out.data)
    return out
  }
  return {
    rows: from.rows,
    cols,
    gather(rows, out) {
      const whole = new Float32Array(rows.length * width)
      from.gather(rows, whole)
      fill(whole, out)
    },
  }
}
