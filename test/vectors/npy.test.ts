import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { matrix } from '../../src/math/matrix.js'
import { littleEndianBytes } from '../../src/vectors/floats.js'
import { readNpy } from '../../src/vectors/npy.js'
import { readRaw } from '../../src/vectors/raw.js'
import { failure, fileWith, temporaryFolder } from '../dataset/temporary-folder.js'
import { writeNpy, writeRaw } from '../helpers/vector-files.js'

/** @see test/fixtures/numpy_arrays.py */
interface NumpyArrays {
  readonly matrix: readonly (readonly number[])[]
  readonly files: Readonly<Record<string, string>>
  readonly halves: { readonly file: string; readonly values: readonly string[] }
  readonly other: Readonly<Record<string, string>>
  readonly 'wide header': string
}
const numpy: NumpyArrays = JSON.parse(readFileSync(new URL('../fixtures/numpy-arrays.json', import.meta.url), 'utf8'))
const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64')
const npyFile = (bytes: Uint8Array): string => fileWith(bytes, 'docs.npy')

/** A .npy file of version 1.0 with this header text. */
function withHeader(header: string, data: Uint8Array = new Uint8Array(0), version = 1): Buffer {
  const prefix = Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0\0\0`, 'latin1')
  prefix.writeUInt16LE(header.length + 1, 8)
  return Buffer.concat([prefix, Buffer.from(`${header}\n`, 'latin1'), data])
}

describe('readNpy', () => {
  it.each(Object.entries(numpy.files))('reads what NumPy wrote: %s', async (_, file) => {
    const m = await readNpy(npyFile(bytesOf(file)))
    expect([m.rows, m.cols]).toEqual([3, 4])
    expect(Array.from(m.data)).toEqual(numpy.matrix.flat())
  })

  it('reads the edge cases of float16: signed zero, subnormal, largest, infinite', async () => {
    const m = await readNpy(npyFile(bytesOf(numpy.halves.file)))
    const expected = numpy.halves.values.map(text => Number(text.replace('inf', 'Infinity')))
    expect(Array.from(m.data)).toEqual(expected)
    expect(Object.is(m.data[1], -0)).toBe(true)
  })

  it('reads matrices of several blocks, by rows and by columns', async () => {
    // 4,500,000 values are above the block of 2^22, and 1,500,000 rows leave room for two of three columns at once.
    const [rows, cols] = [1_500_000, 3]
    const value = (i: number, j: number): number => (i % 2000) * 4 + j
    const byRows = new Float32Array(rows * cols)
    const byColumns = new Float32Array(rows * cols)
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) {
        byRows[i * cols + j] = value(i, j)
        byColumns[j * rows + i] = value(i, j)
      }
    }
    const doubles = Float64Array.from(byRows)
    const fields = (descr: string, fortran: string) =>
      `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${rows}, ${cols}), }`
    const files = [
      withHeader(fields('<f4', 'False'), new Uint8Array(byRows.buffer)),
      withHeader(fields('<f8', 'False'), new Uint8Array(doubles.buffer)),
      withHeader(fields('<f4', 'True'), new Uint8Array(byColumns.buffer)),
    ]
    for (const bytes of files) {
      const m = await readNpy(npyFile(bytes))
      expect(Buffer.from(m.data.buffer).equals(Buffer.from(byRows.buffer))).toBe(true)
    }
  })

  it('reads headers that other tools order, quote and space in their own way', async () => {
    const data = new Uint8Array(Float32Array.of(1, 2).buffer)
    const headers = [
      '{"shape":(1,2),"fortran_order":False,"descr":"<f4"}',
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 2L), }",
      "{ 'fortran_order' : False , 'shape' : ( 1 , 2 , ) , 'descr' : '=f4' }",
    ]
    for (const header of headers) {
      expect(await readNpy(npyFile(withHeader(header, data)))).toEqual(matrix(1, 2, Float32Array.of(1, 2)))
    }
  })

  it.each([
    ['int64', 'holds values of type "<i8", expected float32, float64 or float16'],
    ['complex', 'holds values of type "<c8"'],
    ['structured', "holds values of type \"[('shape', '<f4')"],
    ['one dimension', 'holds an array of 1 dimension, shape (5,); expected two dimensions'],
    ['three dimensions', 'holds an array of 3 dimensions, shape (2, 3, 4)'],
    ['scalar', 'holds an array of 0 dimensions, shape ()'],
  ])('refuses an array that is no matrix of floats: %s', async (name, message) => {
    const path = npyFile(bytesOf(numpy.other[name]))
    const error = await failure(() => readNpy(path), 'DATASET_INVALID')
    expect(error.message).toContain(`${path}: ${message}`)
  })

  it.each([
    ['an empty file', Buffer.alloc(0), 'is empty'],
    ['text', Buffer.from('version https://git-lfs'), 'is no .npy file: it starts with "version ht"'],
    ['an .npz archive', Buffer.from('PK\x03\x04rest of it'), 'is a ZIP archive such as .npz'],
    ['only the magic string', Buffer.from('\x93NUMPY\x01', 'latin1'), 'is cut short: its header ends after 7 bytes'],
    ['version 2.0 that ends early', Buffer.from('\x93NUMPY\x02\0\0\0', 'latin1'), 'is cut short'],
    ['version 4.0', withHeader('{}', undefined, 4), 'is of .npy version 4.0, expected 1.0, 2.0 or 3.0'],
    ['a header length past the end', withHeader("{'descr'").subarray(0, 14), 'should end at byte 19, the file has 14'],
    ['an absurd header length', Buffer.from('\x93NUMPY\x02\0\0\0\xff\xff', 'latin1'), 'claims to be 4294901760 bytes'],
    ['no shape', withHeader("{'descr': '<f4', 'fortran_order': False}"), 'has a broken header'],
    [
      'a negative size',
      withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }"),
      "has a broken header: expected descr, fortran_order and shape, found \"{'descr'",
    ],
  ])('refuses %s', async (_, bytes, message) => {
    const path = npyFile(bytes)
    const error = await failure(() => readNpy(path), 'DATASET_INVALID')
    expect(error.message).toContain(path)
    expect(error.message).toContain(message)
  })

  it('refuses a file that is shorter or longer than its header says, before it makes room for the matrix', async () => {
    const whole = bytesOf(numpy.files['<f4 C'])
    const short = await failure(() => readNpy(npyFile(whole.subarray(0, -1))), 'DATASET_INVALID')
    expect(short.message).toContain('is cut short: expected 48 bytes for 3 x 4 values of 4 bytes')
    expect(short.message).toContain('found 47')
    const long = await failure(() => readNpy(npyFile(Buffer.concat([whole, whole]))), 'DATASET_INVALID')
    expect(long.message).toContain('is longer than its array')
    const huge = withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 1536), }")
    expect((await failure(() => readNpy(npyFile(huge)), 'DATASET_INVALID')).message).toContain('is cut short')
  })

  it('says which file is missing or cannot be read', async () => {
    const folder = temporaryFolder()
    const missing = await failure(() => readNpy(join(folder, 'no.npy')), 'FILE_NOT_FOUND')
    expect(missing.message).toContain('no.npy does not exist')
    mkdirSync(join(folder, 'docs.npy'))
    const isFolder = await failure(() => readNpy(join(folder, 'docs.npy')), 'FILE_READ')
    expect(isFolder.message).toContain('folder')
  })
})

describe('writeNpy', () => {
  it('writes the very bytes that NumPy writes', () => {
    const path = join(temporaryFolder(), 'out.npy')
    writeNpy(matrix(3, 4, Float32Array.from(numpy.matrix.flat())), path)
    expect(readFileSync(path).equals(bytesOf(numpy.files['<f4 C']))).toBe(true)
    writeNpy(matrix(2, 1536), path)
    const bytes = readFileSync(path)
    expect(bytes.subarray(0, 128).equals(bytesOf(numpy['wide header']))).toBe(true)
    expect(bytes.length).toBe(128 + 2 * 1536 * 4)
  })

  it('writes a matrix that is a view of a larger buffer, and one without rows', async () => {
    const path = join(temporaryFolder(), 'out.npy')
    const m = matrix(2, 2, Float32Array.of(9, 1, 2, 3, 4, 9).subarray(1, 5))
    writeNpy(m, path)
    expect(Array.from((await readNpy(path)).data)).toEqual([1, 2, 3, 4])
    writeNpy(matrix(0, 7), path)
    expect(await readNpy(path)).toEqual(matrix(0, 7))
  })
})

describe('readRaw and writeRaw', () => {
  it('write and read little-endian float32, whatever the byte order of the host', async () => {
    const path = join(temporaryFolder(), 'docs.f32')
    const m = matrix(2, 3, Float32Array.of(1, -2, 3.5, 4, 5, 6))
    writeRaw(m, path)
    expect(readFileSync(path).readFloatLE(8)).toBe(3.5)
    expect(await readRaw(path, 3)).toEqual(m)
    expect(littleEndianBytes(Float32Array.of(3.5), false).readFloatBE()).toBe(3.5)
  })

  it('refuse a file that does not hold a whole number of rows', async () => {
    const path = fileWith(Buffer.alloc(25), 'docs.f32')
    const error = await failure(() => readRaw(path, 3), 'DATASET_INVALID')
    expect(error.message).toContain(`${path}: has 25 bytes, expected a multiple of 12 (3 values of 4 bytes)`)
    expect(error.message).toContain('1 are left over after 2 rows')
  })
})
