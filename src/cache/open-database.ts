import { closeSync, constants, openSync, readSync, statSync, truncateSync } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { AdapterTrainError, isAdapterTrainError, messageOf } from '../errors.js'
import { makeFolder } from '../files.js'
import { APPLICATION_ID, anotherApplication, checkSchema, migrate, PAGE_SIZE } from './migrations.js'

/** Pages up to which a file that was cut off is filled: 64 GiB. */
const MOST_PAGES = 2 ** 21
const LOCKED = 'another process has it locked. Try again when it is done'
const DELETE = 'Delete the file; its vectors will be re-embedded'
const REPAIR = 'Keep every sound vector with: adapter-train cache verify --repair --cache'

/** Opens or creates the cache's database and brings it to the newest version; any other file stays untouched. */
export async function openDatabase(file: string, busyTimeoutMs: number): Promise<Database> {
  await prepareLocation(file)
  const deadline = Date.now() + busyTimeoutMs
  for (;;) {
    try {
      return await connect(file, busyTimeoutMs)
    } catch (error) {
      // SQLite does not wait by itself while another process creates the file or turns on its journal.
      if (isBusy(error) && Date.now() < deadline) {
        await sleep(20 + Math.random() * 30)
        continue
      }
      if (isAdapterTrainError(error)) throw error
      if (isBusy(error)) throw cannotOpen(file, LOCKED, error)
      const remedy = isCorrupt(error) ? `; it is damaged. ${isCutOff(file) ? `${REPAIR} ${file}` : DELETE}` : ''
      throw cannotOpen(file, messageOf(error) + remedy, error)
    }
  }
}

/** Size that the header of a database states, in bytes; 0 if it is not one of ours. */
function statedSize(file: string): number {
  const handle = openSync(file, 'r')
  try {
    const header = Buffer.alloc(100)
    readSync(handle, header, 0, 100, 0)
    const pages = header.readUInt32BE(28)
    const isOurs = header.readUInt32BE(68) === APPLICATION_ID && header.readUInt16BE(16) === PAGE_SIZE
    return isOurs && pages < MOST_PAGES ? pages * PAGE_SIZE : 0
  } finally {
    closeSync(handle)
  }
}

const isCutOff = (file: string): boolean => statSync(file).size < statedSize(file)

/** Fills a file that was cut off up to the size it states, with zeros: SQLite opens it then, and what it still holds can be read. */
export function fillCutOff(file: string): void {
  if (isCutOff(file)) truncateSync(file, statedSize(file))
}

async function connect(file: string, busyTimeoutMs: number): Promise<Database> {
  const { default: Sqlite } = await import('better-sqlite3')
  let db: Database
  try {
    db = new Sqlite(file, { timeout: busyTimeoutMs })
  } catch (error) {
    if (error instanceof Sqlite.SqliteError) throw error
    const remedy = 'Run "npm rebuild better-sqlite3", or omit the cache file'
    throw cannotOpen(file, `the package better-sqlite3 does not load (${messageOf(error)}). ${remedy}`, error)
  }
  try {
    db.pragma(`page_size = ${PAGE_SIZE}`)
    migrate(db, file)
    checkSchema(db, file)
    // Only after the first commit, so that the file itself, not just its log, has the mark (see checkHeader).
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
    makeFolder(folder)
    await access(folder, constants.W_OK)
  } catch (error) {
    throw cannotOpen(file, `the folder ${folder} cannot be created or written (${messageOf(error)})`, error)
  }
  try {
    const stats = await stat(file)
    if (!stats.isFile() && !stats.isDirectory()) throw cannotOpen(file, 'expected a file, found a device or pipe')
    await checkHeader(file)
    await access(file, constants.R_OK | constants.W_OK)
  } catch (error) {
    if (isAdapterTrainError(error)) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return
    if (code === 'EISDIR') throw cannotOpen(file, 'expected a file, found a folder', error)
    throw cannotOpen(file, `it cannot be read or written (${messageOf(error)})`, error)
  }
}

/**
 * Reads the SQLite header itself, because SQLite would move another program's write-ahead log into its file on close.
 * @see https://www.sqlite.org/fileformat2.html#the_database_header
 */
async function checkHeader(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    const header = Buffer.alloc(100)
    const { bytesRead } = await handle.read(header, 0, 100, 0)
    if (bytesRead === 0) return
    if (bytesRead < 100 || header.toString('latin1', 0, 16) !== 'SQLite format 3\0')
      throw cannotOpen(file, 'it is not an SQLite database, and is left unchanged. Choose another cache file')
    const applicationId = header.readUInt32BE(68)
    const writeAheadLog = header[18] === 2
    if (applicationId !== APPLICATION_ID && (applicationId !== 0 || writeAheadLog)) throw anotherApplication(file)
  } finally {
    await handle.close()
  }
}

function cannotOpen(file: string, problem: string, cause?: unknown): AdapterTrainError {
  const message = `cannot open the embedding cache ${file}: ${problem}`
  return new AdapterTrainError('CACHE_OPEN', message, { cause, details: { file } })
}

/** True if another process has a lock. */
export const isBusy = (error: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))

/** True if the structure of the file is damaged. */
export const isCorrupt = (error: unknown): boolean => /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error))

/** Runs a database operation and gives SQLite's own errors a code of this package. */
export function guarded<T>(file: string, operation: () => T): T {
  try {
    return operation()
  } catch (error) {
    const about = { cause: error, details: { file } }
    if (isCorrupt(error)) {
      const message = `the embedding cache ${file} is damaged (${messageOf(error)}). ${REPAIR} ${file}`
      throw new AdapterTrainError('CACHE_CORRUPT', message, about)
    }
    if (!codeOf(error).startsWith('SQLITE_')) throw error
    const problem = isBusy(error) ? LOCKED : messageOf(error)
    throw new AdapterTrainError('FILE_WRITE', `cannot use the embedding cache ${file}: ${problem}`, about)
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : ''
}
