import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import ts from 'typescript'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { MIGRATIONS, migrate } from '../../src/cache/migrations.js'
import { openCache } from '../../src/cache/sqlite-cache.js'
import { vectorChecksum } from '../../src/cache/vector-codec.js'
import { isAdapterTrainError } from '../../src/errors.js'
import { describeCacheContract } from '../contracts/cache.js'

const root = mkdtempSync(join(tmpdir(), 'sqlite-cache-'))
afterAll(() => rmSync(root, { recursive: true }))
let number = 0
let file: string
beforeEach(() => {
  file = join(root, `${number++}`, 'deep', 'cache.sqlite')
})

const hash = (text: string | number): Uint8Array => createHash('sha256').update(`${text}`).digest()
const entry = (text: string | number, ...values: number[]) => ({
  textHash: hash(text),
  vector: Float32Array.from(values),
})
const run = promisify(execFile)
const writer = (...args: unknown[]) => run(process.execPath, [writerScript(), ...args.map(String)])

let script: string | undefined
/** The writer beside JavaScript made of the sources as they are now, for processes that know no TypeScript. */
function writerScript(): string {
  if (script !== undefined) return script
  const project = join(import.meta.dirname, '..', '..')
  for (const source of [
    'errors.ts',
    'files.ts',
    'math/matrix.ts',
    ...readdirSync(join(project, 'src/cache')).map(f => `cache/${f}`),
  ]) {
    const { outputText } = ts.transpileModule(readFileSync(join(project, 'src', source), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
    })
    mkdirSync(join(root, 'src', source, '..'), { recursive: true })
    writeFileSync(join(root, 'src', source.replace(/ts$/, 'js')), outputText)
  }
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'), 'junction')
  script = join(root, 'writer.js')
  cpSync(join(import.meta.dirname, 'writer.mjs'), script)
  return script
}

/** Changes the file behind the cache's back. */
function tamper(sql: string, ...values: unknown[]): void {
  const db = new Sqlite(file)
  db.pragma('foreign_keys = OFF')
  expect(db.prepare(sql).run(...values).changes).toBeGreaterThan(0)
  db.close()
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => expect.unreachable('the file was opened'),
    (e: unknown) => e,
  )
  expect(isAdapterTrainError(error, 'CACHE_OPEN'), String(error)).toBe(true)
  return (error as Error).message
}

describeCacheContract('openCache', () => openCache(file))

