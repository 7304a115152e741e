import { invalidFile } from '../dataset/text-file.js'
import type { Matrix } from '../math/matrix.js'
import type { RowSource } from '../math/row-source.js'
import { allocateMatrix, type BinaryFile, withBinaryFile } from './binary-file.js'
import { createFileRows, type FileLayout } from './file-rows.js'
import { readFloats } from './floats.js'

/** Reads a file of little-endian float32 values, row after row. Returns unchecked values, which may be NaN or infinite. */
export function readRaw(path: string, dimensions: number): Promise<Matrix> {
  return withBinaryFile(path, async file => {
    const { rows, type } = layoutOf(file, dimensions)
    const out = allocateMatrix(path, rows, dimensions)
    await readFloats(file, type, out.data)
    return out
  })
}

/** Opens such a file to read its rows on demand; throws as `readRaw` except ENGINE_MEMORY. */
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
