import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { beforeEach, expect, test, vi } from 'vitest'
import { hashText } from '../../src/cache/cache.js'
import { openCache } from '../../src/cache/sqlite-cache.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { HOST, writeFileAtomic } from '../../src/files.js'
import { createProvider } from '../../src/providers/index.js'
import { embeddingServer, soundAnswer } from './server.js'

const TEXTS = Array.from({ length: 120 }, (_, i) => `question ${i} about the cards`)

let file: string
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'field-')), 'cache.sqlite')
})

const slowServer = () =>
  embeddingServer((body, response) => {
    setTimeout(() => response.end(JSON.stringify(soundAnswer(body))), 30)
    response.setHeader('content-type', 'application/json')
    return undefined
  })
const open = (baseUrl: string) => createProvider('openai', { model: 'm', baseUrl, apiKey: 'k', maxInputs: 10 })

test('runs that embed the same texts at once ask for each text once', async () => {
  const { url, bodies } = await slowServer()
  const runs = Array.from({ length: 4 }, async () => {
    const cache = await openCache(file)
    const { vectors, stats } = await embedTexts(await open(url), TEXTS, 'document', { cache, concurrency: 2 })
    cache.close()
    return { first: vectors.data[0], last: vectors.data[119 * vectors.cols], misses: stats.misses }
  })
  const done = await Promise.all(runs)
  expect(bodies.flatMap(({ input }) => input).sort()).toEqual([...TEXTS].sort())
  expect(done.map(({ first, last }) => [first, last])).toEqual(done.map(() => [26, 28]))
  expect(done.reduce((sum, { misses }) => sum + misses, 0)).toBe(120)
})

test('a claim of a process that has ended blocks nobody', async () => {
  const { url, bodies } = await slowServer()
  const provider = await open(url)
  const cache = await openCache(file)
  const ended = spawn(process.execPath, ['-e', ''])
  await once(ended, 'exit')
  const db = new Sqlite(file)
  const add = db.prepare('INSERT INTO claims VALUES (?, ?, ?, ?)')
  for (const text of TEXTS) {
    add.run(provider.cacheKey('document'), hashText(text), `${hostname()}:${ended.pid}`, Date.now() + 60_000)
  }
  await embedTexts(provider, TEXTS, 'document', { cache })
  expect(bodies).toHaveLength(12)
  expect(db.prepare('SELECT count(*) FROM claims').pluck().get()).toBe(0)
  db.close()
  cache.close()
})

test('a claim of another process is waited for until its time is over', async () => {
  const { url, bodies } = await slowServer()
  const provider = await open(url)
  const cache = await openCache(file)
  const db = new Sqlite(file)
  const until = Date.now() + 1200
  db.prepare('INSERT INTO claims VALUES (?, ?, ?, ?)').run(provider.cacheKey('query'), hashText(TEXTS[0]), 'elsewhere:1', until)
  await embedTexts(provider, TEXTS.slice(0, 3), 'query', { cache })
  expect(Date.now()).toBeGreaterThanOrEqual(until)
  expect(bodies.map(({ input }) => input.length)).toEqual([2, 1])
  db.close()
  cache.close()
})

test('a claim until a time that no process gives, of a clock that is wrong, is not waited for', async () => {
  const { url, bodies } = await slowServer()
  const provider = await open(url)
  const cache = await openCache(file)
  const db = new Sqlite(file)
  const year = Date.now() + 365 * 86_400_000
  db.prepare('INSERT INTO claims VALUES (?, ?, ?, ?)').run(provider.cacheKey('query'), hashText('a'), 'elsewhere:1', year)
  db.close()
  await embedTexts(provider, ['a'], 'query', { cache })
  expect(bodies).toHaveLength(1)
  cache.close()
})

test('a file that fails while an answer is awaited ends nothing, and the next write says so', async () => {
  vi.useFakeTimers()
  const cache = await openCache(file)
  cache.claim!('s', [hashText('a')])
  const db = new Sqlite(file)
  db.exec('DROP TABLE claims')
  db.close()
  expect(() => vi.advanceTimersByTime(60_000)).not.toThrow()
  vi.useRealTimers()
  const write = () => cache.set('s', [{ textHash: hashText('a'), vector: Float32Array.of(1) }])
  expect(write).toThrow(expect.objectContaining({ code: 'FILE_WRITE' }))
  cache.close()
})

