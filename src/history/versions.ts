import { createHash } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Adapter, validateAdapter } from '../adapters/adapter.js'
import { saveAdapter, termsFacts } from '../adapters/file.js'
import { checkFacts } from '../adapters/stored-adapter.js'
import { fileError } from '../dataset/text-file.js'
import { AdapterTrainError, messageOf, usageError } from '../errors.js'
import { makeFolder, readRegularFile, writeFileAtomic } from '../files.js'
import { parseJsonText, tryJson } from '../json.js'
import { KEEP_DEFAULT } from '../pipeline/defaults.js'

/** One version of an adapter file: the one in use, or one that it replaced. */
export interface Version {
  /** Number, from 1, rising with time; absent for the content in use, unless the history holds it too. */
  readonly version?: number
  /** True for the content in use. */
  readonly inUse: boolean
  readonly file: string
  /** SHA-256 of the file, hex. */
  readonly sha256: string
  /** When it was trained, ISO 8601; absent if the file cannot be read as an adapter. */
  readonly trained?: string
  readonly kind?: string
  readonly base?: string
  /** Its training facts: data, options and figures. */
  readonly training?: Adapter['training']
  /** When and why another took its place; absent for the content in use. */
  readonly replaced?: { readonly date: string; readonly reason: string }
}

/** Result of putting a version back. */
export interface Rollback {
  readonly file: string
  /** Number of the version that is in use now. */
  readonly version: number
  readonly sha256: string
  /** SHA-256 of what was in use before. */
  readonly previous?: string
}

interface Change {
  readonly date: string
  /** SHA-256 of the file that was replaced, hex. */
  readonly from: string
  readonly reason: string
}

/**
 * Puts an adapter in use: what stands at `path` becomes a version of its history, then one rename replaces it. Killed at any
 * moment, it leaves the old file or the new one, whole.
 * @param options versions to keep beside the file (0 keeps none), and why the old one is replaced, for the history
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT if the adapter is not valid, FILE_WRITE if a file cannot be written
 */
export function replaceAdapter(
  path: string,
  adapter: Adapter,
  options: { readonly keep?: number; readonly reason: string },
): void {
  const { keep = KEEP_DEFAULT, reason } = options
  validateAdapter(adapter)
  if (keep > 0) keepVersion(path, reason)
  saveAdapter(adapter, path, { keepTerms: keep > 0 })
  prune(path, keep)
}

/** Path of the adapter that was not put in use: `x.rejected.json` beside `x.json`. */
export const rejectedPath = (path: string): string => `${path.replace(/\.json$/i, '')}.rejected.json`

/** Folder of the versions of an adapter file: `x.history` beside `x.json`, or beside the file that a link names. */
export function historyFolder(path: string): string {
  const real = existsSync(path) ? realpathSync(path) : path
  return `${real.replace(/\.json$/i, '')}.history`
}

/**
 * Lists the versions of an adapter file: the one in use, then those that were replaced, the last one first.
 * @throws FILE_NOT_FOUND if there is neither the file nor a history
 */
export function listVersions(path: string): Version[] {
  const folder = historyFolder(path)
  const changes = readChanges(folder)
  const stored = byReplacement(folder, changes)
  if (!existsSync(path) && stored.length === 0) {
    throw new AdapterTrainError('FILE_NOT_FOUND', `adapter file ${path}: there is no such file, and no history of it`, {
      details: { path },
    })
  }
  const current = existsSync(path) ? describeVersion(path) : undefined
  const described = stored.map(({ number, file }) => ({ version: number, ...describeVersion(file) }))
  const same = described.findLast(({ sha256 }) => sha256 === current?.sha256)
  const old = described
    .filter(({ sha256 }) => sha256 !== current?.sha256)
    .map((version): Version => {
      const change = changes.findLast(({ from }) => from === version.sha256)
      return { ...version, inUse: false, ...(change && { replaced: { date: change.date, reason: change.reason } }) }
    })
    .reverse()
  return current ? [{ ...(same && { version: same.version }), inUse: true, ...current }, ...old] : old
}

/**
 * Puts a version back, byte for byte, with one rename; what was in use stays in the history.
 * @param version number from {@link listVersions}; default: the last one that was replaced
 * @throws USAGE if there is no such version
 * @throws FILE_WRITE if the file cannot be written
 */
