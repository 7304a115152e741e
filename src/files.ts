import { createHash, randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { AdapterTrainError, messageOf } from './errors.js'

const MIB = 1 << 20
/** Bytes of a file that is read whole into memory: a text must fit into a string. */
export const MAX_FILE_BYTES = 500 * MIB

/** Reads a regular file of limited size whole; its size is looked at first. */
export function readRegularFile(path: string, maxBytes = MAX_FILE_BYTES): Buffer {
  const stats = statSync(path)
  if (!stats.isFile() && !stats.isDirectory()) throw new Error('expected a regular file; found a device or a pipe or a socket')
  if (stats.size > maxBytes)
    throw new Error(`expected at most ${Math.floor(maxBytes / MIB)} MiB; found ${Math.ceil(stats.size / MIB)} MiB`)
  return readFileSync(path)
}

/** Reads a text file without its byte order mark. `maxBytes`: if given, the file must be a regular one of at most this size. */
export function readNamedFile(path: string, what: string, maxBytes?: number): string {
  try {
    // A shell may give a pipe: --config <(...)
    const isPipe = maxBytes === undefined && statSync(path).isFIFO()
    const bytes = isPipe ? readFileSync(path) : readRegularFile(path, maxBytes)
    return bytes.toString('utf8').replace(/^\uFEFF/, '')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const problem = missing ? 'there is no such file' : messageOf(cause).split(', ')[0]
    const code = missing ? 'FILE_NOT_FOUND' : 'FILE_READ'
    throw new AdapterTrainError(code, `${what} ${path}: ${problem}`, { cause, details: { path } })
  }
}

/**
 * Writes a whole file so that a reader sees either the old content or the new, never a part, even across a crash. Missing parent
 * folders are created; a symbolic link is followed; the mode of an existing file is kept.
 */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  let temporary: string | undefined
  try {
    const { existing, target } = targetOf(path)
    const folder = dirname(target)
    makeFolder(folder)
    removeLeftovers(folder)
    temporary = join(folder, `.${process.pid}-${HOST}-${randomBytes(6).toString('hex')}.tmp`)
    const file = openSync(temporary, 'wx')
    try {
      if (existing) fchmodSync(file, existing.mode)
      writeFileSync(file, data)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, target)
    temporary = undefined
    syncFolder(folder)
  } catch (cause) {
    if (temporary !== undefined) rmSync(temporary, { force: true })
    throw cannotWrite(path, cause)
  }
}

/** Checks that `writeFileAtomic` could write, before the work that makes the content. */
export function checkWritable(path: string): void {
  try {
    let folder = dirname(targetOf(path).target)
    while (!existsSync(folder)) folder = dirname(folder)
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`)
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw cannotWrite(path, cause)
  }
}

/** Identifies a file: equal for two names of it, even if it does not exist yet. */
export function fileIdentity(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const folder = dirname(resolve(path))
  return join(existsSync(folder) ? realpathSync(folder) : folder, basename(path))
}

/** Creates a folder and its parents. Not by `recursive`: Node loops forever if a file system such as /proc returns ENOENT for a child. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    // Another process may have made it since the check.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Tells hosts apart that share a folder: process numbers of another one say nothing here. */
export const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
/** Temporary names: the process, the host (absent in earlier releases), chance. */
const TEMPORARY = /^\.(\d{1,10})(?:-([0-9a-f]{8}))?-[0-9a-f]{12}\.tmp$/
/** Folders looked through by this process. */
const cleaned = new Set<string>()

/** Removes temporary files that killed processes of this host left in a folder, once a process. */
function removeLeftovers(folder: string): void {
  if (cleaned.has(folder)) return
  cleaned.add(folder)
  try {
    for (const name of readdirSync(folder)) {
      const [, pid, host] = TEMPORARY.exec(name) ?? []
      if (pid === undefined || (host ?? HOST) !== HOST) continue
      const path = join(folder, name)
      const { mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {}
      if (!isAlive(Number(pid), mtimeMs)) rmSync(path, { force: true })
    }
  } catch {
    // A folder that cannot be listed can be written nevertheless.
  }
}

/** When this process began, in milliseconds since 1970; the same in all its threads. */
const BEGAN = Date.now() - 1000 * process.uptime()

/**
 * True if the process that made something may still run. What is older than this process is of another one, even if it had the same
 * number: in a container that is started again, each has 1.
 * @param madeAt milliseconds since 1970
 */
export function isAlive(pid: number, madeAt: number): boolean {
  if (pid === process.pid) return madeAt >= BEGAN
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Finds the file that is written: renaming onto a link would replace the link, not the file that it names. */
function targetOf(path: string) {
  const existing = statSync(path, { throwIfNoEntry: false })
  if (!existing) return { target: resolve(path) }
  if (existing.isFile()) return { existing, target: realpathSync(path) }
  const found = existing.isDirectory() ? 'it is a folder' : 'it is a device, pipe or socket'
  const problem = `cannot write ${path}: ${found}, expected a file name`
  throw new AdapterTrainError('FILE_WRITE', problem, { details: { file: path } })
}

export function cannotWrite(path: string, cause: unknown): AdapterTrainError {
  if (cause instanceof AdapterTrainError) return cause
  // Node's message goes on with the call and the temporary name.
  const reason = messageOf(cause).split(', ')[0]
  return new AdapterTrainError('FILE_WRITE', `cannot write ${path}: ${reason}`, { cause, details: { file: path } })
}

/** Makes the rename itself durable, if the platform can open a folder. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  } catch {
    // Windows and some network file systems refuse; the content itself is already on disk.
  }
}

/** Leaves out what a Mac adds to the files of a folder on other disks and in archives. */
export function visible(names: readonly string[]): string[] {
  return names.filter(name => !name.startsWith('._') && name !== '.DS_Store' && name !== '__MACOSX')
}