describe('openCache', () => {
  it('makes the missing folders and finds the vectors again after it was closed', async () => {
    const first = await openCache(file)
    first.set('s', [entry('a', 1, 2)])
    first.close()
    const second = await openCache(file)
    expect(second.get('s', [hash('a')])).toEqual([Float32Array.of(1, 2)])
    expect(second.file).toBe(file)
    second.close()
  })

  it('writes the documented format: little-endian float32, CRC-32 over hash and vector, write-ahead log', async () => {
    const cache = await openCache(file)
    cache.set('s', [entry('a', 1, -2)])
    cache.close()
    const db = new Sqlite(file, { readonly: true })
    const row = db.prepare('SELECT hex(vector) AS vector, hex(text_hash) AS hash, checksum FROM vectors').get()
    const bytes = Buffer.from('0000803f000000c0', 'hex')
    expect(row).toEqual({
      vector: '0000803F000000C0',
      hash: 'CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB',
      checksum: vectorChecksum(hash('a'), bytes),
    })
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length)
    expect(db.pragma('page_size', { simple: true })).toBe(32768)
    db.close()
  })

  it('takes an empty file and an SQLite file without tables', async () => {
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, '')
    ;(await openCache(file)).close()
    rmSync(file)
    const db = new Sqlite(file)
    db.exec('CREATE TABLE t (x); DROP TABLE t')
    db.close()
    const cache = await openCache(file)
    cache.set('s', [entry('a', 1)])
    expect(cache.get('s', [hash('a')])).toEqual([Float32Array.of(1)])
    cache.close()
  })

  it.each([
    ['a short text file', 'hello'],
    ['a long text file', 'SQLite format 4 '.repeat(100)],
  ])('refuses %s and leaves it as it is', async (_, text) => {
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
    expect(await refusal(openCache(file))).toMatch(/not an SQLite database/)
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(existsSync(`${file}-wal`)).toBe(false)
  })

  it.each([
    ['an application id of its own', 'PRAGMA application_id = 7'],
    ['no application id', 'PRAGMA user_version = 0'],
    ['no application id but this version', `PRAGMA user_version = ${MIGRATIONS.length}`],
    ['a write-ahead log', 'PRAGMA journal_mode = WAL'],
  ])('refuses the database of another program with %s and leaves it as it is', async (_, pragma) => {
    mkdirSync(join(file, '..'), { recursive: true })
    const db = new Sqlite(file)
    db.exec(`CREATE TABLE spaces (x); INSERT INTO spaces VALUES (1); ${pragma}`)
    db.close()
    const before = readFileSync(file)
    expect(await refusal(openCache(file))).toMatch(/another program/)
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(existsSync(`${file}-wal`)).toBe(false)
  })

  it('does not move the write-ahead log of another program into its file', async () => {
    mkdirSync(join(file, '..'), { recursive: true })
    const db = new Sqlite(file)
    db.exec('PRAGMA journal_mode = WAL; CREATE TABLE theirs (x)')
    const [before, log] = [readFileSync(file), readFileSync(`${file}-wal`)]
    await refusal(openCache(file))
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(readFileSync(`${file}-wal`).equals(log)).toBe(true)
    db.close()
  })

  it('refuses a damaged file with the remedy', async () => {
    ;(await openCache(file)).close()
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0xff, 100, 1000))
    expect(await refusal(openCache(file))).toMatch(/damaged.*Delete the file/)
  })

  it('refuses a file of a newer version and says to update', async () => {
    ;(await openCache(file)).close()
    const db = new Sqlite(file)
    db.pragma('user_version = 99')
    db.close()
    expect(await refusal(openCache(file))).toMatch(/expected at most version \d+, found 99.*Update adapter-train/)
  })

  it('refuses a folder, and a path below a file', async () => {
    mkdirSync(file, { recursive: true })
    expect(await refusal(openCache(file))).toMatch(/folder/)
    writeFileSync(join(file, 'plain'), 'x')
    expect(await refusal(openCache(join(file, 'plain', 'cache.sqlite')))).toMatch(/not a directory/)
    expect(await refusal(openCache(join(file, 'plain', 'below', 'cache.sqlite')))).toMatch(/cannot be created or written/)
  })

  it.runIf(process.platform === 'linux')('refuses a file system that takes no files, without hanging', async () => {
    expect(await refusal(openCache('/proc/no/such/cache.sqlite'))).toMatch(/cannot be created or written/)
    expect(await refusal(openCache('/proc/cache.sqlite'))).toMatch(/cannot open/)
  })

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'refuses a file and a folder that cannot be written',
    async () => {
      ;(await openCache(file)).close()
      chmodSync(file, 0o444)
      expect(await refusal(openCache(file))).toMatch(/cannot be read or written/)
      chmodSync(join(file, '..'), 0o555)
      expect(await refusal(openCache(join(file, '..', 'other.sqlite')))).toMatch(/cannot be created or written/)
      chmodSync(join(file, '..'), 0o755)
    },
  )

  it('says who is in the way when another process keeps the file locked', async () => {
    const cache = await openCache(file, { busyTimeoutMs: 50 })
    const db = new Sqlite(file)
    db.exec('BEGIN IMMEDIATE')
    expect(() => cache.prune({ all: true })).toThrow(
      expect.objectContaining({ code: 'FILE_WRITE', message: expect.stringContaining('another process') }),
    )
    db.exec('ROLLBACK')
    cache.prune({ all: true })
    db.close()
    cache.close()
  })

  it('reads 20,000 vectors of 768 values in seconds', async () => {
    const cache = await openCache(file)
    const vector = Float32Array.from({ length: 768 }, (_, i) => i / 7)
    const hashes = Array.from({ length: 20_000 }, (_, i) => hash(i))
    for (let i = 0; i < hashes.length; i += 500) {
      cache.set(
        's',
        hashes.slice(i, i + 500).map(textHash => ({ textHash, vector })),
      )
    }
    const started = performance.now()
    const found = cache.get('s', hashes)
    expect(performance.now() - started).toBeLessThan(5000)
    expect(found.every(v => v?.length === 768)).toBe(true)
    expect(found[19_999]).toEqual(vector)
    cache.close()
  })
})

