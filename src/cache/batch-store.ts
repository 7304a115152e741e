import { randomUUID } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import { guarded } from './open-database.js'
import { OWNER } from './spill.js'

const KEY_BYTES = 32

/** Purpose and service of a batch; batches of one scope differ by their keys. */
export interface BatchScope {
  readonly kind: 'embeddings' | 'chat'
  /** Namespace of the keys, such as the provider's `cacheKey(role)`. */
  readonly space: string
  readonly model: string
  /** Address of the service, without secrets. */
  readonly baseUrl: string
}

/** Batch that is recorded and not collected. */
export interface StoredBatch {
  readonly row: number
  /** Sent along with the batch, to find it again if its id was not recorded. */
  readonly token: string
  /** Id at the service; absent until it is known. */
  readonly id?: string
  /** Milliseconds since 1970. */
  readonly submittedAt: number
  /** `host:pid` of the process that is submitting it, if any. */
  readonly owner?: string
  /** Cache keys of the answers of each request, 32 bytes each. */
  readonly requests: readonly (readonly Uint8Array[])[]
}

/** Pending batches, in the cache file: a run finds those that a killed one submitted. */
export interface BatchStore {
  /** Returns the batches not collected, and the highest `row` of the scope so far, 0 for none. */
  open(scope: BatchScope): { readonly batches: readonly StoredBatch[]; readonly last: number }
  /**
   * Records a batch before it is submitted.
   * @param last as returned by `open`
   * @returns `undefined` if another process has recorded one since
   */
  add(scope: BatchScope, requests: StoredBatch['requests'], last: number): StoredBatch | undefined
  /** Records the service's id. */
  name(row: number, id: string): void
  /** Records that no process is submitting it, without knowing whether it arrived. */
  release(row: number): void
  /** Forgets a batch that never reached the service. */
  remove(row: number): void
  /**
   * Marks a batch as collected and stores its answers, in one transaction.
   * @param status final status at the service, such as `completed`
   * @param store writes to this cache
   * @returns false if another process was first, and nothing is stored
   */
  finish(row: number, status: string, store: () => void): boolean
}

interface Row extends Pick<StoredBatch, 'row' | 'token' | 'submittedAt'> {
  readonly id: string | null
  readonly owner: string | null
  readonly sizes: string
  readonly keys: Uint8Array
}

/**
 * Makes the {@link BatchStore} in the table `batches` of an open cache.
 * @internal
 */
export function batchStore(db: Database, file: string): BatchStore {
  const inScope = `kind = :kind AND space = :space AND base_url = :baseUrl`
  const find = db.prepare<[BatchScope], Row>(
    `SELECT id AS row, token, batch_id AS id, submitted_at AS submittedAt, owner, sizes, keys
     FROM batches WHERE ${inScope} AND status = 'open' ORDER BY id`,
  )
  const newest = db.prepare<[BatchScope], number>(`SELECT max(id) FROM batches WHERE ${inScope}`).pluck()
  const insert = db.prepare(
    `INSERT INTO batches (token, kind, space, model, base_url, status, owner, submitted_at, sizes, keys)
     VALUES (:token, :kind, :space, :model, :baseUrl, 'open', :owner, :submittedAt, :sizes, :keys)`,
  )
  const name = db.prepare('UPDATE batches SET batch_id = ?, owner = NULL WHERE id = ?')
  const release = db.prepare('UPDATE batches SET owner = NULL WHERE id = ?')
  const remove = db.prepare('DELETE FROM batches WHERE id = ? AND batch_id IS NULL')
  // The keys are no longer needed and are most of the row.
  const done = db.prepare(
    `UPDATE batches SET status = ?, finished_at = ?, sizes = '[]', keys = x'' WHERE id = ? AND status = 'open'`,
  )

  const add = db.transaction((scope: BatchScope, requests: StoredBatch['requests'], last: number) => {
    if ((newest.get(scope) ?? 0) > last) return undefined
    const token = randomUUID()
    const submittedAt = Date.now()
    const owner = OWNER
    const sizes = JSON.stringify(requests.map(keys => keys.length))
    const keys = Buffer.concat(requests.flat())
    const { lastInsertRowid } = insert.run({ ...scope, token, owner, submittedAt, sizes, keys })
    return { row: Number(lastInsertRowid), token, submittedAt, owner, requests }
  })
  const open = db.transaction((scope: BatchScope) => ({ batches: find.all(scope).map(stored), last: newest.get(scope) ?? 0 }))
  const finish = db.transaction((row: number, status: string, store: () => void) => {
    if (done.run(status, Date.now(), row).changes === 0) return false
    store()
    return true
  })

  return {
    open: scope => guarded(file, () => open.deferred(scope)),
    add: (scope, requests, last) => guarded(file, () => add.immediate(scope, requests, last)),
    name: (row, id) => void guarded(file, () => name.run(id, row)),
    release: row => void guarded(file, () => release.run(row)),
    remove: row => void guarded(file, () => remove.run(row)),
    finish: (row, status, store) => guarded(file, () => finish.immediate(row, status, store)),
  }
}

function stored({ id, owner, sizes, keys, ...row }: Row): StoredBatch {
  let end = 0
  const requests = (JSON.parse(sizes) as number[]).map(size => {
    const start = end
    end += size * KEY_BYTES
    return Array.from({ length: size }, (_, i) => keys.subarray(start + i * KEY_BYTES, start + (i + 1) * KEY_BYTES))
  })
  return { ...row, ...(id === null ? {} : { id }), ...(owner === null ? {} : { owner }), requests }
}
