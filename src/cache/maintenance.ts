import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { AdapterTrainError, messageOf, usageError } from '../errors.js'
import { columnsOf, migrate, PAGE_SIZE } from './migrations.js'
import { isBusy, isCorrupt } from './open-database.js'
import { type StoredVector, storedVectorProblem } from './vector-codec.js'

const DAY_MS = 24 * 60 * 60 * 1000

/** Content of one space of the cache. */
export interface SpaceStats {
  /** The provider's `cacheKey(role)`. */
  readonly key: string
  readonly dimensions: number
  readonly vectors: number
  /** Bytes of the vectors alone. */
  readonly bytes: number
  /** Absent for a space without vectors. */
  readonly firstWritten?: Date
  readonly lastWritten?: Date
}

/** Content of the cache file. */
export interface CacheStats {
  readonly file: string
  /** Bytes on disk, write-ahead log included. */
  readonly fileBytes: number
  readonly vectors: number
  /** Answers of LLMs. */
  readonly completions: number
  /** Sorted by key. */
  readonly spaces: readonly SpaceStats[]
}

/** Row that is never served. */
export interface BadVector {
  readonly space: string
  /** SHA-256 of the text, in hex. */
  readonly textHash: string
  readonly problem: string
}

/** Result of reading every vector of the cache. */
export interface CacheVerification {
  /** Rows read, bad ones included. */
  readonly vectors: number
  readonly bad: readonly BadVector[]
  /** Problems found by `PRAGMA quick_check`. */
  readonly structure: readonly string[]
  /** Bad rows deleted. */
  readonly removed: number
  /** Set if the structure was damaged and the file was built anew. */
  readonly rebuilt?: Salvage
}

/** Vectors to delete: `all`, or those that match every other condition. */
export interface PruneOptions {
  /** Part of the space's key, such as a model name. */
  readonly space?: string
  /** Least age in days. */
  readonly olderThanDays?: number
  readonly all?: boolean
}

/** Numbers of what was deleted. */
export interface PruneResult {
  readonly vectors: number
  readonly spaces: number
  /** Answers of LLMs; a prune by space leaves them. */
  readonly completions: number
  readonly bytesFreed: number
}

/**
 * Counts the vectors of each space, and the answers of LLMs.
 * @internal
 */
export function stats(db: Database, file: string): CacheStats {
  const rows = db
    .prepare<[], { key: string; dimensions: number; vectors: number; bytes: number; first: number; last: number }>(
      `SELECT key, dimensions, count(v.space_id) AS vectors, total(length(v.vector)) AS bytes,
              min(v.created_at) AS first, max(v.created_at) AS last
       FROM spaces LEFT JOIN vectors v ON v.space_id = spaces.id GROUP BY spaces.id ORDER BY key`,
    )
    .all()
  const spaces = rows.map(({ first, last, ...space }) =>
    space.vectors === 0 ? space : { ...space, firstWritten: new Date(first), lastWritten: new Date(last) },
  )
  const completions = db.prepare<[], number>('SELECT count(*) FROM completions').pluck().get()!
  return { file, fileBytes: bytesOnDisk(file), vectors: spaces.reduce((n, s) => n + s.vectors, 0), completions, spaces }
}

/**
 * Reads every row and runs `PRAGMA quick_check`.
 * @param repair true to delete the bad rows, so that their texts are re-embedded; if the file's structure is damaged, to build it
 *   anew from every sound row, which closes the database
 * @internal
 */