describe('a damaged row', () => {
  it.each([
    ['is too short', "UPDATE vectors SET vector = x'0000803f'"],
    ['is not whole float32 values', "UPDATE vectors SET vector = x'0000803f00'"],
    ['is empty', "UPDATE vectors SET vector = x''"],
    ['has a flipped bit', "UPDATE vectors SET vector = x'0100803f00000040'"],
    ['has another checksum', 'UPDATE vectors SET checksum = checksum + 1'],
  ])('that %s is never served, and replaced by the next set', async (_, sql) => {
    const cache = await openCache(file)
    cache.set('s', [entry('a', 1, 2)])
    tamper(sql)
    expect(cache.get('s', [hash('a')])).toEqual([undefined])
    cache.set('s', [entry('a', 3, 4), entry('b', 5, 6)])
    expect(cache.get('s', [hash('a'), hash('b')])).toEqual([Float32Array.of(3, 4), Float32Array.of(5, 6)])
    cache.close()
  })

  it('that is not finite is not served even when its checksum is right', async () => {
    const cache = await openCache(file)
    cache.set('s', [entry('a', 1, 2)])
    const bytes = Buffer.from(Float32Array.of(1, Number.NaN).buffer)
    tamper('UPDATE vectors SET vector = ?, checksum = ?', bytes, vectorChecksum(hash('a'), bytes))
    expect(cache.get('s', [hash('a')])).toEqual([undefined])
    expect(cache.verify().bad).toHaveLength(1)
    cache.close()
  })

  it('is listed by verify and deleted only where that is asked for', async () => {
    const cache = await openCache(file)
    cache.set('s', [entry('a', 1, 2), entry('b', 3, 4), entry('c', 5, 6)])
    expect(cache.verify({ repair: true })).toEqual({ vectors: 3, bad: [], structure: [], removed: 0 })
    tamper("UPDATE vectors SET vector = x'00' WHERE text_hash = ?", hash('b'))
    tamper("INSERT INTO vectors SELECT 77, text_hash, 0, 0, x'00' FROM vectors WHERE text_hash = ?", hash('c'))
    const bad = [
      {
        space: 's',
        textHash: Buffer.from(hash('b')).toString('hex'),
        problem: 'has a wrong length; expected 8 bytes for 2 dimensions, found 1',
      },
      { space: '', textHash: Buffer.from(hash('c')).toString('hex'), problem: 'has no space' },
    ]
    expect(cache.verify()).toEqual({ vectors: 4, bad, structure: [], removed: 0 })
    expect(cache.verify({ repair: true })).toEqual({ vectors: 4, bad, structure: [], removed: 2 })
    expect(cache.verify()).toEqual({ vectors: 2, bad: [], structure: [], removed: 0 })
    expect(cache.get('s', [hash('a'), hash('b'), hash('c')])).toEqual([Float32Array.of(1, 2), undefined, Float32Array.of(5, 6)])
    cache.close()
  })

  it('page is reported by verify, and reading it is an error with a remedy', async () => {
    const first = await openCache(file)
    const vector = new Float32Array(1536).fill(0.5)
    first.set(
      's',
      Array.from({ length: 100 }, (_, i) => ({ textHash: hash(i), vector })),
    )
    first.close()
    const bytes = readFileSync(file)
    bytes.fill(0xff, 32768 * 5)
    writeFileSync(file, bytes)
    const second = await openCache(file)
    const { removed, structure } = second.verify()
    expect(removed).toBe(0)
    expect(structure.join()).toMatch(/page/)
    expect(() => second.get('s', [hash(1)])).toThrow(
      expect.objectContaining({ code: 'CACHE_CORRUPT', message: expect.stringContaining('cache verify --repair') }),
    )
    second.close()
  })
})

