import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { historyFolder, listVersions, rejectedPath, replaceAdapter, rollbackAdapter } from '../../src/history/versions.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

const root = mkdtempSync(join(tmpdir(), 'adapter-train-history-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const folder = () => join(root, String(++folders))
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
/** Adapters that differ in one weight. */
const adapters = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const adapter = sampleAdapter('linear')
    const { W, ...rest } = adapter.params
    const data = Float32Array.from(W.data)
    data[0] = i
    return { ...adapter, params: { W: { ...W, data }, ...rest } }
  })

test('lists the one in use first, then what it replaced, with the reasons', () => {
  const path = join(folder(), 'x.json')
  const [first, second, third] = adapters(3)
  replaceAdapter(path, first, { reason: 'first' })
  const before = sha256(path)
  replaceAdapter(path, second, { reason: 'better by .02' })
  replaceAdapter(path, third, { reason: 'better by .03' })
  const versions = listVersions(path)
  expect(versions.map(({ version, inUse, replaced }) => [version, inUse, replaced?.reason])).toEqual([
    [undefined, true, undefined],
    [2, false, 'better by .03'],
    [1, false, 'better by .02'],
  ])
  expect(versions[2]).toMatchObject({
    sha256: before,
    kind: 'linear',
    base: first.base.id,
    trained: first.training.date,
  })
})

test('puts a version back byte for byte, and forward again', () => {
  const path = join(folder(), 'x.json')
  const [first, second] = adapters(2)
  replaceAdapter(path, first, { reason: '' })
  const before = sha256(path)
  replaceAdapter(path, second, { reason: '' })
  const after = sha256(path)
  expect(rollbackAdapter(path)).toEqual({ file: path, version: 1, sha256: before, previous: after })
  expect(sha256(path)).toBe(before)
  expect(rollbackAdapter(path)).toMatchObject({ version: 2, sha256: after })
  expect(sha256(path)).toBe(after)
  expect(rollbackAdapter(path, 1)).toMatchObject({ version: 1 })
  expect(loadAdapter(path).params.W.data[0]).toBe(0)
  expect(() => rollbackAdapter(path, 7)).toThrow(/expected a version of its history, one of 2, found 7/)
})

test('keeps as many versions as asked, and drops the siblings of those that go', () => {
  const path = join(folder(), 'x.json')
  const all = adapters(5)
  saveAdapter(all[0], path)
  const sibling = join(path, '..', 'x.terms-aa.bin')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), terms: { file: 'x.terms-aa.bin' } }))
  writeFileSync(sibling, 'table')
  replaceAdapter(path, all[1], { keep: 2, reason: '' })
  replaceAdapter(path, all[2], { keep: 2, reason: '' })
  expect(existsSync(sibling)).toBe(true)
  replaceAdapter(path, all[3], { keep: 2, reason: '' })
  expect(existsSync(sibling)).toBe(false)
  expect(listVersions(path).map(({ version }) => version)).toEqual([undefined, 3, 2])
  replaceAdapter(path, all[4], { keep: 0, reason: '' })
  expect(listVersions(path)).toHaveLength(1)
})

test('adds nothing twice after a run that was killed between the copy and the rename', () => {
  const path = join(folder(), 'x.json')
  const [first, second, third] = adapters(3)
  replaceAdapter(path, first, { reason: '' })
  replaceAdapter(path, second, { reason: '' })
  const kept = join(historyFolder(path), '0002.json')
  writeFileSync(kept, readFileSync(path))
  expect(listVersions(path).map(({ version, inUse }) => [version, inUse])).toEqual([
    [2, true],
    [1, false],
  ])
  replaceAdapter(path, third, { reason: '' })
  expect(readdirSync(historyFolder(path)).sort()).toEqual(['0001.json', '0002.json', 'history.jsonl'])
})

test('keeps the history beside the file that a link names', () => {
  const place = folder()
  const path = join(place, 'real.json')
  const [first, second] = adapters(2)
  replaceAdapter(path, first, { reason: '' })
  symlinkSync(path, join(place, 'link.json'))
  replaceAdapter(join(place, 'link.json'), second, { reason: '' })
  expect(existsSync(join(place, 'real.history', '0001.json'))).toBe(true)
  expect(loadAdapter(path).params.W.data[0]).toBe(1)
})

test('names what is missing', () => {
  const path = join(folder(), 'x.json')
  expect(() => listVersions(path)).toThrow(/x\.json: there is no such file, and no history of it/)
  replaceAdapter(path, adapters(1)[0], { reason: '' })
  expect(() => rollbackAdapter(path)).toThrow(/there is no earlier version/)
  expect(rejectedPath('adapters/x.json')).toBe('adapters/x.rejected.json')
})

test.each([5, 1])('a version that was put back counts as replaced when it was replaced again (keep %i)', keep => {
  const path = join(folder(), 'x.json')
  const [first, second, third] = adapters(3)
  replaceAdapter(path, first, { keep, reason: '' })
  const good = sha256(path)
  replaceAdapter(path, second, { keep, reason: '' })
  rollbackAdapter(path)
  replaceAdapter(path, third, { keep, reason: 'worse' })
  const old = listVersions(path).filter(({ inUse }) => !inUse)
  expect(old.map(({ version, replaced }) => [version, replaced?.reason])).toEqual(
    [
      [1, 'worse'],
      [2, 'rolled back to version 1'],
    ].slice(0, keep),
  )
  expect(rollbackAdapter(path)).toMatchObject({ version: 1, sha256: good })
})
