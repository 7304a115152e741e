import { spawnSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { matrix } from '../../src/math/matrix.js'
import { customProvider } from '../../src/providers/custom.js'
import { type AdapterReload, type AdapterWatcher, watchAdapter } from '../../src/wrap/watch-adapter.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'

const d = 4
/** Maps every query to `value` in all places. */
function constant(value: number, overrides: { id?: string; outputs?: number } = {}): Adapter {
  const { id = 'test/model', outputs = d } = overrides
  return {
    kind: 'linear',
    base: { id, dimensions: d, normalized: false },
    training: { tool: 'test', date: '2024-01-01T00:00:00Z', data: {}, options: {}, metrics: {} },
    params: { W: matrix(outputs, d), b: matrix(1, outputs, new Float32Array(outputs).fill(value)) },
  }
}

const root = mkdtempSync(join(tmpdir(), 'watch-'))
afterAll(() => rmSync(root, { recursive: true }))
let files = 0
function newFile(adapter = constant(1)): string {
  const path = join(mkdtempSync(join(root, 'x')), `adapter-${files++}.json`)
  saveAdapter(adapter, path)
  return path
}

const open: AdapterWatcher[] = []
afterEach(() => {
  for (const watcher of open.splice(0)) watcher.close()
})

/** A watcher with what it reported. */
function watched(path: string, options: Parameters<typeof watchAdapter>[1] = {}) {
  const reports: AdapterReload[] = []
  const watcher = watchAdapter(path, { ...options, onReload: report => reports.push(report) })
  open.push(watcher)
  return { watcher, reports, value: () => watcher.current().params.b.data[0] }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await sleep(10)
  expect(condition()).toBe(true)
}

describe('watchAdapter', () => {
  test('takes a file that is moved into place, again and again', async () => {
    const path = newFile()
    const { reports, value, watcher } = watched(path, { intervalMs: 60_000 })
    for (const next of [2, 3, 4]) {
      saveAdapter(constant(next), path)
      await until(() => value() === next)
    }
    expect(reports.map(report => 'error' in report)).toEqual([false, false, false])
    expect(reports[2]).toEqual({ path, adapter: watcher.current() })
  })

  test('takes nothing and says nothing when other files of the folder change', async () => {
    const path = newFile()
    const { reports, watcher } = watched(path, { intervalMs: 20 })
    const before = watcher.current()
    writeFileSync(`${path}.other`, 'x')
    await sleep(200)
    expect(reports).toEqual([])
    expect(watcher.current()).toBe(before)
  })

  test('sees what the file system does not tell of, such as a file behind a link', async () => {
    const target = newFile()
    const link = join(mkdtempSync(join(root, 'x')), 'link.json')
    symlinkSync(target, link)
    const { value } = watched(link, { intervalMs: 20 })
    saveAdapter(constant(2), target)
    await until(() => value() === 2)
    const other = newFile(constant(5))
    symlinkSync(other, `${link}.new`)
    renameSync(`${link}.new`, link)
    await until(() => value() === 5)
  })

  test.each<[string, (path: string) => void, string]>([
    ['is broken', path => writeFileSync(path, '{"format": "adapter-train/1", '), 'ADAPTER_FORMAT'],
    ['is gone', path => unlinkSync(path), 'FILE_NOT_FOUND'],
    ['is of another base model', path => saveAdapter(constant(2, { id: 'other/model' }), path), 'ADAPTER_MISMATCH'],
    ['gives other dimensions', path => saveAdapter(constant(2, { outputs: 3 }), path), 'ADAPTER_MISMATCH'],
  ])('keeps the adapter when the new file %s, and takes the next good one', async (_, change, code) => {
    const path = newFile()
    const { watcher, reports, value } = watched(path, { intervalMs: 20 })
    const before = watcher.current()
    change(path)
    await until(() => reports.length === 1)
    expect(reports[0]).toMatchObject({ path, error: { code } })
    expect(reports[0].adapter).toBe(before)
    expect(watcher.current()).toBe(before)
    saveAdapter(constant(7), path)
    await until(() => value() === 7)
  })

  test('refuses what the check refuses, at once for the first file and by report for the next', async () => {
    const path = newFile()
    const check = (adapter: Adapter): void => {
      if (adapter.params.b.data[0] > 5) throw new Error('too large')
    }
    const { reports, value } = watched(path, { check, intervalMs: 20 })
    saveAdapter(constant(9), path)
    await until(() => reports.length === 1)
    expect(reports[0].error).toMatchObject({ message: 'too large' })
    expect(value()).toBe(1)
    expect(() => watchAdapter(path, { check })).toThrow('too large')
  })

  test('reads on demand, and no more by itself once it is closed', async () => {
    const path = newFile()
    const { watcher, reports, value } = watched(path, { intervalMs: 20 })
    watcher.close()
    saveAdapter(constant(2), path)
    await sleep(150)
    expect([value(), reports.length]).toEqual([1, 0])
    watcher.reload()
    expect([value(), reports.length]).toEqual([2, 1])
  })

  test('does not keep the process alive', () => {
    const path = newFile()
    const script = join(root, 'alive.mjs')
    const source = new URL('../../dist/wrap/watch-adapter.js', import.meta.url).href
    writeFileSync(
      script,
      `import { watchAdapter } from ${JSON.stringify(source)}
console.log(watchAdapter(${JSON.stringify(path)}).current().kind)`,
    )
    const { stdout, status } = spawnSync(process.execPath, [script], {
      timeout: 30_000,
      encoding: 'utf8',
    })
    expect([stdout.trim(), status]).toEqual(['linear', 0])
  })
})

describe('wrapEmbedder with watch', () => {
  const provider = (embed: () => Promise<Float32Array[]> = async () => [new Float32Array(d).fill(9)]) =>
    customProvider({ id: 'test/model', dimensions: d, embed })

  test('embeds queries by the new adapter, under another cache key, and documents as ever', async () => {
    const path = newFile()
    const reports: AdapterReload[] = []
    const wrapped = wrapEmbedder(provider(), path, { watch: true, onReload: report => reports.push(report) })
    const key = wrapped.cacheKey('query')
    expect(await wrapped.embedQuery('how')).toEqual([1, 1, 1, 1])
    saveAdapter(constant(2), path)
    await until(() => reports.length > 0)
    expect(await wrapped.embedQuery('how')).toEqual([2, 2, 2, 2])
    expect(wrapped.adapter.params.b.data[0]).toBe(2)
    expect(wrapped.cacheKey('query')).not.toBe(key)
    expect(await wrapped.embedDocuments(['how'])).toEqual([[9, 9, 9, 9]])
    await wrapped.close?.()
    saveAdapter(constant(3), path)
    await sleep(150)
    expect(await wrapped.embedQuery('how')).toEqual([2, 2, 2, 2])
  })

  test('never answers one call by two adapters', async () => {
    const path = newFile()
    const watcher = watchAdapter(path)
    open.push(watcher)
    let answer = (_: Float32Array[]): void => {}
    const slow = provider(
      () =>
        new Promise(done => {
          answer = done
        }),
    )
    const wrapped = wrapEmbedder(slow, watcher)
    const pending = wrapped.embed(['a', 'b'], 'query')
    saveAdapter(constant(2), path)
    watcher.reload()
    answer([new Float32Array(d), new Float32Array(d)])
    expect((await pending).map(vector => vector[0])).toEqual([1, 1])
    const next = wrapped.embed(['a', 'b'], 'query')
    answer([new Float32Array(d), new Float32Array(d)])
    expect((await next).map(vector => vector[0])).toEqual([2, 2])
  })

  test('refuses at once a file of another base, and an adapter that is no file', () => {
    const path = newFile(constant(1, { id: 'other/model' }))
    const wrap = (adapter: Adapter | string) => () => wrapEmbedder(provider(), adapter, { watch: true })
    expect(wrap(path)).toThrow(expect.objectContaining({ code: 'ADAPTER_MISMATCH' }))
    expect(wrap(constant(1))).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})
