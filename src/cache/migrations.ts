import type { Database } from 'better-sqlite3'
import { AdapterTrainError } from '../errors.js'

/** Mark of this package's cache in an SQLite file (`PRAGMA application_id`): the letters "adtr". */
export const APPLICATION_ID = 0x61647472

/**
 * Bytes of one database page. Measured with 10,000 vectors of 1,536 values: five rows of 6 KB fit on a page, and the file is a
 * fifth smaller than with pages of 4 to 16 KB.
 */
export const PAGE_SIZE = 32768

/**
 * Migration i takes a file from version i to i + 1; a released entry is never changed.
 *
 * `vectors` has a rowid: with `WITHOUT ROWID` such long rows spill to overflow pages (measured: two to eight times slower, files
 * up to twice as large). The blob comes last, so that reading the other columns does not touch it.
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
  `CREATE TABLE claims (
     space TEXT NOT NULL,
     text_hash BLOB NOT NULL,
     owner TEXT NOT NULL, -- host:pid that is embedding the text
     until INTEGER NOT NULL, -- milliseconds since 1970; renewed while the process lives
     PRIMARY KEY (space, text_hash)
   ) STRICT, WITHOUT ROWID;`,
]

/** Brings an open database to the newest version, all migrations in one transaction. */
export function migrate(db: Database, file: string, migrations: readonly string[] = MIGRATIONS): void {
  const current = (): boolean => {
    const version = db.pragma('user_version', { simple: true }) as number
    const application = db.pragma('application_id', { simple: true }) as number
    if (application !== APPLICATION_ID) {
      const tables = db.prepare('SELECT count(*) FROM sqlite_master').pluck().get() as number
      if (application !== 0 || version !== 0 || tables > 0) throw anotherApplication(file)
      return false
    }
    if (version < 0) {
      const problem = `expected a version from 0 to ${migrations.length}, found ${version}; it is left unchanged`
      throw refused(file, `${problem}. Choose another cache file`, { version })
    }
    if (version > migrations.length) {
      const problem = `expected at most version ${migrations.length}, found ${version}`
      throw refused(file, `${problem}. Update adapter-train, or choose another cache file`, { version })
    }
    return version === migrations.length
  }
  // Checked before the write lock: a refused file is not even locked.
  if (db.transaction(current).deferred()) return
  db.transaction(() => {
    if (current()) return
    const version = db.pragma('user_version', { simple: true }) as number
    for (const migration of migrations.slice(version)) db.exec(migration)
    db.pragma(`application_id = ${APPLICATION_ID}`)
    db.pragma(`user_version = ${migrations.length}`)
  }).immediate()
}

/** Checks that a file of the newest version has the tables and columns that its migrations make. */
export function checkSchema(db: Database, file: string): void {
  const model: Database = new (db.constructor as new (path: string) => Database)(':memory:')
  try {
    for (const migration of MIGRATIONS) model.exec(migration)
    const tables = model.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all()
    const own = db.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all()
    for (const table of tables.filter(name => !name.startsWith('sqlite_'))) {
      const found = own.includes(table) ? columnsOf(db, table) : []
      const missing = columnsOf(model, table).find(name => !found.includes(name))
      if (missing === undefined) continue
      const shown = found.length === 0 ? 'no such table' : found.join(', ')
      const problem = `expected the column "${missing}" in the table "${table}", found ${shown}`
      const left = 'another program changed it, and it is left unchanged. Choose another cache file'
      throw refused(file, `${problem}; ${left}`, { table, missing })
    }
  } finally {
    model.close()
  }
}

function refused(file: string, problem: string, facts: object): AdapterTrainError {
  return new AdapterTrainError('CACHE_OPEN', `cache ${file}: ${problem}`, { details: { file, ...facts } })
}

export function columnsOf(db: Database, table: string): string[] {
  return (db.pragma(`table_info(${table})`) as readonly { readonly name: string }[]).map(({ name }) => name)
}

/** Makes the error for a database of another program. */
export function anotherApplication(file: string): AdapterTrainError {
  const message = `${file}: expected an embedding cache, found an SQLite database of another program, left unchanged`
  return new AdapterTrainError('CACHE_OPEN', `${message}. Choose another cache file`, { details: { file } })
}
