import { invalidFile } from '../dataset/place.js'
import type { Matrix } from '../math/matrix.js'
import type { RowSource } from '../math/row-source.js'
import { writeFileAtomic } from '../write-file-atomic.js'
import { allocateMatrix } from './allocate-matrix.js'
import { type BinaryFile, withBinaryFile } from './binary-file.js'
import { createFileRows } from './file-rows.js'
import { littleEndianBytes, readFloats } from './floats.js'
import { type NpyHeader, type NpyOptions, npyHeader, readNpyHeader } from './npy-header.js'

/** Values of a column-major file that are held beside the matrix. */
const BLOCK = 1 << 22

/**
 * Reads a two-dimensional array that NumPy saved: float32, float64 or float16, in either byte order, by rows or by columns.
 *
 * @returns float32, by rows; values are not checked and may be NaN or infinite
 * @throws FILE_NOT_FOUND, FILE_READ
 * @throws DATASET_INVALID when the file is no such array, or is shorter or longer than its header says
 * @throws ENGINE_MEMORY when there is no room for it
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function readNpy(path: string, options?: NpyOptions): Promise<Matrix> {
  return withBinaryFile(path, async file => {
    const header = await readCheckedHeader(file, options)
    const out = allocateMatrix(path, header.rows, header.cols)
    if (header.fortranOrder) await readColumns(file, header, out)
    else await readFloats(file, header.type, out.data)
    return out
  })
}

/**
 * The rows of such a file, left where they are until they are asked for.
 * @throws as {@link readNpy}, but for ENGINE_MEMORY
 * @throws DATASET_INVALID also when the values stand column after column
 */
export function openNpy(path: string): Promise<RowSource> {
  return withBinaryFile(path, async file => {
    const { bytes: start, fortranOrder, ...shape } = await readCheckedHeader(file)
    if (fortranOrder) {
      const remedy = 'Save it with numpy.save(path, numpy.ascontiguousarray(x)).'
      throw invalidFile(
        { file: path },
        `holds its values column after column, so that a row cannot be read alone. ${remedy}`,
      )
    }
    return createFileRows({ path, start, ...shape })
  })
}

async function readCheckedHeader(file: BinaryFile, options?: NpyOptions): Promise<NpyHeader> {
  const header = await readNpyHeader(file, options)
  const { rows, cols, type, bytes } = header
  const [found, expected] = [file.size - bytes, rows * cols * type.bytes]
  if (found === expected) return header
  const what = `${rows} x ${cols} values of ${type.bytes} bytes, as its header says`
  const problem = found < expected ? 'is cut short' : 'is longer than its array'
  throw invalidFile({ file: file.path }, `${problem}: expected ${expected} bytes for ${what}, found ${found}`)
}

async function readColumns(file: BinaryFile, { type }: NpyHeader, { rows, cols, data }: Matrix): Promise<void> {
  // Several columns at a time, so that neighbours in a row are written together.
  const width = Math.max(1, Math.min(cols, Math.floor(BLOCK / Math.max(1, rows))))
  const block = allocateMatrix(file.path, width, rows).data
  for (let from = 0; from < cols; from += width) {
    const count = Math.min(width, cols - from)
    await readFloats(file, type, block.subarray(0, count * rows))
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < count; j++) data[i * cols + from + j] = block[j * rows + i]
    }
  }
}

/**
 * Writes a matrix as `numpy.save` does, byte for byte: version 1.0, little-endian float32, by rows.
 * @throws FILE_WRITE when the file cannot be written; the old content is then untouched
 */
export function writeNpy(m: Matrix, path: string): void {
  writeFileAtomic(path, Buffer.concat([npyHeader(m.rows, m.cols), littleEndianBytes(m.data)]))
}
