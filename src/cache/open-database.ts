import { constants, existsSync } from 'node:fs'
import { access, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { AdapterTrainError, isAdapterTrainError, messageOf } from '../errors.js'
import { APPLICATION_ID, anotherApplication, migrate, PAGE_SIZE } from './migrations.js'
import { isBusy, isCorrupt } from './sqlite-errors.js'

/**
 * Opens or creates the cache's database and brings it to the newest version; a file that is not the cache's is not touched.
 *
 * @param file absolute path
 * @throws CACHE_OPEN when the file is not a cache, is newer than this package, or cannot be read and written
 */
export async function openDatabase(file: string, busyTimeoutMs: number): Promise<Database> {
  await prepareLocation(file)
  const deadline = Date.now() + busyTimeoutMs
  for (;;) {
    try {
      return await connect(file, busyTimeoutMs)
    } catch (error) {
      // SQLite does not wait by itself while another process creates the file or turns its journal on.
      if (isBusy(error) && Date.now() < deadline) {
        await sleep(20 + Math.random() * 30)
        continue
      }
      if (isAdapterTrainError(error)) throw error
      if (isBusy(error)) throw cannotOpen(file, 'another process keeps it locked; try again when it is done', error)
      const remedy = isCorrupt(error) ? '; it is damaged: delete the file, its vectors will be embedded again' : ''
      throw cannotOpen(file, messageOf(error) + remedy, error)
    }
  }
}

async function connect(file: string, busyTimeoutMs: number): Promise<Database> {
  const { default: Sqlite } = await import('better-sqlite3')
  let db: Database
  try {
    db = new Sqlite(file, { timeout: busyTimeoutMs })
  } catch (error) {
    if (error instanceof Sqlite.SqliteError) throw error
    const remedy = 'run "npm rebuild better-sqlite3", or go without a cache file'
    throw cannotOpen(file, `the package better-sqlite3 does not load (${messageOf(error)}); ${remedy}`, error)
  }
  try {
    db.pragma(`page_size = ${PAGE_SIZE}`)
    migrate(db, file)
    // Only after the first commit, so that the file itself, not just its log, says whose it is (see checkHeader).
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma('foreign_keys = ON')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

async function prepareLocation(file: string): Promise<void> {
  const folder = dirname(file)
  try {
    await makeFolder(folder)
    await access(folder, constants.W_OK)
  } catch (error) {
    throw cannotOpen(file, `the folder ${folder} cannot be created or written (${messageOf(error)})`, error)
  }
  try {
    await checkHeader(file)
    await access(file, constants.R_OK | constants.W_OK)
  } catch (error) {
    if (isAdapterTrainError(error)) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return
    if (code === 'EISDIR') throw cannotOpen(file, 'it is a folder, expected a file', error)
    throw cannotOpen(file, `it cannot be read and written (${messageOf(error)})`, error)
  }
}

/** Not `mkdir` with `recursive`: Node loops for ever where a file system such as /proc answers ENOENT for a child. */
async function makeFolder(folder: string): Promise<void> {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) await makeFolder(dirname(folder))
  await mkdir(folder).catch(error => {
    // Another process may have made it since it was looked for.
    if (error.code !== 'EEXIST') throw error
  })
}

/**
 * Reads the SQLite header directly, because SQLite would move another program's write-ahead log into its file on close.
 * @see https://www.sqlite.org/fileformat2.html#the_database_header
 */
async function checkHeader(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    const header = Buffer.alloc(100)
    const { bytesRead } = await handle.read(header, 0, 100, 0)
    if (bytesRead === 0) return
    if (bytesRead < 100 || header.toString('latin1', 0, 16) !== 'SQLite format 3\0') {
      throw cannotOpen(file, 'it is not an SQLite database; it was left as it is: choose another cache file')
    }
    const applicationId = header.readUInt32BE(68)
    const writeAheadLog = header[18] === 2
    if (applicationId !== APPLICATION_ID && (applicationId !== 0 || writeAheadLog)) throw anotherApplication(file)
  } finally {
    await handle.close()
  }
}

function cannotOpen(file: string, problem: string, cause?: unknown): AdapterTrainError {
  return new AdapterTrainError('CACHE_OPEN', `cannot open the embedding cache ${file}: ${problem}`, {
    cause,
    details: { file },
  })
}
