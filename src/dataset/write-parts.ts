import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AdapterTrainError, isAdapterTrainError, messageOf } from '../errors.js'
import { checkWritable, writeFileAtomic } from '../write-file-atomic.js'
import { quote } from './check.js'
import type { DatasetSplit } from './split.js'
import { DATASET_WRITERS, type DatasetWriterName } from './writers/index.js'
import { type DatasetWriter, PART_NAMES } from './writers/writer.js'

/** Which format is written, and whether files may be replaced. */
export interface WritePartsOptions {
  /** Default: `llamaindex`. */
  readonly format?: DatasetWriterName
  /** Replace files that are there. Default: false. */
  readonly overwrite?: boolean
}

/** The files that were written, and what their format could not hold. */
export interface WrittenParts {
  /** Paths, in the order of writing. */
  readonly files: readonly string[]
  /** What the format could not hold, each in a sentence. */
  readonly losses: readonly string[]
}

/**
 * Writes the parts of a data set into a folder, each file whole or not at all.
 *
 * @throws USAGE when the format is unknown
 * @throws DATASET_FORMAT when the format cannot hold the data set
 * @throws FILE_WRITE before anything is written, when a file is there (without `overwrite`) or a part that is not written now
 *   has been left there by another data set; and when a file cannot be written
 */
export function writeParts(parts: DatasetSplit, folder: string, options: WritePartsOptions = {}): WrittenParts {
  const { format = DATASET_WRITERS[0].name, overwrite = false } = options
  const writer = writerNamed(format)
  const losses = writer.losses(parts)
  const files = writer.files(parts).map(({ path, content }) => ({ path: join(folder, path), content }))
  checkFolder(writer, parts, folder, overwrite)
  for (const { path, content } of files) writeFileAtomic(path, content())
  return { files: files.map(({ path }) => path), losses }
}

/**
 * Checks what {@link writeParts} would find in the folder, before work is done whose result has to go there.
 *
 * @param parts those that will be written, by name
 * @throws USAGE, FILE_WRITE as `writeParts`
 */
export function checkPartsFolder(
  parts: { readonly [part in (typeof PART_NAMES)[number]]?: unknown },
  folder: string,
  { format = DATASET_WRITERS[0].name, overwrite = false }: WritePartsOptions = {},
): void {
  checkFolder(writerNamed(format), parts, folder, overwrite)
}

/** All paths that a format can write to in a folder. */
export function partFilesIn(folder: string, format: DatasetWriterName): readonly string[] {
  const { partFiles, sharedFiles } = writerNamed(format)
  return [...Object.values(partFiles), ...sharedFiles].map(file => join(folder, file))
}

function checkFolder(
  writer: DatasetWriter,
  parts: { readonly [part in (typeof PART_NAMES)[number]]?: unknown },
  folder: string,
  overwrite: boolean,
): void {
  const refuse = (path: string, reason: string): never => {
    throw new AdapterTrainError('FILE_WRITE', `cannot write ${path}: ${reason}.`, { details: { file: path } })
  }
  const there = (files: readonly string[]) => files.map(file => join(folder, file)).find(path => existsSync(path))
  const names = PART_NAMES.filter(part => parts[part]).map(part => writer.partFiles[part])
  const written = there([...names, ...writer.sharedFiles])
  if (written && !overwrite) {
    refuse(written, 'it is there already. Name another folder, or ask for it to be overwritten (--overwrite)')
  }
  const left = there(PART_NAMES.filter(part => !parts[part]).map(part => writer.partFiles[part]))
  if (left) {
    refuse(left, 'it is no part of this data set, but would be taken for one. Remove it, or name another folder')
  }
  for (const name of [...names, ...writer.sharedFiles]) assertWritable(join(folder, name))
}

function assertWritable(path: string): void {
  try {
    checkWritable(path)
  } catch (cause) {
    if (isAdapterTrainError(cause)) throw cause
    // Such as a name that is too long, or one below a file.
    const reason = messageOf(cause).split(', ')[0]
    throw new AdapterTrainError('FILE_WRITE', `cannot write ${path}: ${reason}`, { cause, details: { file: path } })
  }
}

function writerNamed(name: string): DatasetWriter {
  const writer = DATASET_WRITERS.find(candidate => candidate.name === name)
  if (writer) return writer
  const names = DATASET_WRITERS.map(candidate => candidate.name).join(', ')
  throw new AdapterTrainError('USAGE', `a data set cannot be written as ${quote(name)}; expected one of: ${names}`)
}
