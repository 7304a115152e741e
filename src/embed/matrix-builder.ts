import { tmpdir } from 'node:os'
import { AdapterTrainError } from '../errors.js'
import { type Matrix, matrix } from '../math/matrix.js'
import type { Rows } from '../math/row-source.js'
import { createTemporaryRows, type TemporaryRows } from '../vectors/file-rows.js'

/** Matrix that is filled row by row, in any order, as wide as the first vector. */
export interface MatrixBuilder<V extends Rows = Matrix> {
  /** Undefined before the first vector. */
  readonly cols: number | undefined
  set(row: number, vector: Float32Array): void
  copy(from: number, to: number): void
  /** Returns the matrix itself, with `cols` columns if no vector came. */
  build(cols: number): V
}

/** @throws ENGINE_MEMORY (from `set`) if there is no room for the matrix */
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

/** Memory limit, and the place of the temporary file for vectors beyond it. */
export interface SpillOptions {
  /** Bytes for the vectors of all datasets together. */
  readonly memory: number
  /** Folder on a disk with room for the vectors. Default: the system's for temporary files. */
  readonly spillFolder?: string
}

export interface SpillingBuilder extends MatrixBuilder<Rows> {
  close(): void
}

/** Makes a builder whose rows go to a temporary file if they exceed the memory limit. */
export function spillingBuilder(rows: number, total: number, { memory, spillFolder = tmpdir() }: SpillOptions): SpillingBuilder {
  const inMemory = matrixBuilder(rows)
  let file: TemporaryRows | undefined
  return {
    get cols() {
      return file?.cols ?? inMemory.cols
    },
    set(row, vector) {
      if (inMemory.cols === undefined && 4 * total * vector.length > memory)
        file ??= createTemporaryRows(spillFolder, rows, vector.length)
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
