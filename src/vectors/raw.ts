import { invalidFile } from '../dataset/text-file.js'
import type { Matrix } from '../math/matrix.js'
import type { RowSource } from '../math/row-source.js'
import { type BinaryFile, withBinaryFile } from './binary-file.js'
import { createFileRows, type FileLayout, readAll } from './file-rows.js'

/** Reads a file of little-endian float32 values, row after row. Returns unchecked values, which may be NaN or infinite. */
export async function readRaw(path: string, dimensions: number): Promise<Matrix> {
  return withBinaryFile(path, file => readAll(file, layoutOf(file, dimensions)))
}

/** Opens such a file to read its rows on demand; throws as `readRaw` except ENGINE_MEMORY. */
export async function openRaw(path: string, dimensions: number): Promise<RowSource> {
  return createFileRows(withBinaryFile(path, file => layoutOf(file, dimensions)))
}

function layoutOf({ path, stats: { size } }: BinaryFile, dimensions: number): FileLayout {
  const rowBytes = 4 * dimensions
  const left = size % rowBytes
  if (left !== 0) {
    const expected = `expected a multiple of ${rowBytes} (${dimensions} values of 4 bytes)`
    const problem = `has ${size} bytes, ${expected}: ${left} are left over after ${Math.floor(size / rowBytes)} rows`
    throw invalidFile({ file: path }, `${problem}. Check the dimension, that it is float32, and that it is complete.`)
  }
  return { path, start: 0, type: { bytes: 4, littleEndian: true }, rows: size / rowBytes, cols: dimensions }
}
