import { invalidFile } from '../dataset/place.js'
import type { Matrix } from '../math/matrix.js'
import { writeFileAtomic } from '../write-file-atomic.js'
import { allocateMatrix } from './allocate-matrix.js'
import { withBinaryFile } from './binary-file.js'
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
    const rowBytes = 4 * dimensions
    const left = file.size % rowBytes
    if (left !== 0) {
      const expected = `expected a multiple of ${rowBytes} (${dimensions} values of 4 bytes)`
      const problem = `has ${file.size} bytes, ${expected}: ${left} are left over after ${Math.floor(file.size / rowBytes)} rows`
      throw invalidFile({ file: path }, `${problem}. Check the dimension, that it is float32, and that it is complete.`)
    }
    const out = allocateMatrix(path, file.size / rowBytes, dimensions)
    await readFloats(file, { bytes: 4, littleEndian: true }, out.data)
    return out
  })
}

/**
 * Writes the values of a matrix as little-endian float32, row after row.
 * @throws FILE_WRITE when the file cannot be written; the old content is then untouched
 */
export function writeRaw(m: Matrix, path: string): void {
  writeFileAtomic(path, littleEndianBytes(m.data))
}