test.each([
  ['a vector that is damaged', '{"space":"s","entries":[["AAAA",0,"AAAA"]]}'],
  ['no vectors', '{"space":"s","entries":[]}'],
  ['an answer with half a key', '{"key":"AAAA","model":"m","answer":"a"}'],
  ['another shape', '{"entries":{"a":1}}'],
])('a file of kept answers that holds %s does not keep the cache from being opened', async (_, line) => {
  ;(await openCache(file)).close()
  const ended = spawn(process.execPath, ['-e', ''])
  await once(ended, 'exit')
  const left = `${file}.${HOST}-${ended.pid}-abcdef.spill`
  const sound = `{"key":"${Buffer.alloc(32).toString('base64')}","model":"m","answer":"an answer"}`
  writeFileSync(left, `${line}\n${sound}\n`)
  mkdirSync(left.replace('abcdef', '000000'))
  const cache = await openCache(file)
  expect(cache.completions.get(new Uint8Array(32))).toBe('an answer')
  cache.close()
  expect(existsSync(left)).toBe(false)
})

test('what is paid for while another process keeps the cache locked is kept beside it, and joins it later', async () => {
  const { url, bodies } = await slowServer()
  const provider = await open(url)
  const warnings: string[] = []
  const cache = await openCache(file, { busyTimeoutMs: 300, onWarning: message => warnings.push(message) })
  const db = new Sqlite(file)
  db.exec('BEGIN IMMEDIATE')
  const started = Date.now()
  await embedTexts(provider, TEXTS, 'document', { cache })
  cache.completions.set(new Uint8Array(32), 'm', 'an answer')
  expect(cache.get(provider.cacheKey('document'), [hashText(TEXTS[7])])[0]).toHaveLength(3)
  cache.close()
  expect(Date.now() - started).toBeLessThan(4000)
  expect(warnings[0]).toMatch(/locked: 121 answers are kept in .*\.spill/)
  db.exec('ROLLBACK')
  db.close()

  // As if the process had ended in the middle of a further line.
  const [name] = readdirSync(join(file, '..')).filter(name => name.endsWith('.spill'))
  const path = join(file, '..', name)
  const ended = spawn(process.execPath, ['-e', ''])
  await once(ended, 'exit')
  writeFileSync(path.replace(`-${process.pid}-`, `-${ended.pid}-`), `${readFileSync(path, 'utf8')}{"space":"x","ent`)
  const again = await openCache(file)
  const asked = bodies.length
  const { stats } = await embedTexts(provider, TEXTS, 'document', { cache: again })
  expect(stats).toMatchObject({ hits: 120, misses: 0 })
  expect(bodies).toHaveLength(asked)
  expect(again.completions.get(new Uint8Array(32))).toBe('an answer')
  expect(readdirSync(join(file, '..'))).not.toContain(name.replace(`-${process.pid}-`, `-${ended.pid}-`))
  again.close()
})

test('what an earlier process with the number of this one left is taken for what it is', async () => {
  ;(await openCache(file)).close()
  const left = `${file}.${HOST}-${process.pid}-abcdef.spill`
  writeFileSync(left, `{"key":"${Buffer.alloc(32).toString('base64')}","model":"m","answer":"an answer"}\n`)
  const temporary = join(file, '..', `.${process.pid}-${HOST}-0123456789ab.tmp`)
  writeFileSync(temporary, 'half')
  const yesterday = Date.now() / 1000 - 86_400
  for (const path of [left, temporary]) utimesSync(path, yesterday, yesterday)
  const db = new Sqlite(file)
  const until = Math.floor(Date.now() + 60_000 - 1000 * process.uptime() - 2000)
  db.prepare('INSERT INTO claims VALUES (?, ?, ?, ?)').run('s', hashText('a'), `${hostname()}:${process.pid}`, until)
  db.close()

  const [cache, other] = [await openCache(file), await openCache(file)]
  expect(cache.completions.get(new Uint8Array(32))).toBe('an answer')
  expect(existsSync(left)).toBe(false)
  expect(cache.claim!('s', [hashText('a')])).toEqual([true])
  expect(other.claim!('s', [hashText('a')])).toEqual([false])
  for (const opened of [cache, other]) opened.close()
  writeFileAtomic(join(file, '..', 'adapter.json'), '{}')
  expect(existsSync(temporary)).toBe(false)
})

test('a lock that ends during the run leaves nothing beside the cache', async () => {
  const { url } = await slowServer()
  const cache = await openCache(file, { busyTimeoutMs: 100 })
  const db = new Sqlite(file)
  db.exec('BEGIN IMMEDIATE')
  setTimeout(() => db.exec('ROLLBACK'), 150)
  await embedTexts(await open(url), TEXTS, 'document', { cache, concurrency: 1 })
  expect(cache.stats().vectors).toBe(120)
  cache.close()
  db.close()
  expect(readdirSync(join(file, '..'))).toEqual(['cache.sqlite'])
})
