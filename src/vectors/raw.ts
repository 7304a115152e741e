import { invalidFile } from '../dataset/place.js'
import type { Matrix } from '../math/matrix.js'
import type { RowSource } from '../math/row-source.js'
import { writeFileAtomic } from '../write-file-atomic.js'
import { allocateMatrix } from './allocate-matrix.js'
import { type BinaryFile, withBinaryFile } from './binary-file.js'
import { createFileRows, type FileLayout } from './file-rows.js'
import { littleEndianBytes, readFloats } from './floats.js'

/**
 * Reads a file that is nothing but little-endian float32 values, row after row.
 *
 * @param dimensions values in a row
 * @returns values are not checked and may be NaN or infinite
 * @throws FILE_NOT_FOUND, FILE_READ
 * @throws DATASET_INVALID when the file does not hold a whole number of rows
 * @throws ENGINE_MEMORY when there is no room for it
 */
export function readRaw(path: string, dimensions: number): Promise<Matrix> {
  return withBinaryFile(path, async file => {
    const { rows, type } = layoutOf(file, dimensions)
    const out = allocateMatrix(path, rows, dimensions)
    await readFloats(file, type, out.data)
    return out
  })
}

/**
 * The rows of such a file, left where they are until they are asked for.
 * @throws as {@link readRaw}, but for ENGINE_MEMORY
 */
export function openRaw(path: string, dimensions: number): Promise<RowSource> {
  return withBinaryFile(path, async file => createFileRows(layoutOf(file, dimensions)))
}

function layoutOf({ path, size }: BinaryFile, dimensions: number): FileLayout {
  const rowBytes = 4 * dimensions
  const left = size % rowBytes
  if (left !== 0) {
    const expected = `expected a multiple of ${rowBytes} (${dimensions} values of 4 bytes)`
    const problem = `has ${size} bytes, ${expected}: ${left} are left over after ${Math.floor(size / rowBytes)} rows`
    throw invalidFile({ file: path }, `${problem}. Check the dimension, that it is float32, and that it is complete.`)
  }
  return { path, start: 0, type: { bytes: 4, littleEndian: true }, rows: size / rowBytes, cols: dimensions }
}

/**
 * Writes the values of a matrix as little-endian float32, row after row.
 * @throws FILE_WRITE when the file cannot be written; the old content is then untouched
 */
export function writeRaw(m: Matrix, path: string): void {
  writeFileAtomic(path, littleEndianBytes(m.data))
}
