import type { Database } from 'better-sqlite3'
import { AdapterTrainError } from '../errors.js'

/** Marks an SQLite file as this package's cache (`PRAGMA application_id`): the letters "adtr". */
export const APPLICATION_ID = 0x61647472

/**
 * Bytes of one database page. Measured with 10,000 vectors of 1,536 values: rows of 6 KB pack five to a page, which makes
 * the file a fifth smaller than pages of 4 to 16 KB do.
 */
export const PAGE_SIZE = 32768

/**
 * Migration i takes a file from version i to i + 1; an entry is never changed once it was released.
 *
 * `vectors` keeps its rowid: with `WITHOUT ROWID` such long rows spill to overflow pages (measured: two to eight times
 * slower, files up to twice as large). The blob comes last, so that reading the other columns does not touch it.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE spaces (
     id INTEGER PRIMARY KEY,
     key TEXT NOT NULL UNIQUE,
     dimensions INTEGER NOT NULL CHECK (dimensions > 0),
     created_at INTEGER NOT NULL -- milliseconds since 1970
   ) STRICT;
   CREATE TABLE vectors (
     space_id INTEGER NOT NULL REFERENCES spaces (id),
     text_hash BLOB NOT NULL CHECK (length(text_hash) = 32), -- SHA-256 of the text's UTF-8 bytes
     created_at INTEGER NOT NULL,
     checksum INTEGER NOT NULL, -- CRC-32 of text_hash, then vector
     vector BLOB NOT NULL, -- float32, little-endian
     UNIQUE (space_id, text_hash)
   ) STRICT;`,
  `CREATE TABLE completions (
     key BLOB NOT NULL UNIQUE CHECK (length(key) = 32), -- SHA-256 of everything that changes an LLM's answer
     model TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     checksum INTEGER NOT NULL, -- CRC-32 of key, then answer
     answer TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE batches (
     id INTEGER PRIMARY KEY AUTOINCREMENT, -- a number that was seen is never given again
     token TEXT NOT NULL UNIQUE, -- sent along as metadata
     kind TEXT NOT NULL, -- embeddings or chat
     space TEXT NOT NULL, -- namespace of the keys
     model TEXT NOT NULL,
     base_url TEXT NOT NULL,
     batch_id TEXT, -- the service's; NULL until it is known
     status TEXT NOT NULL, -- open, or the service's last word
     owner TEXT, -- host:pid that is submitting it
     submitted_at INTEGER NOT NULL, -- milliseconds since 1970
     finished_at INTEGER,
     sizes TEXT NOT NULL, -- JSON: keys of each request
     keys BLOB NOT NULL CHECK (length(keys) % 32 = 0)
   ) STRICT;
   CREATE INDEX batches_by_scope ON batches (kind, space, base_url);`,
]

/**
 * Brings an open database to the newest version, all migrations in one transaction.
 *
 * @throws CACHE_OPEN when it is another program's database, or was written by a newer version of this package
 */
export function migrate(db: Database, file: string, migrations: readonly string[] = MIGRATIONS): void {
  const current = (): boolean => {
    const version = db.pragma('user_version', { simple: true }) as number
    const application = db.pragma('application_id', { simple: true }) as number
    if (application !== APPLICATION_ID) {
      const tables = db.prepare('SELECT count(*) FROM sqlite_master').pluck().get() as number
      if (application !== 0 || version !== 0 || tables > 0) throw anotherApplication(file)
      return false
    }
    if (version > migrations.length) {
      throw new AdapterTrainError(
        'CACHE_OPEN',
        `the cache ${file} has version ${version}, this adapter-train reads up to version ${migrations.length}: ` +
          'update adapter-train, or choose another cache file',
        { details: { file, version } },
      )
    }
    return version === migrations.length
  }
  // Looked at before the write lock is asked for: a file that will be refused is not even locked.
  if (db.transaction(current).deferred()) return
  db.transaction(() => {
    if (current()) return
    const version = db.pragma('user_version', { simple: true }) as number
    for (const migration of migrations.slice(version)) db.exec(migration)
    db.pragma(`application_id = ${APPLICATION_ID}`)
    db.pragma(`user_version = ${migrations.length}`)
  }).immediate()
}

/** The refusal of a file that this package did not make. */
export function anotherApplication(file: string): AdapterTrainError {
  return new AdapterTrainError(
    'CACHE_OPEN',
    `${file} is an SQLite database of another program, not an embedding cache; it was left as it is: choose another cache file`,
    { details: { file } },
  )
}
