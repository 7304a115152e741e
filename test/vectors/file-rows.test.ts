import { appendFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { matrix, takeRows } from '../../src/math/matrix.js'
import { gatherRows } from '../../src/math/row-source.js'
import { createTemporaryRows } from '../../src/vectors/file-rows.js'
import { littleEndianBytes } from '../../src/vectors/floats.js'
import { openNpy, readNpy } from '../../src/vectors/npy.js'
import { openRaw } from '../../src/vectors/raw.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { failure, fileWith, temporaryFolder } from '../dataset/temporary-folder.js'
import { writeNpy } from '../helpers/vector-files.js'

interface NumpyArrays {
  readonly matrix: readonly (readonly number[])[]
  readonly files: Readonly<Record<string, string>>
}
const numpy: NumpyArrays = JSON.parse(readFileSync(new URL('../fixtures/numpy-arrays.json', import.meta.url), 'utf8'))

const m = randomMatrix(50, 3, 1)
const rawFile = () => fileWith(littleEndianBytes(m.data), 'docs.f32')

describe('rows in a file', () => {
  it.each([
    ['one', [7]],
    ['none', []],
    ['all', Array.from({ length: 50 }, (_, i) => i)],
    ['neighbours and others, in any order, some of them twice', [3, 4, 5, 49, 0, 1, 0, 0, 5, 4]],
  ])('are read with the same bits: %s', async (_, rows) => {
    const source = await openRaw(rawFile(), 3)
    expect([source.rows, source.cols]).toEqual([50, 3])
    expect(gatherRows(source, rows)).toEqual(takeRows(m, rows))
  })

  it('are put where they belong in a larger array, and nowhere else', async () => {
    const out = new Float32Array(12).fill(9)
    ;(await openRaw(rawFile(), 3)).gather(Uint32Array.of(2, 8), out.subarray(3, 9))
    expect([...out]).toEqual([9, 9, 9, ...takeRows(m, [2, 8]).data, 9, 9, 9])
  })

  it('may be more than are read at once', async () => {
    const wide = matrix(3, 3 << 20)
    wide.data.forEach((_, k) => {
      wide.data[k] = k % 1000
    })
    const path = join(temporaryFolder(), 'wide.npy')
    writeNpy(wide, path)
    const found = gatherRows(await openNpy(path), [0, 1, 2])
    expect(Buffer.compare(Buffer.from(found.data.buffer), Buffer.from(wide.data.buffer))).toBe(0)
  })

  it.each(Object.entries(numpy.files))('of a NumPy file are what reading it whole gives: %s', async (_, base64) => {
    const path = fileWith(Buffer.from(base64, 'base64'), 'docs.npy')
    if (/'fortran_order': True/.test(readFileSync(path, 'latin1'))) {
      const error = await failure(() => openNpy(path), 'DATASET_INVALID')
      expect(error.message).toContain('numpy.ascontiguousarray')
      return
    }
    expect(gatherRows(await openNpy(path), [2, 0, 1, 2])).toEqual(takeRows(await readNpy(path), [2, 0, 1, 2]))
  })

  it('are refused where the file has no whole number of them, or is no file', async () => {
    const path = rawFile()
    await failure(() => openRaw(path, 4), 'DATASET_INVALID')
    await failure(() => openRaw(join(path, 'x'), 3), 'FILE_NOT_FOUND')
    await failure(() => openRaw(temporaryFolder(), 3), 'FILE_READ')
    appendFileSync(path, 'x')
    await failure(() => openRaw(path, 3), 'DATASET_INVALID')
  })

  it('are not read any more once the file has changed or is gone', async () => {
    const path = rawFile()
    const source = await openRaw(path, 3)
    truncateSync(path, 12)
    expect((await failure(() => gatherRows(source, [0]), 'DATASET_INVALID')).message).toContain('has changed')
    rmSync(path)
    await failure(() => gatherRows(source, [0]), 'FILE_NOT_FOUND')
  })

  it.runIf(process.platform === 'linux')('keep no file open', async () => {
    const source = await openRaw(rawFile(), 3)
    const open = () => readdirSync('/proc/self/fd').length
    const before = open()
    for (let i = 0; i < 20; i++) gatherRows(source, [i])
    expect(open()).toBe(before)
  })
})

describe('temporary rows', () => {
  it('give back what was written, in any order, and zeros elsewhere', () => {
    const rows = createTemporaryRows(temporaryFolder(), 9, 3)
    rows.set(8, m.data.subarray(0, 3))
    rows.set(2, m.data.subarray(3, 6))
    rows.set(2, m.data.subarray(6, 9))
    expect([...gatherRows(rows, [2, 8, 0]).data]).toEqual([...m.data.subarray(6, 9), ...m.data.subarray(0, 3), 0, 0, 0])
    rows.close()
    rows.close()
  })

  it('leave no file behind, not even while they are in use, and make the folder', () => {
    const folder = join(temporaryFolder(), 'new')
    const rows = createTemporaryRows(folder, 4, 3)
    rows.set(1, m.data.subarray(0, 3))
    expect(readdirSync(folder)).toEqual([])
    expect(gatherRows(rows, [1]).data).toEqual(m.data.slice(0, 3))
    rows.close()
    expect(() => gatherRows(rows, [1])).toThrow(expect.objectContaining({ code: 'FILE_READ' }))
  })

  it('are refused before anything is written where the disk has no room, or the folder is none', async () => {
    const folder = temporaryFolder()
    const error = await failure(() => createTemporaryRows(folder, 2 ** 40, 1024), 'FILE_WRITE')
    expect(error.message).toMatch(/take \d+\.\d GB, and only \d+\.\d GB are free/)
    expect(readdirSync(folder)).toEqual([])
    writeFileSync(join(folder, 'file'), '')
    await failure(() => createTemporaryRows(join(folder, 'file'), 1, 1), 'FILE_WRITE')
  })
})
