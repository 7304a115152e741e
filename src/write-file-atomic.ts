import { randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { AdapterTrainError, messageOf } from './errors.js'

/**
 * Writes a whole file so that a reader sees either the old content or the new, never a part, even across a crash.
 *
 * Missing parent folders are created; a symbolic link is followed; the mode of an existing file is kept.
 *
 * @throws FILE_WRITE when the file cannot be written; the old content is then untouched and no temporary file is left
 */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  let temporary: string | undefined
  try {
    const existing = statSync(path, { throwIfNoEntry: false })
    if (existing) assertRegular(path, existing)
    // Renaming onto a link would replace the link, not the file that it names.
    const target = existing ? realpathSync(path) : resolve(path)
    const folder = dirname(target)
    mkdirSync(folder, { recursive: true })
    temporary = join(folder, `.${process.pid}-${randomBytes(6).toString('hex')}.tmp`)
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
    if (cause instanceof AdapterTrainError) throw cause
    // Node's message goes on with the call and the temporary name, which mean nothing to the reader.
    const reason = messageOf(cause).split(', ')[0]
    throw new AdapterTrainError('FILE_WRITE', `cannot write ${path}: ${reason}`, { cause, details: { file: path } })
  }
}

/**
 * Checks that `writeFileAtomic` would be allowed to write, before work is done whose result has to go there.
 * @throws FILE_WRITE as `writeFileAtomic` would
 */
export function checkWritable(path: string): void {
  const existing = statSync(path, { throwIfNoEntry: false })
  if (existing) assertRegular(path, existing)
  let folder = dirname(existing ? realpathSync(path) : resolve(path))
  while (!existsSync(folder)) folder = dirname(folder)
  try {
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`)
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    const reason = messageOf(cause).split(', ')[0]
    throw new AdapterTrainError('FILE_WRITE', `cannot write ${path}: ${reason}`, { cause, details: { file: path } })
  }
}

function assertRegular(path: string, stats: Stats): void {
  if (stats.isFile()) return
  const found = stats.isDirectory() ? 'it is a folder' : 'it is a device, pipe or socket'
  throw new AdapterTrainError('FILE_WRITE', `cannot write ${path}: ${found}, expected a file name`, {
    details: { file: path },
  })
}

/** Makes the rename itself durable, where the platform lets a folder be opened. */
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
