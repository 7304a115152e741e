import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { HOST, isAlive } from '../files.js'
import type { CacheEntry } from './cache.js'
import { decodeVector, encodeVector, storedVectorProblem, vectorChecksum } from './vector-codec.js'

/** Age at which a file of another machine, whose processes are not seen from here, counts as left behind. */
const ABANDONED_MS = 10 * 60_000

/** What one `set` stores. */
export type SpillItem =
  | { readonly space: string; readonly entries: readonly CacheEntry[] }
  | { readonly key: Uint8Array; readonly model: string; readonly answer: string }

/** Names a new file beside the cache for what cannot be written into it now. */
export function spillPath(cacheFile: string): string {
  return `${cacheFile}.${HOST}-${process.pid}-${randomBytes(3).toString('hex')}.spill`
}

/** Finds the files beside the cache whose processes have ended. */
export function leftSpills(cacheFile: string): string[] {
  const start = `${basename(cacheFile)}.`
  return readdirSync(dirname(cacheFile))
    .filter(name => name.startsWith(start) && name.endsWith('.spill'))
    .flatMap(name => {
      const [, host, pid] = /^([0-9a-f]{8})-(\d+)-[0-9a-f]{6}\.spill$/.exec(name.slice(start.length)) ?? []
      if (host === undefined) return []
      const path = join(dirname(cacheFile), name)
      const stats = statSync(path, { throwIfNoEntry: false })
      if (!stats?.isFile()) return []
      const isLeft = host === HOST ? !isAlive(Number(pid), stats.mtimeMs) : Date.now() - stats.mtimeMs > ABANDONED_MS
      return isLeft ? [path] : []
    })
}

/** This process, for others that use the file. */
export const OWNER = `${hostname()}:${process.pid}`

/**
 * False if the process of an {@link OWNER} has ended; those of other machines are not seen from here.
 * @param signedAt when it signed, in milliseconds since 1970
 */
export function mayRun(owner: string, signedAt: number): boolean {
  const split = owner.lastIndexOf(':')
  return owner.slice(0, split) !== hostname() || isAlive(Number(owner.slice(split + 1)), signedAt)
}

/** Appends an item as a line of JSON; on return it is safe from a crash of the machine. */
export function appendSpill(path: string, item: SpillItem): void {
  const fd = openSync(path, 'a', 0o600)
  try {
    const coded = 'entries' in item ? { ...item, entries: item.entries.map(line) } : { ...item, key: base64(item.key) }
    writeSync(fd, `${JSON.stringify(coded)}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Reads the whole and sound items of a file; a line that was cut off by a crash, or is damaged, holds nothing. */
export function readSpill(path: string): SpillItem[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text): SpillItem[] => {
      try {
        const item = JSON.parse(text) as Record<string, string> & { entries?: Line[] }
        const { space, model, answer } = item
        const entries = item.entries?.flatMap(entry)
        if (entries) return entries.length > 0 ? [{ space: `${space}`, entries }] : []
        const key = Buffer.from(item.key, 'base64')
        return key.length === 32 ? [{ key, model: `${model}`, answer: `${answer}` }] : []
      } catch {
        return []
      }
    })
}

type Line = readonly [textHash: string, checksum: number, vector: string]

function line({ textHash, vector }: CacheEntry): Line {
  const bytes = encodeVector(vector)
  return [base64(textHash), vectorChecksum(textHash, bytes), base64(bytes)]
}

function entry([hash, checksum, text]: Line): CacheEntry[] {
  const textHash = Buffer.from(hash, 'base64')
  const vector = Buffer.from(text, 'base64')
  const isWhole = textHash.length === 32 && vector.length > 0
  if (!isWhole || storedVectorProblem({ checksum, vector }, textHash, vector.length / 4)) return []
  return [{ textHash, vector: decodeVector(vector) }]
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
