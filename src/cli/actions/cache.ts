import { existsSync } from 'node:fs'
import { openCache, type SqliteCache } from '../../cache/sqlite-cache.js'
import { AdapterTrainError } from '../../errors.js'
import type { CacheArgs } from '../commands/cache.js'
import { type Console, createConsole, formatTable } from '../console.js'

/** Runs one of the maintenance actions on a cache file that exists. */
export async function cache(args: CacheArgs): Promise<void> {
  const out = createConsole(args)
  if (!existsSync(args.cache)) {
    throw new AdapterTrainError(
      'FILE_NOT_FOUND',
      `there is no cache file ${args.cache}; name another with --cache FILE`,
    )
  }
  const file = await openCache(args.cache)
  try {
    ACTIONS[args.action](file, args, out)
  } finally {
    file.close()
  }
}

const ACTIONS: Record<CacheArgs['action'], (file: SqliteCache, args: CacheArgs, out: Console) => void> = {
  stats(file, { json }, out) {
    const stats = file.stats()
    if (json) out.json(stats)
    out.result(`${stats.file}: ${stats.vectors} vectors, ${megabytes(stats.fileBytes)}`)
    if (stats.spaces.length === 0) return
    const rows = stats.spaces.map(({ key, dimensions, vectors, bytes, lastWritten }) => [
      key,
      String(dimensions),
      String(vectors),
      megabytes(bytes),
      lastWritten?.toISOString().slice(0, 10) ?? '',
    ])
    out.result(formatTable([['space', 'dimensions', 'vectors', 'size', 'last written'], ...rows]))
  },
  verify(file, { json, repair }, out) {
    const found = file.verify({ repair })
    if (json) out.json(found)
    out.result(`${found.vectors} vectors checked, ${found.bad.length} damaged, ${found.removed} removed`)
    for (const { space, textHash, problem } of found.bad.slice(0, 20))
      out.result(`  ${textHash.slice(0, 16)}  ${problem}  ${space}`)
    for (const problem of found.structure) out.result(`  file structure: ${problem}`)
    if (found.structure.length > 0) {
      throw new AdapterTrainError(
        'CACHE_CORRUPT',
        `the structure of ${file.file} is damaged; move the file away and embed again`,
      )
    }
    if (found.bad.length > found.removed) {
      throw new AdapterTrainError(
        'CACHE_CORRUPT',
        `${found.bad.length} vectors of ${file.file} are damaged; they are never served; delete them with --repair`,
      )
    }
  },
  prune(file, { json, space, olderThanDays, all }, out) {
    const pruned = file.prune({ space, olderThanDays, all })
    if (json) out.json(pruned)
    out.result(`${pruned.vectors} vectors deleted, ${megabytes(pruned.bytesFreed)} freed`)
  },
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
