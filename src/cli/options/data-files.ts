import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { AdapterTrainError, isAdapterTrainError, messageOf } from '../../errors.js'
import { checkWritable } from '../../write-file-atomic.js'

/** Data files that are used when none is named: LlamaIndex's names. */
export const DATA_FILES = { train: 'train_dataset.json', val: 'val_dataset.json' } as const

export interface DataFileArgs {
  readonly train?: string
  readonly val?: string
  readonly test?: string
  readonly valFraction?: number
  readonly testFraction?: number
}

/**
 * The files to read: those named, or LlamaIndex's in the current folder. Its validation file goes with its training file, unless
 * a share to split off is asked for.
 *
 * @throws FILE_NOT_FOUND when none is named and none is there
 * @throws USAGE when a part is both named and to be split off
 */
export function findDataFiles(args: DataFileArgs): { readonly train: string; readonly val?: string } {
  const { train, val, test, valFraction, testFraction } = args
  refuseBoth('val', val, valFraction)
  refuseBoth('test', test, testFraction)
  if (train !== undefined) return { train, val }
  if (!existsSync(DATA_FILES.train)) {
    throw new AdapterTrainError(
      'FILE_NOT_FOUND',
      `there is no ${DATA_FILES.train} in ${process.cwd()}; name the training set with --train FILE, or begin with adapter-train init`,
    )
  }
  const ownVal = valFraction === undefined && existsSync(DATA_FILES.val) ? DATA_FILES.val : undefined
  return { train: DATA_FILES.train, val: val ?? ownVal }
}

function refuseBoth(name: string, file: string | undefined, fraction: number | undefined): void {
  if (file === undefined || !fraction) return
  throw new AdapterTrainError(
    'USAGE',
    `--${name} names a file, and --${name}-fraction ${fraction} asks to split one off; drop one of them`,
  )
}

/**
 * Checks, before any work, that the result can be written and would not replace what it is made from.
 * @param option name of the option that names the file
 * @throws USAGE when `out` is one of the inputs or names a folder
 * @throws FILE_WRITE when it cannot be written
 */
export function checkOut(out: string, inputs: readonly (string | undefined)[], option = 'out'): void {
  if (/[\\/]$/.test(out)) throw new AdapterTrainError('USAGE', `--${option} ${out} is a folder; name the file in it`)
  try {
    checkWritable(out)
  } catch (cause) {
    if (isAdapterTrainError(cause)) throw cause
    // Such as a name that is too long, or one below a file.
    const reason = messageOf(cause).split(', ')[0]
    throw new AdapterTrainError('FILE_WRITE', `cannot write ${out}: ${reason}`, { cause, details: { file: out } })
  }
  const same = inputs.find(input => input !== undefined && identity(input) === identity(out))
  if (same === undefined) return
  throw new AdapterTrainError(
    'USAGE',
    `--${option} ${out} would overwrite ${option === 'out' ? 'the input ' : ''}${same}; name another file`,
  )
}

/** Where the adapter of a base goes where no file is named, such as `adapters/openai-text-embedding-3-small.json`. */
export function defaultOut(baseId: string): string {
  const name = baseId
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .slice(0, 60)
    .replace(/^[-.]+|[-.]+$/g, '')
  return `adapters/${name || 'adapter'}.json`
}

/** Equal for two names of one file, also where the file itself does not exist yet. */
function identity(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const folder = dirname(resolve(path))
  return join(existsSync(folder) ? realpathSync(folder) : folder, basename(path))
}
