import { tmpdir } from 'node:os'
import { AdapterTrainError } from '../errors.js'
import { type Matrix, matrix } from '../math/matrix.js'
import type { Rows } from '../math/row-source.js'
import { createTemporaryRows, type TemporaryRows } from '../vectors/temporary-rows.js'

/** Fills a matrix row by row, in any order; its width is that of the first vector. */
export interface MatrixBuilder<V extends Rows = Matrix> {
  /** Length of the vectors; `undefined` before the first. */
  readonly cols: number | undefined
  set(row: number, vector: Float32Array): void
  /** Copies row `from` to row `to`. */
  copy(from: number, to: number): void
  /** The matrix itself, not a copy; `cols` where no vector came. */
  build(cols: number): V
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

/** When vectors go to a temporary file, and where it is. */
export interface SpillOptions {
  /** Bytes that the vectors of all data sets together may take in memory. */
  readonly memory: number
  /** Folder of the file, on a disk with room for the vectors. Default: the system's for temporary files. */
  readonly spillFolder?: string
}

/** A builder whose rows go to a temporary file where they do not fit into memory. */
export interface SpillingBuilder extends MatrixBuilder<Rows> {
  /** Gives the file's space back. */
  close(): void
}

/**
 * @param total rows that share the memory, those of other builders included
 * @throws FILE_WRITE (from `set`) when the disk has no room
 */
export function spillingBuilder(
  rows: number,
  total: number,
  { memory, spillFolder = tmpdir() }: SpillOptions,
): SpillingBuilder {
  const inMemory = matrixBuilder(rows)
  let file: TemporaryRows | undefined
  return {
    get cols() {
      return file?.cols ?? inMemory.cols
    },
    set(row, vector) {
      if (inMemory.cols === undefined && 4 * total * vector.length > memory) {
        file ??= createTemporaryRows(spillFolder, rows, vector.length)
      }
      if (file) file.set(row, vector)
      else inMemory.set(row, vector)
    },
    copy(from, to) {
      if (!file) return inMemory.copy(from, to)
      const vector = new Float32Array(file.cols)
      file.gather(Uint32Array.of(from), vector)
      file.set(to, vector)
    },
    build: cols => file ?? inMemory.build(cols),
    close: () => file?.close(),
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
