import { AdapterTrainError } from '../errors.js'
import { type Matrix, matrix } from '../math/matrix.js'

/** Fills a matrix row by row, in any order; its width is that of the first vector. */
export interface MatrixBuilder {
  /** Length of the vectors; `undefined` before the first. */
  readonly cols: number | undefined
  set(row: number, vector: Float32Array): void
  /** Copies row `from` to row `to`. */
  copy(from: number, to: number): void
  /** The matrix itself, not a copy; `cols` where no vector came. */
  build(cols: number): Matrix
}

/** @throws ENGINE_MEMORY (from `set`) when there is no room for the matrix */
export function matrixBuilder(rows: number): MatrixBuilder {
  let m: Matrix | undefined
  return {
    get cols() {
      return m?.cols
    },
    set(row, vector) {
      m ??= allocate(rows, vector.length)
      m.data.set(vector, row * m.cols)
    },
    copy(from, to) {
      if (m !== undefined) m.data.copyWithin(to * m.cols, from * m.cols, (from + 1) * m.cols)
    },
    build: cols => m ?? matrix(rows, cols),
  }
}

function allocate(rows: number, cols: number): Matrix {
  try {
    return matrix(rows, cols)
  } catch (error) {
    const gigabytes = ((rows * cols * 4) / 1e9).toFixed(1)
    const message = `no memory for ${rows} vectors of ${cols} values (${gigabytes} GB): use fewer texts or shorter vectors`
    throw new AdapterTrainError('ENGINE_MEMORY', message, { cause: error, details: { rows, cols } })
  }
}
