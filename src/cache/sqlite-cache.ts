import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Database } from 'better-sqlite3'
import { isAdapterTrainError } from '../errors.js'
import { type BatchStore, batchStore } from './batch-store.js'
import { type CacheEntry, type CompletionCache, checkEntries, type EmbeddingCache } from './cache.js'
import type { CacheStats, CacheVerification, PruneOptions, PruneResult } from './maintenance.js'
import { prune, stats, verify } from './maintenance.js'
import { memoryCache } from './memory-cache.js'
import { guarded, isBusy, openDatabase } from './open-database.js'
import { appendSpill, leftSpills, mayRun, OWNER, readSpill, type SpillItem, spillPath } from './spill.js'
import { decodeVector, encodeVector, type StoredVector, storedVectorProblem, vectorChecksum } from './vector-codec.js'

const CACHE_BUSY_TIMEOUT_MS = 30_000
/** Longest wait for a lock before what has been paid for goes to a file beside the cache, and when the cache is closed. */
const WRITE_WAIT_MS = 2000
const CLOSE_WAIT_MS = 5000
/** Life of a claim that is not renewed. */
const CLAIM_MS = 60_000
/** Space of the claims of answers, which no provider has. */
const COMPLETIONS = 'completions'

/** Options of {@link openCache}. */
export interface OpenCacheOptions {
  /** Milliseconds to wait for another process's lock; default 30,000. */
  readonly busyTimeoutMs?: number
  /** Called if another process kept the file locked and answers wait in a file beside it. */
  readonly onWarning?: (message: string) => void
}

/** {@link EmbeddingCache} in one SQLite file, which several processes may use at the same time. */
export interface SqliteCache extends EmbeddingCache {
  /** Absolute path. */
  readonly file: string
  /** Answers of LLMs. */
  readonly completions: CompletionCache
  /** Pending batches. */
  readonly batches: BatchStore
  /** Counts the vectors of each space, and the answers of LLMs. */
  stats(): CacheStats
  /** Reads every row and checks the file's structure; `repair` deletes damaged rows, so that their texts are re-embedded; a damaged file is built anew from its sound rows, and the cache then closed. */
  verify(options?: { readonly repair?: boolean }): CacheVerification
  /**
   * Deletes vectors and LLM answers, removes empty spaces, and returns the room to the disk.
   * @throws USAGE without a valid condition
   */
  prune(options: PruneOptions): PruneResult
}

/**
 * Opens the cache in `file`; creates the file and its folder if missing.
 *
 * A damaged row counts as missing and is replaced by the next `set` of its text. What cannot be written because another process
 * keeps the file locked goes to a file beside it, `FILE.….spill`, which is merged by the next `set`, by `close`, or by the next
 * `openCache`.
 * @throws CACHE_OPEN when the file is not a cache, is newer than this package, or cannot be read or written
 */
