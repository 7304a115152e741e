import { resolve } from 'node:path'
import { type BatchStore, batchStore } from './batch-store.js'
import type { CompletionCache, EmbeddingCache } from './cache.js'
import { type CacheEntry, checkEntries } from './check-entries.js'
import { completionStore } from './completion-store.js'
import {
  type CacheStats,
  type CacheVerification,
  type PruneOptions,
  type PruneResult,
  prune,
  stats,
  verify,
} from './maintenance.js'
import { openDatabase } from './open-database.js'
import { guarded } from './sqlite-errors.js'
import { decodeVector, encodeVector, type StoredVector, storedVectorProblem, vectorChecksum } from './vector-codec.js'

/** Milliseconds to wait for another process's lock before giving up. */
const CACHE_BUSY_TIMEOUT_MS = 30_000

/** How long a busy file is waited for, and how it is opened. */
export interface OpenCacheOptions {
  /** Default `CACHE_BUSY_TIMEOUT_MS`. */
  readonly busyTimeoutMs?: number
}

/** An {@link EmbeddingCache} in one SQLite file, which several processes may use at the same time. */
export interface SqliteCache extends EmbeddingCache {
  /** Absolute path. */
  readonly file: string
  /** Answers of LLMs. */
  readonly completions: CompletionCache
  /** Batches that were submitted and not collected yet. */
  readonly batches: BatchStore
  /** @see {@link stats} */
  stats(): CacheStats
  /** @see {@link verify} */
  verify(options?: { readonly repair?: boolean }): CacheVerification
  /** @see {@link prune} */
  prune(options: PruneOptions): PruneResult
}

interface Space {
  readonly id: number
  readonly dimensions: number
}

/**
 * Opens the cache in `file`, creating the file and its folder where they are missing.
 *
 * A stored row that is damaged counts as missing and is replaced by the next `set` of its text.
 *
 * @throws CACHE_OPEN when the file is not a cache, is newer than this package, or cannot be read and written
 */
export async function openCache(file: string, options: OpenCacheOptions = {}): Promise<SqliteCache> {
  const path = resolve(file)
  const db = await openDatabase(path, options.busyTimeoutMs ?? CACHE_BUSY_TIMEOUT_MS)

  // A space is looked up in every transaction: another process may have pruned it and made it anew since the last one.
  const findSpace = db.prepare<[string], Space>('SELECT id, dimensions FROM spaces WHERE key = ?')
  const addSpace = db.prepare('INSERT INTO spaces (key, dimensions, created_at) VALUES (?, ?, ?)')
  const find = db.prepare<[number, Uint8Array], StoredVector>(
    'SELECT checksum, vector FROM vectors WHERE space_id = ? AND text_hash = ?',
  )
  const add = db.prepare(
    `INSERT INTO vectors (space_id, text_hash, created_at, checksum, vector) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (space_id, text_hash) DO NOTHING`,
  )
  const replace = db.prepare(
    'UPDATE vectors SET created_at = ?, checksum = ?, vector = ? WHERE space_id = ? AND text_hash = ?',
  )

  const read = db.transaction((key: string, textHashes: readonly Uint8Array[]) => {
    const space = findSpace.get(key)
    if (space === undefined) return textHashes.map(() => undefined)
    return textHashes.map(textHash => {
      const stored = find.get(space.id, textHash)
      if (stored === undefined || storedVectorProblem(stored, textHash, space.dimensions)) return undefined
      return decodeVector(stored.vector)
    })
  })

  const write = db.transaction((key: string, entries: readonly CacheEntry[]) => {
    const now = Date.now()
    const known = findSpace.get(key)
    const dimensions = checkEntries(key, known?.dimensions, entries)
    const spaceId = known?.id ?? addSpace.run(key, dimensions, now).lastInsertRowid
    for (const { textHash, vector } of entries) {
      const bytes = encodeVector(vector)
      const checksum = vectorChecksum(textHash, bytes)
      if (add.run(spaceId, textHash, now, checksum, bytes).changes === 1) continue
      const stored = find.get(Number(spaceId), textHash)!
      if (storedVectorProblem(stored, textHash, dimensions)) replace.run(now, checksum, bytes, spaceId, textHash)
    }
  })

  return {
    file: path,
    completions: completionStore(db, path),
    batches: batchStore(db, path),
    get: (space, textHashes) => guarded(path, () => read.deferred(space, textHashes)),
    set(space, entries) {
      if (entries.length > 0) guarded(path, () => write.immediate(space, entries))
    },
    stats: () => guarded(path, () => stats(db, path)),
    verify: ({ repair = false } = {}) => guarded(path, () => verify(db, repair)),
    prune: pruneOptions => guarded(path, () => prune(db, path, pruneOptions)),
    close: () => {
      db.close()
    },
  }
}
