import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AdapterTrainError } from '../errors.js'
import { checkWritable, writeFileAtomic } from '../files.js'
import { formatNamed } from './check.js'
import { type DatasetSplit, PART_NAMES, type PartName } from './split.js'
import { DATASET_WRITERS, type DatasetWriterName } from './writers/index.js'
import { type DatasetWriter, partsOf } from './writers/writer.js'

/** Settings of {@link writeParts}. */
export interface WritePartsOptions {
  /** Default: `llamaindex`. */
  readonly format?: DatasetWriterName
  /** Replace existing files. Default: false. */
  readonly overwrite?: boolean
}

/** Files written, and what they lack. */
export interface WrittenParts {
  /** Paths, in the order of writing. */
  readonly files: readonly string[]
  /** Sentences about what the format loses. */
  readonly losses: readonly string[]
}

type Planned = { readonly [part in PartName]?: unknown }

/**
 * Writes the splits of a dataset into a folder, each file whole or not at all.
 * @throws USAGE if the format is unknown
 * @throws DATASET_FORMAT if the format cannot hold the dataset
 * @throws FILE_WRITE before anything is written, if a file exists (without `overwrite`) or another dataset has left a split
 *   that is not written now; and if a file cannot be written
 */
export function writeParts(parts: DatasetSplit, folder: string, options: WritePartsOptions = {}): WrittenParts {
  const { format = DATASET_WRITERS[0].name, overwrite = false } = options
  const writer = writerNamed(format)
  const losses = writer.losses(parts)
  checkFolder(writer, parts, folder, overwrite)
  const files: string[] = []
  // Each is made when it is written, as a large corpus should not be in memory three times.
  const write = (name: string, content: Uint8Array): void => {
    const path = join(folder, name)
    writeFileAtomic(path, content)
    files.push(path)
  }
  for (const [name, encode] of Object.entries(writer.sharedFiles ?? {})) write(name, encode(parts))
  for (const [part, dataset] of partsOf(parts)) write(writer.partFiles[part], writer.encode(dataset))
  return { files, losses }
}

/** Checks that {@link writeParts} could write these splits, before the work that makes them. */
export function checkPartsFolder(parts: Planned, folder: string, options: WritePartsOptions = {}): void {
  const { format = DATASET_WRITERS[0].name, overwrite = false } = options
  checkFolder(writerNamed(format), parts, folder, overwrite)
}

/** Lists all paths that a format can write to in a folder. */
export function partFilesIn(folder: string, format: DatasetWriterName): readonly string[] {
  const { partFiles, sharedFiles = {} } = writerNamed(format)
  return [...Object.values(partFiles), ...Object.keys(sharedFiles)].map(file => join(folder, file))
}

function checkFolder(writer: DatasetWriter, parts: Planned, folder: string, overwrite: boolean): void {
  const refuse = (path: string, reason: string): never => {
    throw new AdapterTrainError('FILE_WRITE', `cannot write ${path}: ${reason}.`, { details: { file: path } })
  }
  const there = (files: readonly string[]) => files.map(file => join(folder, file)).find(path => existsSync(path))
  const own = PART_NAMES.filter(part => parts[part]).map(part => writer.partFiles[part])
  const names = [...own, ...Object.keys(writer.sharedFiles ?? {})]
  const written = there(names)
  if (written && !overwrite)
    refuse(written, 'it is there already. Name another folder, or ask for it to be overwritten (--overwrite)')
  const left = there(PART_NAMES.filter(part => !parts[part]).map(part => writer.partFiles[part]))
  if (left) refuse(left, 'it is not a split of this dataset, but would be taken for one. Remove it, or name another folder')
  for (const name of names) checkWritable(join(folder, name))
}

const writerNamed = (name: string): DatasetWriter => formatNamed<DatasetWriter>(DATASET_WRITERS, name)