export function rollbackAdapter(path: string, version?: number): Rollback {
  const versions = listVersions(path)
  const choices = versions.filter(({ inUse }) => !inUse)
  const wanted = version === undefined ? choices[0] : versions.find(({ version: number }) => number === version)
  if (wanted?.version === undefined) {
    const known = choices.map(({ version: number }) => number).join(', ')
    throw usageError(
      version === undefined
        ? `${path}: there is no earlier version to go back to`
        : `${path}: expected a version of its history${known ? `, one of ${known}` : ' (there is none)'}, found ${version}`,
      { details: { path } },
    )
  }
  const previous = versions.find(({ inUse }) => inUse)
  const rollback = { file: path, version: wanted.version, sha256: wanted.sha256, previous: previous?.sha256 }
  if (wanted.inUse) return rollback
  const content = readFileSync(wanted.file)
  keepVersion(path, `rolled back to version ${wanted.version}`)
  writeFileAtomic(path, content)
  return rollback
}

/** Makes what stands at `path` a version of its history, with why it is replaced. */
function keepVersion(path: string, reason: string): void {
  if (!existsSync(path)) return
  const folder = historyFolder(path)
  try {
    const from = keepCurrent(path, folder)
    const change: Change = { date: new Date().toISOString(), from, reason }
    appendFileSync(join(folder, LOG), `${JSON.stringify(change)}\n`)
  } catch (cause) {
    const message = `cannot keep the history of ${path}: ${messageOf(cause)}`
    throw new AdapterTrainError('FILE_WRITE', message, { cause, details: { file: folder } })
  }
}

const LOG = 'history.jsonl'

/** Stores the file in use as a version, unless it is one already. @returns its SHA-256 */
function keepCurrent(path: string, folder: string): string {
  makeFolder(folder)
  const sha256 = hashFile(path)
  const stored = storedVersions(folder)
  if (stored.some(({ file }) => hashFile(file) === sha256)) return sha256
  const number = (stored.at(-1)?.number ?? 0) + 1
  const file = join(folder, `${String(number).padStart(4, '0')}.json`)
  const real = realpathSync(path)
  try {
    // The rename that follows gives the path another file, and leaves this one to the history.
    linkSync(real, file)
  } catch {
    const temporary = `${file}.${process.pid}.tmp`
    copyFileSync(real, temporary)
    renameSync(temporary, file)
  }
  return sha256
}

/** Removes the versions that were replaced first, and siblings that no version needs. */
function prune(path: string, keep: number): void {
  const folder = historyFolder(path)
  if (!existsSync(folder)) return
  const current = hashFile(path)
  const old = byReplacement(folder, readChanges(folder)).filter(({ sha256 }) => sha256 !== current)
  const removed = old.slice(0, Math.max(0, old.length - keep))
  const siblings = removed.flatMap(({ file }) => siblingsOf(file))
  for (const { file } of removed) rmSync(file, { force: true })
  if (siblings.length === 0) return
  const needed = new Set([path, ...storedVersions(folder).map(({ file }) => file)].flatMap(siblingsOf))
  for (const name of siblings) if (!needed.has(name)) rmSync(join(dirname(folder), name), { force: true })
}

/** Names of the files that belong to an adapter file and stand beside it. */
function siblingsOf(file: string): string[] {
  const name = termsFacts(file)?.file
  return typeof name === 'string' ? [basename(name)] : []
}

function storedVersions(folder: string): { readonly number: number; readonly file: string }[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .flatMap(name => (/^\d{4,}\.json$/.test(name) ? [{ number: Number.parseInt(name, 10), file: join(folder, name) }] : []))
    .sort((a, b) => a.number - b.number)
}

/** The stored versions, the one that was replaced last at the end: one that was put back keeps its number. */
function byReplacement(folder: string, changes: readonly Change[]) {
  const replaced = new Map(changes.map(({ from }, i) => [from, i]))
  return storedVersions(folder)
    .map(({ number, file }) => ({ number, file, sha256: hashFile(file) }))
    .sort((a, b) => (replaced.get(a.sha256) ?? -1) - (replaced.get(b.sha256) ?? -1) || a.number - b.number)
}

function readChanges(folder: string): Change[] {
  const log = join(folder, LOG)
  if (!existsSync(log)) return []
  return readFileSync(log, 'utf8')
    .split('\n')
    .flatMap(line => {
      // The last line of a process that was killed is none.
      const change = tryJson(line) as Change | null | undefined
      return [change?.date, change?.from, change?.reason].every(value => typeof value === 'string') ? [change!] : []
    })
}

function describeVersion(file: string): Omit<Version, 'inUse'> {
  const bytes = bytesOf(file)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  try {
    const stored = parseJsonText(bytes.toString('utf8')) as Adapter
    checkFacts({ ...stored }, file)
    const { kind, base, training } = stored
    return { file, sha256, trained: training.date, kind, base: base.id, training }
  } catch {
    return { file, sha256 }
  }
}

function bytesOf(file: string): Buffer {
  try {
    return readRegularFile(file)
  } catch (cause) {
    throw fileError(file, cause)
  }
}

const hashFile = (file: string): string => createHash('sha256').update(bytesOf(file)).digest('hex')
