import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, test, vi } from 'vitest'
import { openCache } from '../../src/cache/sqlite-cache.js'
import { embed } from '../../src/cli/actions/embed.js'
import { type EmbedArgs, VERIFY_BOUND } from '../../src/cli/commands/embed.js'
import { createConsole } from '../../src/cli/output/console.js'
import { runCli } from '../../src/cli/run-cli.js'
import { writeFileAtomic } from '../../src/files.js'
import { printable } from '../../src/words.js'

const folderOf = () => mkdtempSync(join(tmpdir(), 'field-program-'))

function printed(act: () => void): string {
  let text = ''
  const spies = [process.stdout, process.stderr].map(stream =>
    vi.spyOn(stream, 'write').mockImplementation(chunk => {
      text += String(chunk)
      return true
    }),
  )
  try {
    act()
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return text
}

const HOSTILE = 'a\x1b]0;owned\x07b\x9b31mc\u202edd\u2066e\rf\x7f'
const ESCAPED = 'a\\u001b]0;owned\\u0007b\\u009b31mc\\u202edd\\u2066e\\u000df\\u007f'

test('control characters and marks of direction reach no terminal, whatever line they are in', () => {
  const text = printed(() => {
    const out = createConsole({ color: false, verbose: true })
    out.result(HOSTILE)
    out.info(HOSTILE)
    out.detail(HOSTILE)
    out.warn(HOSTILE)
    out.error(HOSTILE)
    out.next([[HOSTILE, HOSTILE]])
  })
  expect(text.split(ESCAPED).length - 1).toBe(7)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
  expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
})

test('colours of the program stay, and those of a text become escapes where they are none of its own', () => {
  const text = printed(() => createConsole({ color: true }).error(`x\x1b[5my\x1b[2J`))
  expect(text).toBe('\x1b[31merror:\x1b[39m x\\u001b[5my\\u001b[2J\n')
})

test('a line feed of a text begins no line of its own in a message, and lines of a list stay', () => {
  const text = printed(() => {
    const out = createConsole({ color: false })
    out.error('no model "x\nerror: forged"')
    out.warn('2 left out:\n  document a\n  document b')
  })
  expect(text).toBe('error: no model "x\\u000aerror: forged"\nwarning: 2 left out:\n  document a\n  document b\n')
})

test('passwords in addresses are not shown, whichever message they are in', async () => {
  for (const words of [
    ['evaluate', '--data', 'https://u:hunter2@h/d.json', '--base', 'hashing'],
    ['convert', 'https://u:hunter2@h/a.json', 'o.json', '--json'],
  ]) {
    const spies = [process.stdout, process.stderr].map(stream => vi.spyOn(stream, 'write').mockReturnValue(true))
    expect(await runCli(words)).toBe(1)
    const said = spies.flatMap(spy => spy.mock.calls).join()
    for (const spy of spies) spy.mockRestore()
    expect(said).toContain('https://[redacted]@h/')
    expect(said).not.toContain('hunter2')
  }
})

test('JSON keeps its values where characters are escaped', () => {
  const text = printed(() => createConsole({ json: true }).json({ id: HOSTILE }))
  expect(printable(text)).toBe(text)
  expect(JSON.parse(text)).toEqual({ id: HOSTILE })
})

test('a temporary file is removed at the next start if its process is dead and of this host, and only then', () => {
  const folder = folderOf()
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
  const kept = [
    `.${process.pid}-0123456789ab.tmp`,
    '.4194000-00000000-0123456789ab.tmp',
    '.notes.tmp',
    '4194000-0123456789ab.tmp',
  ]
  const gone = ['.4194000-0123456789ab.tmp', `.4194001-${host}-0123456789ab.tmp`]
  for (const name of [...kept, ...gone]) writeFileSync(join(folder, name), 'x')
  writeFileAtomic(join(folder, 'a.txt'), 'text')
  expect(readdirSync(folder).sort()).toEqual([...kept, 'a.txt'].sort())
})

test('a folder that cannot be made is an error at once', async () => {
  expect(() => writeFileAtomic('/proc/none/a.json', '{}')).toThrow(/cannot write \/proc\/none\/a\.json: ENOENT/)
  await expect(openCache('/proc/none/c.sqlite')).rejects.toThrow(/the folder \/proc\/none cannot be created/)
})

test('an estimate refuses the texts that embedding would refuse', async () => {
  const path = join(folderOf(), 'long.jsonl')
  writeFileSync(path, `${JSON.stringify({ query: 'q', document: 'word '.repeat(9001), document_id: 'd1' })}\n`)
  const args = {
    data: [path],
    base: 'openai',
    model: 'text-embedding-3-small',
    cache: 'none',
    estimate: true,
    maxDifference: VERIFY_BOUND,
    json: true,
    wait: true,
  }
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
  try {
    await expect(embed(args as unknown as EmbedArgs)).rejects.toThrow(/document d1.* tokens, the limit is 8192/)
    expect(String(spy.mock.calls[0][0])).toContain('"cost"')
  } finally {
    spy.mockRestore()
  }
})

test('a cache with another schema or version is refused with what is wrong', async () => {
  const folder = folderOf()
  const file = join(folder, 'cache.sqlite')
  const cache = await openCache(file)
  cache.close()
  const changed = async (name: string, change: (db: Sqlite.Database) => void) => {
    const path = join(folder, `${name}.sqlite`)
    copyFileSync(file, path)
    const db = new Sqlite(path)
    change(db)
    db.close()
    return openCache(path).then(
      () => 'opened',
      (error: Error) => error.message,
    )
  }
  expect(await changed('renamed', db => db.exec('ALTER TABLE vectors RENAME COLUMN checksum TO sum'))).toMatch(
    /expected the column "checksum" in the table "vectors", found .*sum/,
  )
  expect(await changed('dropped', db => db.exec('DROP TABLE completions'))).toMatch(/"completions", found no such table/)
  expect(
    await changed('view', db => db.exec('ALTER TABLE vectors RENAME TO v2; CREATE VIEW vectors AS SELECT * FROM v2')),
  ).toMatch(/in the table "vectors", found no such table/)
  expect(await changed('negative', db => db.pragma('user_version = -1'))).toMatch(/expected a version from 0 to \d+, found -1/)
})

test('a damaged cache keeps every sound vector when it is repaired', async () => {
  const file = join(folderOf(), 'cache.sqlite')
  const hashes = Array.from({ length: 400 }, (_, i) => createHash('sha256').update(`text ${i}`).digest())
  const filled = await openCache(file)
  filled.set(
    'a/b',
    hashes.map((textHash, i) => ({ textHash, vector: new Float32Array(512).fill(i + 1) })),
  )
  filled.close()
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.alloc(40_000, 0xa5), 0, 40_000, statSync(file).size - 200_000)
  closeSync(handle)

  const other = await openCache(file)
  const damaged = await openCache(file, { busyTimeoutMs: 50 })
  expect(() => damaged.verify({ repair: true })).toThrow(/is in use. End the programs that use it/)
  other.close()
  const { structure, rebuilt } = damaged.verify({ repair: true })
  damaged.close()
  expect(structure.length).toBeGreaterThan(0)
  expect(existsSync(rebuilt!.damaged)).toBe(true)

  const repaired = await openCache(file)
  expect(repaired.verify()).toMatchObject({ vectors: rebuilt!.kept, bad: [], structure: [] })
  const vectors = repaired.get('a/b', hashes)
  repaired.close()
  const kept = vectors.filter(vector => vector !== undefined)
  expect(kept).toHaveLength(rebuilt!.kept)
  // Three pages of about fifteen vectors each at most are lost.
  expect(kept.length).toBeGreaterThan(400 - 3 * 17)
  for (const [i, vector] of vectors.entries()) expect(vector?.[7] ?? i + 1).toBe(i + 1)
})

test('a cache whose end was cut off keeps what it still holds', async () => {
  const file = join(folderOf(), 'cache.sqlite')
  const filled = await openCache(file)
  const hashes = Array.from({ length: 400 }, (_, i) => createHash('sha256').update(`text ${i}`).digest())
  filled.set(
    'a/b',
    hashes.map((textHash, i) => ({ textHash, vector: new Float32Array(512).fill(i + 1) })),
  )
  filled.close()
  truncateSync(file, Math.floor(statSync(file).size * 0.7))
  await expect(openCache(file)).rejects.toThrow(/Keep every sound vector with: adapter-train cache verify --repair/)
  const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  expect(await runCli(['cache', 'verify', '--repair', '--cache', file])).toBe(0)
  said.mockRestore()
  const repaired = await openCache(file)
  const kept = repaired.get('a/b', hashes).filter(vector => vector !== undefined)
  repaired.close()
  expect(kept.length).toBeGreaterThan(200)
})
