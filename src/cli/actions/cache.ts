import { existsSync } from 'node:fs'
import { fillCutOff } from '../../cache/open-database.js'
import { openCache, type SqliteCache } from '../../cache/sqlite-cache.js'
import { AdapterTrainError, usageError } from '../../errors.js'
import { kebab } from '../../words.js'
import type { CacheArgs } from '../commands/cache.js'
import { type Console, createConsole, formatTable, listed } from '../output/console.js'
import { count } from '../output/tables.js'

export async function cache(args: CacheArgs): Promise<void> {
  const out = createConsole(args)
  checkArgs(args)
  if (!existsSync(args.cache))
    throw new AdapterTrainError('FILE_NOT_FOUND', `cache file ${args.cache} not found; name another with --cache FILE`)
  if (args.repair) fillCutOff(args.cache)
  const file = await openCache(args.cache)
  try {
    ACTIONS[args.action](file, args, out)
  } finally {
    file.close()
  }
}

const BELONGS = { repair: 'verify', space: 'prune', olderThanDays: 'prune', all: 'prune' } as const

/** @throws USAGE when an option belongs to another action, or nothing is selected for deletion */
function checkArgs(args: CacheArgs): void {
  const given = (Object.keys(BELONGS) as (keyof typeof BELONGS)[]).filter(
    name => args[name] !== undefined && args[name] !== false,
  )
  const stray = given.find(name => BELONGS[name] !== args.action)
  if (stray) throw usageError(`--${kebab(stray)} belongs to cache ${BELONGS[stray]}, not to ${args.action}`)
  const selected = given.includes('space') || args.olderThanDays !== undefined
  if (args.action === 'prune' && args.all === selected)
    throw usageError('cache prune: expected --all, or --space or --older-than-days or both')
}

const ACTIONS: Record<CacheArgs['action'], (file: SqliteCache, args: CacheArgs, out: Console) => void> = {
  stats(file, _, out) {
    const stats = file.stats()
    out.json(stats)
    out.result(
      `${stats.file}: ${count(stats.vectors, 'vector')}, ${count(stats.completions, 'LLM answer')}, ${megabytes(stats.fileBytes)}`,
    )
    if (stats.spaces.length === 0) return
    const rows = stats.spaces.map(({ dimensions, vectors, bytes, lastWritten }) => [
      String(vectors),
      String(dimensions),
      megabytes(bytes),
      lastWritten?.toISOString().slice(0, 10) ?? '',
    ])
    const lines = formatTable([['vectors', 'dimensions', 'size', 'last written'], ...rows]).split('\n')
    // The keys are long and of different lengths, so they come last and outside of the table.
    const keys = ['space', ...stats.spaces.map(space => space.key)]
    out.result(lines.map((line, i) => `${line.padEnd(lines[0].length)}  ${keys[i]}`).join('\n'))
  },
  verify(file, { repair }, out) {
    const found = file.verify({ repair })
    out.result(`${count(found.vectors, 'vector')} checked, ${found.bad.length} damaged, ${found.removed} removed`)
    const damaged = found.bad.map(({ space, textHash, problem }) => `${textHash.slice(0, 16)}  ${problem}  ${space}`)
    if (damaged.length > 0) out.result(listed(damaged))
    for (const problem of found.structure) out.result(`  file structure: ${problem}`)
    if (found.rebuilt) {
      const { kept, damaged } = found.rebuilt
      out.result(`built anew with ${count(kept, 'sound vector')}; the damaged file is ${damaged}`)
    }
    const problem =
      found.structure.length > 0 && !found.rebuilt
        ? `the structure of ${file.file} is damaged; keep every sound vector with --repair`
        : found.bad.length > found.removed && !found.rebuilt
          ? `damaged in ${file.file}: ${count(found.bad.length, 'vector')}, never served; delete with --repair, to be embedded again`
          : undefined
    if (problem) throw new AdapterTrainError('CACHE_CORRUPT', problem, { details: { report: found } })
    out.json(found)
  },
  prune(file, { space, olderThanDays, all }, out) {
    const pruned = file.prune({ space, olderThanDays, all })
    out.json(pruned)
    out.result(
      `${count(pruned.vectors, 'vector')} and ${count(pruned.completions, 'LLM answer')} deleted, ${megabytes(pruned.bytesFreed)} freed`,
    )
  },
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
