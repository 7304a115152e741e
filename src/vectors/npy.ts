import { quote } from '../dataset/check.js'
import { invalidFile } from '../dataset/text-file.js'
import type { Matrix } from '../math/matrix.js'
import { type RowSource, rowRange } from '../math/row-source.js'
import { allocateMatrix, type BinaryFile, withBinaryFile } from './binary-file.js'
import { createFileRows, createReader, type FileLayout, readAll } from './file-rows.js'
import type { FloatType } from './floats.js'

/** Values of a column-major file held beside the matrix. */
const BLOCK = 1 << 22

/** In Fortran's order the file holds column after column. */
type NpyLayout = FileLayout & { readonly fortranOrder: boolean }

interface NpyOptions {
  /** Take a one-dimensional array as a matrix of one row. */
  readonly vector?: boolean
}

/**
 * Reads a two-dimensional array of NumPy: float32, float64 or float16, in either byte order, by rows or by columns.
 * @returns float32, by rows; unchecked values, which may be NaN or infinite
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export async function readNpy(path: string, options?: NpyOptions): Promise<Matrix> {
  return withBinaryFile(path, file => {
    const layout = readLayout(file, options)
    return layout.fortranOrder && layout.rows > 0 ? readColumns(file, layout) : readAll(file, layout)
  })
}

/** Opens such a file to read its rows on demand. */
export async function openNpy(path: string): Promise<RowSource> {
  const layout = withBinaryFile(path, file => readLayout(file))
  if (!layout.fortranOrder) return createFileRows(layout)
  const remedy = 'Save it with numpy.save(path, numpy.ascontiguousarray(x)).'
  throw wrong(path, `holds its values column after column, so that a row cannot be read alone. ${remedy}`)
}

function readColumns(file: BinaryFile, layout: FileLayout): Matrix {
  const { rows, cols } = layout
  const out = allocateMatrix(file.path, rows, cols)
  // Several columns at a time, so that neighbours in a row are written together.
  const width = Math.max(1, Math.min(cols, Math.floor(BLOCK / rows)))
  const block = allocateMatrix(file.path, width, rows).data
  const read = createReader({ ...layout, rows: cols, cols: rows })
  for (let from = 0; from < cols; from += width) {
    const count = Math.min(width, cols - from)
    read(file, rowRange(from, count), block)
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < count; j++) out.data[i * cols + from + j] = block[j * rows + i]
    }
  }
  return out
}

const MAGIC = '\x93NUMPY'
/** Magic string, two bytes of version, two bytes of header length. */
const PREFIX_BYTES = 10
const ALIGNMENT = 64
/** A header has about a hundred bytes; a length above this is not one. */
const MAX_HEADER_BYTES = 1 << 20

/** Reads the header of a `.npy` file of version 1.0, 2.0 or 3.0, and compares it with the size of the file. */
function readLayout(file: BinaryFile, { vector = false }: NpyOptions = {}): NpyLayout {
  const { path, stats } = file
  const { size } = stats
  let start = 0
  const take = (count: number): Buffer => {
    const bytes = Buffer.alloc(count)
    file.fill(bytes, start)
    start += count
    return bytes
  }
  const prefix = take(Math.min(PREFIX_BYTES, size))
  if (!prefix.toString('latin1').startsWith(MAGIC)) throw notNpy(path, prefix)
  if (prefix.length < PREFIX_BYTES) throw wrong(path, `is cut short: its header ends after ${prefix.length} bytes`)
  const [major, minor] = [prefix[6], prefix[7]]
  if (major < 1 || major > 3 || minor !== 0) throw wrong(path, `is of .npy version ${major}.${minor}, expected 1.0, 2.0 or 3.0`)
  let length = prefix.readUInt16LE(8)
  if (major > 1) {
    if (size < start + 2) throw wrong(path, `is cut short: its header ends after ${size} bytes`)
    length += take(2).readUInt16LE() * 65536
  }
  if (length > MAX_HEADER_BYTES) throw wrong(path, `has a broken header: it claims to be ${length} bytes long`)
  if (start + length > size)
    throw wrong(path, `is cut short: its header should end at byte ${start + length}, the file has ${size}`)
  const text = take(length).toString(major === 3 ? 'utf8' : 'latin1')
  const header = parseHeader(path, text, vector)
  const { rows, cols, type } = header
  const [found, expected] = [size - start, rows * cols * type.bytes]
  if (found === expected) return { path, start, ...header }
  const what = `${rows} x ${cols} values of ${type.bytes} bytes, as its header says`
  const problem = found < expected ? 'is cut short' : 'is longer than its array'
  throw wrong(path, `${problem}: expected ${expected} bytes for ${what}, found ${found}`)
}

/** Makes the header of a float32 array by rows, byte for byte as NumPy writes it (version 1.0). */
export function npyHeader(...shape: readonly number[]): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const fields = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`
  const bytes = Math.ceil((PREFIX_BYTES + fields.length + 1) / ALIGNMENT) * ALIGNMENT
  const header = Buffer.alloc(bytes, ' ')
  header.write(`${MAGIC}\x01\x00`, 'latin1')
  header.writeUInt16LE(bytes - PREFIX_BYTES, 8)
  header.write(fields, PREFIX_BYTES, 'latin1')
  header[bytes - 1] = 10
  return header
}

/** The header is a Python dictionary; tools other than NumPy order and space it differently. */
function parseHeader(path: string, text: string, vector: boolean): Omit<NpyLayout, 'path' | 'start'> {
  const field = (name: string, value: string): string | undefined =>
    new RegExp(`['"]${name}['"]\\s*:\\s*(?:${value})`).exec(text)?.slice(1).find(Boolean)
  const descr = field('descr', `'([^']*)'|"([^"]*)"|(\\[[^\\]]*\\])`)
  const order = field('fortran_order', '(True|False)')
  const shape = field('shape', '(\\([\\d\\s,L]*\\))')
  if (descr === undefined || order === undefined || shape === undefined)
    throw wrong(path, `has a broken header: expected descr, fortran_order and shape, found ${quote(text.trim())}`)
  const type = /^([<>=|]?)f([248])$/.exec(descr)
  if (!type) {
    const remedy = "Save it with numpy.save(path, x.astype('float32'))."
    throw wrong(path, `holds values of type ${quote(descr)}, expected float32, float64 or float16. ${remedy}`)
  }
  const sizes = [...shape.matchAll(/\d+/g)].map(Number)
  if (vector && sizes.length === 1) sizes.unshift(1)
  if (sizes.length !== 2 || !sizes.every(Number.isSafeInteger)) {
    const found = `an array of ${sizes.length} dimension${sizes.length === 1 ? '' : 's'}, shape ${shape}`
    throw wrong(path, `holds ${found}; expected two dimensions, one row a vector`)
  }
  return {
    type: { bytes: Number(type[2]) as FloatType['bytes'], littleEndian: type[1] !== '>' },
    fortranOrder: order === 'True',
    rows: sizes[0],
    cols: sizes[1],
  }
}

function notNpy(path: string, prefix: Buffer): Error {
  if (prefix.length === 0) return wrong(path, 'is empty, expected a .npy file')
  if (prefix.toString('latin1', 0, 2) === 'PK')
    return wrong(path, 'is a ZIP archive such as .npz. Save the array alone with numpy.save.')
  return wrong(path, `is no .npy file: it starts with ${quote(prefix.toString('latin1'))}, expected "\\x93NUMPY"`)
}

const wrong = (path: string, problem: string): Error => invalidFile({ file: path }, problem)