export function verify(db: Database, file: string, repair: boolean): CacheVerification {
  const structure: string[] = []
  const bad: BadVector[] = []
  const badRows: number[] = []
  let vectors = 0
  try {
    for (const line of db.prepare<[], string>('PRAGMA quick_check').pluck().iterate()) {
      if (line !== 'ok') structure.push(...line.split('\n'))
    }
    for (const row of db.prepare<[], VerifiedRow>(`${ROWS} ORDER BY v.rowid`).iterate()) {
      vectors++
      const problem = rowProblem(row)
      if (problem === undefined) continue
      bad.push({ space: row.key ?? '', textHash: Buffer.from(row.textHash).toString('hex'), problem })
      badRows.push(row.rowid)
    }
  } catch (error) {
    // A damaged page ends the reading; what was found before it is still reported.
    if (!isCorrupt(error)) throw error
    structure.push(messageOf(error))
  }
  if (repair && structure.length > 0) {
    const find = db.prepare<[number], VerifiedRow>(`${ROWS} WHERE v.rowid = ?`)
    const isSound = (rowid: number): boolean => {
      const row = find.get(rowid)
      return row !== undefined && rowProblem(row) === undefined
    }
    return { vectors, bad, structure, removed: 0, rebuilt: salvage(db, file, isSound) }
  }
  const removed = repair ? removeBad(db, badRows) : 0
  return { vectors, bad, structure, removed }
}

const ROWS = `SELECT v.rowid AS rowid, key, dimensions, text_hash AS textHash, checksum, vector
              FROM vectors v LEFT JOIN spaces ON spaces.id = v.space_id`

interface VerifiedRow extends StoredVector {
  readonly rowid: number
  readonly key: string | null
  readonly dimensions: number
  readonly textHash: Uint8Array
}

function rowProblem(row: VerifiedRow): string | undefined {
  return row.key === null ? 'has no space' : storedVectorProblem(row, row.textHash, row.dimensions)
}

function removeBad(db: Database, rowids: readonly number[]): number {
  const find = db.prepare<[number], VerifiedRow>(`${ROWS} WHERE v.rowid = ?`)
  const remove = db.prepare('DELETE FROM vectors WHERE rowid = ?')
  const pass = db.transaction(() => {
    let removed = 0
    for (const rowid of rowids) {
      // Checked again under the write lock: another process may have replaced the row by a sound one.
      const row = find.get(rowid)
      if (row !== undefined && rowProblem(row) !== undefined) removed += remove.run(rowid).changes
    }
    return removed
  })
  return pass.immediate()
}

/**
 * Deletes vectors and LLM answers, removes empty spaces, and returns the room to the disk.
 * @internal
 */
export function prune(db: Database, file: string, options: PruneOptions): PruneResult {
  const { space, olderThanDays, all = false } = options
  if (all === (space !== undefined || olderThanDays !== undefined))
    throw usage('expected either all, or a space, an age in days, or both')
  if (space === '') throw usage("expected a part of the space's key, found an empty one")
  if (olderThanDays !== undefined && !(Number.isFinite(olderThanDays) && olderThanDays >= 0))
    throw usage(`expected an age of at least 0 days, found ${olderThanDays}`)
  const bytesBefore = bytesOnDisk(file)
  const before = olderThanDays === undefined ? null : Date.now() - olderThanDays * DAY_MS
  const values = { space: space ?? null, before, all: Number(all) }
  const remove = (from: string): number => db.prepare(`DELETE FROM ${from}`).run(values).changes
  const selected = 'IN (SELECT id FROM spaces WHERE :space IS NULL OR instr(key, :space) > 0)'
  const old = '(:before IS NULL OR created_at < :before)'
  const removeAll = db.transaction(() => {
    const vectors = remove(`vectors WHERE space_id ${selected} AND ${old}`)
    const empty = 'NOT EXISTS (SELECT 1 FROM vectors WHERE space_id = spaces.id)'
    const spaces = remove(`spaces WHERE id ${selected} AND ${empty}`)
    const completions = remove(`completions WHERE :space IS NULL AND ${old}`)
    // Pending batches are paid for, so only `all` deletes them.
    remove("batches WHERE :all OR (status <> 'open' AND :space IS NULL AND submitted_at < :before)")
    return { vectors, spaces, completions }
  })
  const removed = removeAll.immediate()
  if (removed.vectors + removed.completions > 0) {
    try {
      db.exec('VACUUM')
      db.pragma('wal_checkpoint(TRUNCATE)')
    } catch (error) {
      // Another process is writing all the time: the vectors are gone, and SQLite reuses the room by itself.
      if (!isBusy(error)) throw error
    }
  }
  return { ...removed, bytesFreed: Math.max(0, bytesBefore - bytesOnDisk(file)) }
}

