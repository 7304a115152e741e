import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Database } from 'better-sqlite3'
import { guarded } from './sqlite-errors.js'

const KEY_BYTES = 32

/** What a batch is for, and where it went; batches of one scope are told apart by their keys. */
export interface BatchScope {
  readonly kind: 'embeddings' | 'chat'
  /** Namespace of the keys, such as the provider's `cacheKey(role)`. */
  readonly space: string
  readonly model: string
  /** Address of the service; holds no secret. */
  readonly baseUrl: string
}

/** A batch that was put down and not collected yet. */
export interface StoredBatch {
  readonly row: number
  /** Sent along with the batch, so that it is found again where its id was not noted. */
  readonly token: string
  /** The service's id; absent until it is known. */
  readonly id?: string
  /** Milliseconds since 1970. */
  readonly submittedAt: number
  /** `host:pid` of the process that is submitting it; absent where none is. */
  readonly owner?: string
  /** For each request the cache keys of its answers, 32 bytes each. */
  readonly requests: readonly (readonly Uint8Array[])[]
}

/** Batches under way, in the cache's file: what a killed run had submitted is known to the next one. */
export interface BatchStore {
  /** Those that are not collected, and the highest `row` of the scope so far, 0 for none. */
  open(scope: BatchScope): { readonly batches: readonly StoredBatch[]; readonly last: number }
  /**
   * Puts a batch down before it is submitted.
   *
   * @param last as `open` said
   * @returns `undefined` when another process has put one down since
   */
  add(scope: BatchScope, requests: StoredBatch['requests'], last: number): StoredBatch | undefined
  /** Notes the service's id. */
  name(row: number, id: string): void
  /** Says that nobody is submitting it any more, though it is not known whether it arrived. */
  release(row: number): void
  /** Forgets a batch that never reached the service. */
  remove(row: number): void
  /**
   * Marks a batch as collected and stores its answers, in one transaction.
   *
   * @param status the service's last word, such as `completed`
   * @param store writes to this cache
   * @returns false when another process was first; nothing is stored then
   */
  finish(row: number, status: string, store: () => void): boolean
}

interface Row {
  readonly row: number
  readonly token: string
  readonly id: string | null
  readonly submittedAt: number
  readonly owner: string | null
  readonly sizes: string
  readonly keys: Uint8Array
}

/** How this process signs for the batches that it is submitting. */
const BATCH_OWNER = `${hostname()}:${process.pid}`

/** The {@link BatchStore} in the table `batches` of an open cache. */
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
  // The keys are not needed any more, and they are most of the row.
  const done = db.prepare(
    `UPDATE batches SET status = ?, finished_at = ?, sizes = '[]', keys = x'' WHERE id = ? AND status = 'open'`,
  )

  const add = db.transaction((scope: BatchScope, requests: StoredBatch['requests'], last: number) => {
    if ((newest.get(scope) ?? 0) > last) return undefined
    const token = randomUUID()
    const submittedAt = Date.now()
    const sizes = JSON.stringify(requests.map(keys => keys.length))
    const { lastInsertRowid } = insert.run({
      ...scope,
      token,
      owner: BATCH_OWNER,
      submittedAt,
      sizes,
      keys: Buffer.concat(requests.flat()),
    })
    return { row: Number(lastInsertRowid), token, submittedAt, owner: BATCH_OWNER, requests }
  })
  const open = db.transaction((scope: BatchScope) => ({
    batches: find.all(scope).map(stored),
    last: newest.get(scope) ?? 0,
  }))
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
