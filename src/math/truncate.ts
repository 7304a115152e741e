import { type Matrix, matrix } from './matrix.js'
import { isInMemory, type RowSource, type Rows } from './row-source.js'

/**
 * The first `cols` values of every row: what a team stores that keeps 512 of 1,536 dimensions. In memory where the rows are.
 * @see https://arxiv.org/abs/2205.13147 (Kusupati et al., Matryoshka representations)
 */
export function truncateRows(from: Matrix, cols: number): Matrix
export function truncateRows(from: Rows, cols: number): Rows
export function truncateRows(from: Rows, cols: number): Rows {
  if (cols === from.cols) return from
  if (isInMemory(from)) {
    const out = matrix(from.rows, cols)
    copyStarts(from.data, from.cols, out.data, cols)
    return out
  }
  const source: RowSource = {
    rows: from.rows,
    cols,
    gather(rows, out) {
      const whole = new Float32Array(rows.length * from.cols)
      from.gather(rows, whole)
      copyStarts(whole, from.cols, out, cols)
    },
  }
  return source
}

function copyStarts(from: Float32Array, width: number, to: Float32Array, cols: number): void {
  for (let i = 0; i * width < from.length; i++) to.set(from.subarray(i * width, i * width + cols), i * cols)
}
