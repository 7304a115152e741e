import { crc32 } from 'node:zlib'
import type { Database } from 'better-sqlite3'
import type { CompletionCache } from './cache.js'
import { guarded } from './sqlite-errors.js'

/** The {@link CompletionCache} in the table `completions` of an open cache; a damaged row counts as missing. */
export function completionStore(db: Database, file: string): CompletionCache {
  const find = db.prepare<[Uint8Array], { checksum: number; answer: string }>(
    'SELECT checksum, answer FROM completions WHERE key = ?',
  )
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

function checksum(key: Uint8Array, answer: string): number {
  return crc32(answer, crc32(key))
}