describe('several processes on one file', () => {
  it('create it together and lose nothing of what they write, also where they write the same texts', async () => {
    const outputs = await Promise.all([
      writer(file, 0, 300),
      writer(file, 150, 450),
      writer(file, 300, 600),
      writer(file, 0, 600),
    ])
    expect(outputs.map(o => o.stdout.trim())).toEqual(['done', 'done', 'done', 'done'])
    const cache = await openCache(file)
    const found = cache.get(
      'space',
      Array.from({ length: 600 }, (_, i) => hash(i)),
    )
    expect(found).toEqual(Array.from({ length: 600 }, (_, i) => Float32Array.of(i, i)))
    expect(cache.verify()).toEqual({ vectors: 600, bad: [], structure: [], removed: 0 })
    cache.close()
  })

  it('find all that a killed one had stored', async () => {
    await expect(writer(file, 0, 90, 'kill')).rejects.toMatchObject({ signal: 'SIGKILL' })
    const cache = await openCache(file)
    expect(cache.verify()).toMatchObject({ vectors: 90, bad: [], structure: [] })
    cache.close()
  })

  it('go on when another one prunes the space between two writes', async () => {
    const [one, other] = [await openCache(file), await openCache(file)]
    one.set('s', [entry('a', 1, 2)])
    other.prune({ all: true })
    other.set('first', [entry('x', 9)])
    one.set('s', [entry('b', 1, 2, 3)])
    expect(other.get('s', [hash('a'), hash('b')])).toEqual([undefined, Float32Array.of(1, 2, 3)])
    one.close()
    other.close()
  })
})

describe('stats', () => {
  it('counts an empty cache', async () => {
    const cache = await openCache(file)
    expect(cache.stats()).toEqual({ file, fileBytes: expect.any(Number), vectors: 0, completions: 0, spaces: [] })
    cache.close()
  })

  it('tells what each space holds', async () => {
    const cache = await openCache(file)
    const before = Date.now()
    cache.set('b', [entry('x', 1, 2), entry('y', 3, 4)])
    cache.set('a', [entry('x', 1, 2, 3)])
    const after = Date.now()
    tamper('UPDATE vectors SET created_at = 1000 WHERE text_hash = ? AND length(vector) = 8', hash('x'))
    const { spaces, vectors, fileBytes } = cache.stats()
    expect(vectors).toBe(3)
    expect(spaces).toEqual([
      { key: 'a', dimensions: 3, vectors: 1, bytes: 12, firstWritten: expect.any(Date), lastWritten: expect.any(Date) },
      { key: 'b', dimensions: 2, vectors: 2, bytes: 16, firstWritten: new Date(1000), lastWritten: expect.any(Date) },
    ])
    expect(spaces[1].lastWritten!.getTime()).toBeGreaterThanOrEqual(before)
    expect(spaces[1].lastWritten!.getTime()).toBeLessThanOrEqual(after)
    expect(fileBytes).toBe(statSync(file).size + statSync(`${file}-wal`).size)
    cache.close()
  })
})

