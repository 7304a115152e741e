import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, expect, it } from 'vitest'
import { MIGRATIONS, migrate } from '../../src/cache/migrations.js'
import { openCache } from '../../src/cache/sqlite-cache.js'

const folder = mkdtempSync(join(tmpdir(), 'completions-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newFile = (): string => join(folder, `${files++}.sqlite`)
const key = (text: string): Uint8Array => createHash('sha256').update(text).digest()

it('keeps an answer across processes, byte for byte', async () => {
  const file = newFile()
  const cache = await openCache(file)
  expect(cache.completions.get(key('a'))).toBeUndefined()
  cache.completions.set(key('a'), 'openai/m', 'Wie spät? 🕐\n"1"')
  cache.close()
  const again = await openCache(file)
  expect(again.completions.get(key('a'))).toBe('Wie spät? 🕐\n"1"')
  expect(again.completions.get(key('b'))).toBeUndefined()
  expect(again.stats().completions).toBe(1)
  again.close()
})

it.each([
  ['another answer', "UPDATE completions SET answer = 'changed'"],
  [
    "another answer's row",
    "UPDATE completions SET answer = 'two', checksum = (SELECT checksum FROM completions LIMIT 1 OFFSET 1) WHERE answer = 'one'",
  ],
])('does not serve a damaged row (%s), and the next answer replaces it', async (_, sql) => {
  const file = newFile()
  const cache = await openCache(file)
  cache.completions.set(key('a'), 'm', 'one')
  cache.completions.set(key('b'), 'm', 'two')
  const db = new Sqlite(file)
  db.exec(sql)
  db.close()
  expect(cache.completions.get(key('a'))).toBeUndefined()
  cache.completions.set(key('a'), 'm', 'three')
  expect(cache.completions.get(key('a'))).toBe('three')
  cache.close()
})

it('is added to a cache file of the first version, whose vectors stay', async () => {
  const file = newFile()
  const db = new Sqlite(file)
  migrate(db, file, MIGRATIONS.slice(0, 1))
  db.close()
  const cache = await openCache(file)
  cache.set('s', [{ textHash: key('t'), vector: Float32Array.of(1) }])
  cache.completions.set(key('a'), 'm', 'one')
  expect(cache.completions.get(key('a'))).toBe('one')
  expect(cache.stats()).toMatchObject({ vectors: 1, completions: 1 })
  cache.close()
})

it('is pruned by all and by age, not with the embeddings of a model', async () => {
  const cache = await openCache(newFile())
  cache.completions.set(key('a'), 'openai/m', 'one')
  expect(cache.prune({ space: 'openai' })).toMatchObject({ completions: 0 })
  expect(cache.prune({ olderThanDays: 1 })).toMatchObject({ completions: 0 })
  expect(cache.prune({ all: true })).toMatchObject({ completions: 1 })
  expect(cache.completions.get(key('a'))).toBeUndefined()
  cache.close()
})