export async function openCache(file: string, options: OpenCacheOptions = {}): Promise<SqliteCache> {
  const path = resolve(file)
  const busyTimeoutMs = options.busyTimeoutMs ?? CACHE_BUSY_TIMEOUT_MS
  const db = await openDatabase(path, busyTimeoutMs)

  // A space is looked up in every transaction, because another process may have pruned and recreated it since the last one.
  const findSpace = db.prepare<[string], { readonly id: number; readonly dimensions: number }>(
    'SELECT id, dimensions FROM spaces WHERE key = ?',
  )
  const addSpace = db.prepare('INSERT INTO spaces (key, dimensions, created_at) VALUES (?, ?, ?)')
  const find = db.prepare<[number, Uint8Array], StoredVector>(
    'SELECT checksum, vector FROM vectors WHERE space_id = ? AND text_hash = ?',
  )
  const add = db.prepare(
    `INSERT INTO vectors (space_id, text_hash, created_at, checksum, vector) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (space_id, text_hash) DO NOTHING`,
  )
  const replace = db.prepare('UPDATE vectors SET created_at = ?, checksum = ?, vector = ? WHERE space_id = ? AND text_hash = ?')

  const read = db.transaction((key: string, textHashes: readonly Uint8Array[]) => {
    const space = findSpace.get(key)
    if (space === undefined) return textHashes.map(() => undefined)
    return textHashes.map(textHash => {
      const stored = find.get(space.id, textHash)
      if (stored === undefined || storedVectorProblem(stored, textHash, space.dimensions)) return undefined
      return decodeVector(stored.vector)
    })
  })

  const unclaim = db.prepare('DELETE FROM claims WHERE space = ? AND text_hash = ?')
  const writeVectors = (key: string, entries: readonly CacheEntry[]): void => {
    const now = Date.now()
    const known = findSpace.get(key)
    const dimensions = checkEntries(key, known?.dimensions, entries)
    const spaceId = known?.id ?? addSpace.run(key, dimensions, now).lastInsertRowid
    for (const { textHash, vector } of entries) {
      unclaim.run(key, textHash)
      const bytes = encodeVector(vector)
      const checksum = vectorChecksum(textHash, bytes)
      if (add.run(spaceId, textHash, now, checksum, bytes).changes === 1) continue
      const stored = find.get(Number(spaceId), textHash)!
      if (storedVectorProblem(stored, textHash, dimensions)) replace.run(now, checksum, bytes, spaceId, textHash)
    }
  }

  const completions = completionStore(db, path)
  const write = db.transaction((items: readonly SpillItem[]) => {
    for (const item of items) {
      if ('entries' in item) writeVectors(item.space, item.entries)
      else {
        unclaim.run(COMPLETIONS, item.key)
        completions.set(item.key, item.model, item.answer)
      }
    }
  })
  /** Works once other processes have given up their locks. Returns false if they did not in time. */
  const inTime = (ms: number, work: () => void): boolean => {
    db.pragma(`busy_timeout = ${Math.min(ms, busyTimeoutMs)}`)
    try {
      work()
      return true
    } catch (error) {
      if (isBusy(error)) return false
      return guarded(path, () => {
        throw error
      })
    } finally {
      db.pragma(`busy_timeout = ${busyTimeoutMs}`)
    }
  }

  // What another process's lock keeps out of the file, in the order of arrival, and the file that holds it meanwhile.
  let pending: SpillItem[] = []
  let spill: string | undefined
  let spilled = memoryCache()
  const flush = (more: readonly SpillItem[], waitMs: number): boolean => {
    if (!inTime(waitMs, () => write.immediate([...pending, ...more]))) return false
    pending = []
    spilled = memoryCache()
    if (spill !== undefined) rmSync(spill, { force: true })
    spill = undefined
    return true
  }
  const store = (item: SpillItem): void => {
    if (db.inTransaction) {
      guarded(path, () => write([item]))
      return
    }
    if (flush([item], pending.length > 0 ? 0 : WRITE_WAIT_MS)) return
    if ('entries' in item) checkEntries(item.space, undefined, item.entries)
    spill ??= spillPath(path)
    appendSpill(spill, item)
    pending.push(item)
    if ('entries' in item) spilled.set(item.space, item.entries)
  }

  const held = new Map<string, { readonly space: string; readonly textHash: Uint8Array }>()
  const heldKey = (space: string, textHash: Uint8Array): string => `${Buffer.from(textHash).toString('latin1')}${space}`
  const findClaim = db.prepare<[string, Uint8Array], { owner: string; until: number }>(
    'SELECT owner, until FROM claims WHERE space = ? AND text_hash = ?',
  )
  const putClaim = db.prepare('INSERT OR REPLACE INTO claims (space, text_hash, owner, until) VALUES (?, ?, ?, ?)')
  type Lookup<T> = (space: string, textHashes: readonly Uint8Array[]) => (T | undefined)[]
  const claim = db.transaction((space: string, textHashes: readonly Uint8Array[], lookUp: Lookup<unknown>) => {
    const now = Date.now()
    const stored = lookUp(space, textHashes)
    return textHashes.map((textHash, i) => {
      if (stored[i] !== undefined) return stored[i]
      const other = findClaim.get(space, textHash)
      // A time that no renewal gives is of a clock that is wrong.
      const isHeld = other && other.until > now && other.until <= now + 2 * CLAIM_MS
      if (isHeld && mayRun(other.owner, other.until - CLAIM_MS)) return false
      putClaim.run(space, textHash, OWNER, now + CLAIM_MS)
      return true
    })
  })
  const unclaimAll = db.transaction((space: string, textHashes: readonly Uint8Array[]) => {
    for (const textHash of textHashes) unclaim.run(space, textHash)
  })
  const renew = db.transaction(() => {
    for (const { space, textHash } of held.values()) putClaim.run(space, textHash, OWNER, Date.now() + CLAIM_MS)
  })
  let renewal: NodeJS.Timeout | undefined
  const unhold = (space: string, textHashes: readonly Uint8Array[]): void => {
    for (const textHash of textHashes) held.delete(heldKey(space, textHash))
    if (held.size > 0) return
    clearInterval(renewal)
    renewal = undefined
  }
  /** Claims only save money: without the lock each process asks for itself. */
  const unlessLocked = (work: () => void): void => {
    if (pending.length === 0) inTime(WRITE_WAIT_MS, work)
  }
  const renewSafely = (): void => {
    try {
      unlessLocked(renew.immediate)
    } catch {
      // An error in a timer would end the process; the next `set` reports what is wrong with the file.
    }
  }

  function claimAll<T>(space: string, textHashes: readonly Uint8Array[], lookUp: Lookup<T>): (T | boolean)[] {
    let claims: (T | boolean)[] = textHashes.map(() => true)
    unlessLocked(() => {
      claims = claim.immediate(space, textHashes, lookUp) as (T | boolean)[]
      for (const [i, textHash] of textHashes.entries()) {
        if (claims[i] === true) held.set(heldKey(space, textHash), { space, textHash })
      }
      if (held.size > 0) renewal ??= setInterval(renewSafely, CLAIM_MS / 4).unref()
    })
    return claims
  }
  const release = (space: string, textHashes: readonly Uint8Array[]): void => {
    unhold(space, textHashes)
    unlessLocked(() => unclaimAll.immediate(space, textHashes))
  }

  for (const left of leftSpills(path)) {
    try {
      if (flush(readSpill(left), WRITE_WAIT_MS)) rmSync(left, { force: true })
    } catch (error) {
      // Vectors of a model that has changed since; the file stays.
      if (!isAdapterTrainError(error, 'VECTOR_INVALID')) throw error
    }
  }

  return {
    file: path,
    completions: {
      get: completions.get,
      set(key, model, answer) {
        store({ key, model, answer })
        unhold(COMPLETIONS, [key])
      },
      claim: key => claimAll(COMPLETIONS, [key], () => [completions.get(key)])[0],
      release: key => release(COMPLETIONS, [key]),
    },
    batches: batchStore(db, path),
    get(space, textHashes) {
      const vectors = guarded(path, () => read.deferred(space, textHashes))
      if (pending.length === 0) return vectors
      return spilled.get(space, textHashes).map((vector, i) => vectors[i] ?? vector)
    },
    dimensions: space => guarded(path, () => findSpace.get(space)?.dimensions),
    set(space, entries) {
      if (entries.length === 0) return
      store({ space, entries })
      unhold(
        space,
        entries.map(({ textHash }) => textHash),
      )
    },
    claim: (space, textHashes) => claimAll(space, textHashes, read),
    release,
    stats: () => guarded(path, () => stats(db, path)),
    verify: ({ repair = false } = {}) => guarded(path, () => verify(db, path, repair)),
    prune: pruneOptions => guarded(path, () => prune(db, path, pruneOptions)),
    close() {
      clearInterval(renewal)
      if (pending.length > 0 && !flush([], CLOSE_WAIT_MS)) {
        const vectors = pending.reduce((n, item) => n + ('entries' in item ? item.entries.length : 1), 0)
        options.onWarning?.(
          `another process keeps the cache ${path} locked: ${vectors} answers are kept in ${spill}, and join the cache when it ` +
            'is next opened',
        )
      }
      db.close()
    },
  }
}

/** Makes the {@link CompletionCache} in the table `completions`; a damaged row counts as missing. */
function completionStore(db: Database, file: string): CompletionCache {
  const find = db.prepare<[Uint8Array], { checksum: number; answer: string }>(
    'SELECT checksum, answer FROM completions WHERE key = ?',
  )
  const checksum = (key: Uint8Array, answer: string): number => crc32(answer, crc32(key))
  const add = db.prepare(
    `INSERT INTO completions (key, model, created_at, checksum, answer) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET created_at = excluded.created_at, checksum = excluded.checksum, answer = excluded.answer`,
  )
  return {
    get(key) {
      const stored = guarded(file, () => find.get(key))
      return stored === undefined || checksum(key, stored.answer) !== stored.checksum ? undefined : stored.answer
    },
    set(key, model, answer) {
      guarded(file, () => add.run(key, model, Date.now(), checksum(key, answer), answer))
    },
  }
}