describe('prune', () => {
  const large = (text: string) => ({ textHash: hash(text), vector: new Float32Array(5000).fill(1) })

  it('deletes the spaces whose key holds the text, without wildcards, and shrinks the file', async () => {
    const cache = await openCache(file)
    cache.set('openai/a_b', [entry('x', 1)])
    cache.set(
      'openai/a-b',
      Array.from({ length: 50 }, (_, i) => large(`${i}`)),
    )
    const result = cache.prune({ space: 'a-b' })
    expect(result).toMatchObject({ vectors: 50, spaces: 1 })
    expect(result.bytesFreed).toBeGreaterThan(900_000)
    expect(cache.stats().spaces.map(s => s.key)).toEqual(['openai/a_b'])
    expect(cache.prune({ space: 'a%b' })).toEqual({ vectors: 0, spaces: 0, completions: 0, bytesFreed: 0 })
    expect(cache.stats().vectors).toBe(1)
    cache.close()
  })

  it('lets a pruned space come back with another length', async () => {
    const cache = await openCache(file)
    cache.set('s', [entry('x', 1, 2)])
    cache.prune({ space: 's' })
    cache.set('s', [entry('x', 1, 2, 3)])
    expect(cache.get('s', [hash('x')])).toEqual([Float32Array.of(1, 2, 3)])
    cache.close()
  })

  it('deletes what is older than so many days, in the spaces asked for', async () => {
    const cache = await openCache(file)
    cache.set('one', [entry('old', 1), entry('new', 2)])
    cache.set('two', [entry('old', 3)])
    tamper('UPDATE vectors SET created_at = ? WHERE text_hash = ?', Date.now() - 10 * 86_400_000, hash('old'))
    expect(cache.prune({ olderThanDays: 11 })).toMatchObject({ vectors: 0, spaces: 0 })
    expect(cache.prune({ olderThanDays: 9, space: 'one' })).toMatchObject({ vectors: 1, spaces: 0 })
    expect(cache.get('one', [hash('old'), hash('new')])).toEqual([undefined, Float32Array.of(2)])
    expect(cache.prune({ olderThanDays: 9.5 })).toMatchObject({ vectors: 1, spaces: 1 })
    expect(cache.stats().spaces.map(s => s.key)).toEqual(['one'])
    cache.close()
  })

  it('deletes everything with all', async () => {
    const cache = await openCache(file)
    cache.set('one', [entry('a', 1)])
    cache.set('two', [entry('a', 3)])
    expect(cache.prune({ all: true })).toMatchObject({ vectors: 2, spaces: 2 })
    expect(cache.stats().spaces).toEqual([])
    cache.close()
  })

  it.each([
    [{}, /expected either all, or/],
    [{ all: false }, /expected either all, or/],
    [{ all: true, space: 'x' }, /expected either all, or/],
    [{ space: '' }, /empty/],
    [{ olderThanDays: -1 }, /at least 0 days, found (-1|NaN)/],
    [{ olderThanDays: Number.NaN }, /at least 0 days, found (-1|NaN)/],
  ])('refuses %j and deletes nothing', async (options, message) => {
    const cache = await openCache(file)
    cache.set('s', [entry('a', 1)])
    expect(() => cache.prune(options)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(message) }),
    )
    expect(cache.stats().vectors).toBe(1)
    cache.close()
  })
})

describe('migrate', () => {
  const next = [...MIGRATIONS, 'ALTER TABLE spaces ADD COLUMN note TEXT', 'UPDATE spaces SET note = key']

  it('runs the migrations that a file has not seen, once, and keeps its vectors', async () => {
    const cache = await openCache(file)
    cache.set('s', [entry('a', 1)])
    cache.close()
    const db = new Sqlite(file)
    migrate(db, file, next)
    migrate(db, file, next)
    expect(db.pragma('user_version', { simple: true })).toBe(next.length)
    expect(db.prepare('SELECT note FROM spaces').all()).toEqual([{ note: 's' }])
    expect(db.prepare('SELECT count(*) AS n FROM vectors').get()).toEqual({ n: 1 })
    db.close()
  })

  it('has the tables and the version that the documentation names', async () => {
    ;(await openCache(file)).close()
    const db = new Sqlite(file)
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").pluck().all()
    db.close()
    const formats = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'file-formats.md'), 'utf8')
    for (const table of tables) expect(formats).toContain(`| \`${table}\` |`)
    expect(formats).toContain(`is the version of the tables (${MIGRATIONS.length})`)
  })

  it('leaves the file at its old version when one fails', async () => {
    ;(await openCache(file)).close()
    const db = new Sqlite(file)
    expect(() => migrate(db, file, [...next, 'INSERT INTO nowhere VALUES (1)'])).toThrow(/nowhere/)
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length)
    expect(db.prepare('SELECT * FROM pragma_table_info(?) WHERE name = ?').all('spaces', 'note')).toEqual([])
    db.close()
    ;(await openCache(file)).close()
  })
})