function bytesOnDisk(file: string): number {
  return [file, `${file}-wal`].reduce((n, path) => n + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)
}

function usage(problem: string): AdapterTrainError {
  return usageError(`cannot prune the cache: ${problem}`)
}

/** Result of copying what is sound in a damaged file. */
export interface Salvage {
  readonly kept: number
  /** Where the damaged file is now. */
  readonly damaged: string
}

/** Rows of the smallest table that fit on a page, at most; bounds the search where the file does not say its last row. */
const ROWS_A_PAGE = 400

/** Keeps the file from other processes until the database is closed. */
function lockAlone(db: Database, file: string): void {
  try {
    // Only a file that nobody else has open can leave the write-ahead log.
    db.pragma('journal_mode = DELETE')
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    if (isBusy(error)) {
      throw new AdapterTrainError('CACHE_OPEN', `the cache ${file} is in use. End the programs that use it, and repair it then`)
    }
    if (!isCorrupt(error)) throw error
  }
}

/**
 * Copies every row that can still be read into a new file, row by row, and puts it in the place of the damaged one, which is kept
 * under another name. Closes the database.
 * @internal
 */
export function salvage(db: Database, file: string, isSound: (rowid: number) => boolean): Salvage {
  lockAlone(db, file)
  const rebuilt = `${file}.rebuilt`
  for (const end of ['', '-wal', '-shm']) rmSync(rebuilt + end, { force: true })
  const target: Database = new (db.constructor as new (path: string) => Database)(rebuilt)
  target.pragma(`page_size = ${PAGE_SIZE}`)
  migrate(target, rebuilt)
  let kept = 0
  const tables = target.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%STRICT'").pluck()
  target.transaction(() => {
    for (const table of tables.all()) {
      const columns = columnsOf(target, table).join(', ')
      const find = db.prepare<[number], Record<string, unknown>>(`SELECT ${columns} FROM ${table} WHERE rowid = ?`)
      const values = columns.replace(/\w+/g, ':$&')
      const add = target.prepare(`INSERT OR IGNORE INTO ${table} (${columns}) VALUES (${values})`)
      const last = readable(() => db.prepare<[], number>(`SELECT max(rowid) FROM ${table}`).pluck().get() ?? 0)
      // A damaged page may claim any last row.
      const bound = Math.min(last ?? Number.POSITIVE_INFINITY, Math.ceil(statSync(file).size / PAGE_SIZE) * ROWS_A_PAGE)
      for (let rowid = 1; rowid <= bound; rowid++) {
        const row = readable(() => (table !== 'vectors' || isSound(rowid) ? find.get(rowid) : undefined))
        if (row !== undefined) kept += readable(() => add.run(row).changes) === 1 && table === 'vectors' ? 1 : 0
      }
    }
  })()
  target.pragma('journal_mode = DELETE')
  target.close()
  db.close()
  const damaged = freeName(`${file}.damaged`)
  for (const end of ['-wal', '-shm', '']) if (existsSync(file + end)) renameSync(file + end, damaged + end)
  renameSync(rebuilt, file)
  return { kept, damaged }
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isCorrupt(error) || /^SQLITE_(CONSTRAINT|MISMATCH|IOERR)/.test(String((error as { code?: string }).code)))
      return undefined
    throw error
  }
}

function freeName(name: string): string {
  let free = name
  for (let i = 2; existsSync(free); i++) free = `${name}-${i}`
  return free
}
