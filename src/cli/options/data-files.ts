import { existsSync } from 'node:fs'
import { partFilesIn } from '../../dataset/write-parts.js'
import type { DatasetWriterName } from '../../dataset/writers/index.js'
import { AdapterTrainError, usageError } from '../../errors.js'
import { checkWritable, fileIdentity } from '../../files.js'

/** Default data files: LlamaIndex's names. */
export const DATA_FILES = { train: 'train_dataset.json', val: 'val_dataset.json' } as const

export interface DataFileArgs {
  readonly train?: string
  readonly val?: string
  readonly test?: string
  readonly valFraction?: number
  readonly testFraction?: number
}

/** Finds the files to read: those named, else LlamaIndex's, with its validation file unless a share is held out. */
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
  throw usageError(`--${name} and --${name}-fraction cannot be combined; drop one`)
}

/** Checks, before any work, that the result can be written and replaces none of its inputs. */
export function checkOut(out: string, inputs: readonly (string | undefined)[], option = 'out'): void {
  if (/[\\/]$/.test(out)) throw usageError(`--${option} ${out} is a folder; name the file in it`)
  checkWritable(out)
  const same = inputs.find(input => input !== undefined && fileIdentity(input) === fileIdentity(out))
  if (same === undefined) return
  throw usageError(`--${option} ${out} would overwrite ${option === 'out' ? 'the input ' : ''}${same}; name another file`)
}

/** Checks that datasets written to a folder replace none of the inputs, nor a file of a folder among them. */
export function checkOutFolder(out: string, inputs: readonly (string | undefined)[], format: DatasetWriterName): void {
  const written = new Set(partFilesIn(out, format).map(fileIdentity))
  const read = inputs.flatMap(input => (input === undefined ? [] : [input, ...partFilesIn(input, format).filter(existsSync)]))
  const same = read.find(path => written.has(fileIdentity(path)))
  if (same !== undefined) throw usageError(`--out ${out} would overwrite the input ${same}; name another folder`)
}

/** Default adapter file of a base, such as `adapters/openai-text-embedding-3-small.json`. */
export function defaultOut(baseId: string): string {
  const name = baseId
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .slice(0, 60)
    .replace(/^[-.]+|[-.]+$/g, '')
  return `adapters/${name || 'adapter'}.json`
}

/** Tolerance of the sum of shares, for numbers such as 0.333. */
const TOLERANCE = 0.005

/** Reads shares such as `0.8,0.1,0.1`: training, validation and test, of which the last two may be left out. */
export function splitShares(value: unknown): { readonly validation: number; readonly test: number } {
  const shares = String(value)
    .split(',')
    .map(part => (part.trim() === '' ? Number.NaN : Number(part)))
  const sum = shares.reduce((a, b) => a + b, 0)
  if (shares.length > 3 || shares[0] === 0 || shares.some(share => !(share >= 0)) || Math.abs(sum - 1) > TOLERANCE) {
    throw usageError(
      `--split must be shares for training, validation and test that sum to 1, such as 0.8,0.1,0.1, or 1 for training alone; found "${value}"`,
    )
  }
  const [, validation = 0, test = 0] = shares
  return { validation, test }
}
