import { AdapterTrainError, messageOf } from '../errors.js'

/** Whether SQLite gave up because another process holds a lock. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))
}

/** Whether SQLite found the structure of the file damaged. */
export function isCorrupt(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error))
}

/**
 * Runs a database operation and gives SQLite's own errors a code of this package.
 *
 * @throws CACHE_CORRUPT when the file's structure is damaged
 * @throws FILE_WRITE when the disk is full, the file became read-only, or another process keeps it locked
 */
export function guarded<T>(file: string, operation: () => T): T {
  try {
    return operation()
  } catch (error) {
    if (isCorrupt(error)) {
      throw new AdapterTrainError(
        'CACHE_CORRUPT',
        `the embedding cache ${file} is damaged (${messageOf(error)}): delete the file, its vectors will be embedded again`,
        { cause: error, details: { file } },
      )
    }
    if (codeOf(error).startsWith('SQLITE_')) {
      const problem = isBusy(error) ? 'another process keeps it locked; try again when it is done' : messageOf(error)
      throw new AdapterTrainError('FILE_WRITE', `cannot use the embedding cache ${file}: ${problem}`, {
        cause: error,
        details: { file },
      })
    }
    throw error
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : ''
}
