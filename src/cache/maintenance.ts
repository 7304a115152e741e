import { statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { AdapterTrainError, messageOf } from '../errors.js'
import { isBusy, isCorrupt } from './sqlite-errors.js'
import { type StoredVector, storedVectorProblem } from './vector-codec.js'

const DAY_MS = 24 * 60 * 60 * 1000

/** What one space of the cache holds. */
export interface SpaceStats {
  /** The provider's `cacheKey(role)`. */
  readonly key: string
  readonly dimensions: number
  readonly vectors: number
  /** Bytes of the vectors alone. */
  readonly bytes: number
  /** Absent where the space holds no vector. */
  readonly firstWritten?: Date
  readonly lastWritten?: Date
}

/** What the file of the cache holds. */
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

/** A row that is never served. */
export interface BadVector {
  readonly space: string
  /** SHA-256 of the text, in hex. */
  readonly textHash: string
  /** What is wrong with the row, without a full stop. */
  readonly problem: string
}

/** What reading every vector of the cache back found. */
export interface CacheVerification {
  /** Rows that were read, bad ones included. */
  readonly vectors: number
  readonly bad: readonly BadVector[]
  /** What `PRAGMA quick_check` complains about; empty for a sound file. */
  readonly structure: readonly string[]
  /** Bad rows that were deleted. */
  readonly removed: number
}

/** Which vectors to delete: `all`, or those that match every other condition given. */
export interface PruneOptions {
  /** Part of the space's key, such as a model name. */
  readonly space?: string
  /** Written more than this many days ago. */
  readonly olderThanDays?: number
  readonly all?: boolean
}

/** What was deleted. */
export interface PruneResult {
  readonly vectors: number
  readonly spaces: number
  /** Answers of LLMs; a prune by space leaves them. */
  readonly completions: number
  readonly bytesFreed: number
}

/** Counts what the cache holds, per space. */
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
 *
 * @param repair deletes the bad rows, so that their texts are embedded again; nothing is deleted while the file's structure
 * is damaged
 */
export function verify(db: Database, repair: boolean): CacheVerification {
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
    // A damaged page ends the reading; what was found before it is still worth reporting.
    if (!isCorrupt(error)) throw error
    structure.push(messageOf(error))
  }
  const removed = repair && structure.length === 0 ? removeBad(db, badRows) : 0
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
      // Looked at again under the write lock: another process may have replaced the row by a sound one.
      const row = find.get(rowid)
      if (row !== undefined && rowProblem(row) !== undefined) removed += remove.run(rowid).changes
    }
    return removed
  })
  return pass.immediate()
}

/**
 * Deletes vectors and LLM answers, drops the spaces that this leaves empty, and gives the room back to the disk.
 *
 * @throws USAGE when no condition is given, or one that cannot be meant
 */
export function prune(db: Database, file: string, options: PruneOptions): PruneResult {
  const { space, olderThanDays, all = false } = options
  if (all === (space !== undefined || olderThanDays !== undefined)) {
    throw usage('give either all, or a space, an age in days, or both')
  }
  if (space === '') throw usage('the space must be a part of its key, it is empty')
  if (olderThanDays !== undefined && !(Number.isFinite(olderThanDays) && olderThanDays >= 0)) {
    throw usage(`the age must be a number of days, 0 or more, it is ${olderThanDays}`)
  }
  const before = bytesOnDisk(file)
  const selected = 'SELECT id FROM spaces WHERE :space IS NULL OR instr(key, :space) > 0'
  const values = {
    space: space ?? null,
    before: olderThanDays === undefined ? null : Date.now() - olderThanDays * DAY_MS,
  }
  const removed = db
    .transaction(() => {
      const vectors = db
        .prepare(`DELETE FROM vectors WHERE space_id IN (${selected}) AND (:before IS NULL OR created_at < :before)`)
        .run(values).changes
      const spaces = db
        .prepare(`DELETE FROM spaces WHERE id IN (${selected})
                  AND NOT EXISTS (SELECT 1 FROM vectors WHERE space_id = spaces.id)`)
        .run({ space: values.space }).changes
      const completions = db
        .prepare('DELETE FROM completions WHERE :space IS NULL AND (:before IS NULL OR created_at < :before)')
        .run(values).changes
      // Whoever deletes everything wants it made anew; else a batch under way stays known, since it is paid for.
      db.prepare(
        "DELETE FROM batches WHERE :all OR (status <> 'open' AND :space IS NULL AND submitted_at < :before)",
      ).run({
        ...values,
        all: all ? 1 : 0,
      })
      return { vectors, spaces, completions }
    })
    .immediate()
  if (removed.vectors + removed.completions > 0) {
    try {
      db.exec('VACUUM')
      db.pragma('wal_checkpoint(TRUNCATE)')
    } catch (error) {
      // Another process is writing all the time: the vectors are gone, and SQLite uses the room again by itself.
      if (!isBusy(error)) throw error
    }
  }
  return { ...removed, bytesFreed: Math.max(0, before - bytesOnDisk(file)) }
}

function bytesOnDisk(file: string): number {
  return [file, `${file}-wal`].reduce((n, path) => n + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)
}

function usage(problem: string): AdapterTrainError {
  return new AdapterTrainError('USAGE', `cannot prune the cache: ${problem}`)
}
