import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeFileAtomic } from '../src/files.js'
import { failure, fileWith, temporaryFolder } from './dataset/temporary-folder.js'

describe('writeFileAtomic', () => {
  it('writes text and bytes, makes folders, replaces what was there, and leaves nothing else', () => {
    const folder = join(temporaryFolder(), 'a', 'b')
    writeFileAtomic(join(folder, 'text'), 'é')
    writeFileAtomic(join(folder, 'text'), 'longer é')
    writeFileAtomic(join(folder, 'bytes'), new Uint8Array([0, 255]))
    expect(readFileSync(join(folder, 'text'), 'utf8')).toBe('longer é')
    expect([...readFileSync(join(folder, 'bytes'))]).toEqual([0, 255])
    expect(readdirSync(folder).sort()).toEqual(['bytes', 'text'])
  })

  it('never shows a reader a part: an open file keeps its old content', () => {
    const path = fileWith('old')
    const before = statSync(path).ino
    writeFileAtomic(path, 'new')
    expect(statSync(path).ino).not.toBe(before)
  })

  it('keeps the mode of a file that was there', () => {
    const path = fileWith('old')
    chmodSync(path, 0o640)
    writeFileAtomic(path, 'new')
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })

  it('follows a symbolic link', () => {
    const path = fileWith('old')
    const link = join(temporaryFolder(), 'link')
    symlinkSync(path, link)
    writeFileAtomic(link, 'new')
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe('new')
  })

  it('says that the path is a folder or a device, and leaves both alone', async () => {
    const folder = temporaryFolder()
    const { message } = await failure(() => writeFileAtomic(folder, 'x'), 'FILE_WRITE')
    expect(message).toBe(`cannot write ${folder}: it is a folder, expected a file name`)
    expect(readdirSync(folder)).toEqual([])
    await failure(() => writeFileAtomic('/dev/null', 'x'), 'FILE_WRITE')
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  it('says path and reason when a parent is a file', async () => {
    const path = join(fileWith('x'), 'below')
    const { message, cause } = await failure(() => writeFileAtomic(path, 'x'), 'FILE_WRITE')
    expect(message).toMatch(/^cannot write .*below: (ENOTDIR|EEXIST): /)
    expect(message).not.toContain('.tmp')
    expect(cause).toBeInstanceOf(Error)
  })

  it('removes its temporary file when the write fails', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'x'.repeat(300))
    await failure(() => writeFileAtomic(path, 'x'), 'FILE_WRITE')
    expect(readdirSync(folder)).toEqual([])
    mkdirSync(join(folder, 'sub'))
    writeFileSync(join(folder, 'kept'), 'old')
    const unwritable = {
      get length() {
        throw new Error('no data')
      },
    } as unknown as Uint8Array
    await failure(() => writeFileAtomic(join(folder, 'kept'), unwritable), 'FILE_WRITE')
    expect(readdirSync(folder).sort()).toEqual(['kept', 'sub'])
    expect(readFileSync(join(folder, 'kept'), 'utf8')).toBe('old')
  })
})
