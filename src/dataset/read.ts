import { basename, resolve } from 'node:path'
import { AdapterTrainError } from '../errors.js'
import { quote } from './check.js'
import type { LoadedDataset } from './dataset.js'
import type { DatasetFormat } from './formats/format.js'
import { DATASET_FORMATS, type DatasetFormatName } from './formats/index.js'
import { leadingKeys } from './json-cursor.js'
import { type Probe, probePath } from './probe.js'
import { misnamedFields } from './records.js'
import { createSink } from './sink.js'

export interface ReadDatasetOptions {
  /** Leave out what is invalid and list it, instead of throwing at it. Default: false. */
  readonly skipInvalid?: boolean
  /** Default: recognised by content. */
  readonly format?: DatasetFormatName
  /** Which qrels file of a BEIR folder: `train`, `dev`, `test`, ... Default: the only one. */
  readonly split?: string
}

/**
 * Reads and checks a data set in any of {@link DATASET_FORMATS}, recognised by its content.
 *
 * @param path a file or a folder
 * @returns the data set, and with `skipInvalid` what was left out of it
 * @throws USAGE when an option is wrong, or a BEIR folder has several splits and none is chosen
 * @throws FILE_NOT_FOUND, FILE_READ
 * @throws DATASET_FORMAT when no format recognises it
 * @throws DATASET_INVALID when its content is wrong (without `skipInvalid`), is broken as a whole, or leaves nothing usable
 */
export async function readDataset(path: string, options: ReadDatasetOptions = {}): Promise<LoadedDataset> {
  const { skipInvalid = false, split } = options
  const named = options.format === undefined ? undefined : formatNamed(options.format)
  const probe = await probePath(path)
  const format = named ?? DATASET_FORMATS.find(candidate => candidate.detect(probe)) ?? notRecognised(probe)
  if (split !== undefined && !format.hasSplits) {
    const having = DATASET_FORMATS.filter(({ hasSplits }) => hasSplits).map(({ name }) => name)
    const reason = `only ${having.join(' and ')} has splits, and ${path} is ${format.name}`
    throw new AdapterTrainError('USAGE', `cannot read the split ${quote(split)}: ${reason}`)
  }
  const sink = createSink(path, basename(resolve(path)), skipInvalid)
  await format.read(probe, sink, { split })
  return sink.finish()
}

function formatNamed(name: string): DatasetFormat {
  const format = DATASET_FORMATS.find(candidate => candidate.name === name)
  if (format) return format
  const names = DATASET_FORMATS.map(candidate => candidate.name).join(', ')
  throw new AdapterTrainError('USAGE', `unknown data set format ${quote(name)}; expected one of: ${names}`)
}

function notRecognised(probe: Probe): never {
  const expected = DATASET_FORMATS.map(({ name, description }) => `\n  ${name}: ${description}`).join('')
  const message = `${probe.path} is no data set that can be read: ${findings(probe)}. Expected one of:${expected}`
  throw new AdapterTrainError('DATASET_FORMAT', message, { details: { file: probe.path } })
}

/** What a path holds that no format recognises. */
function findings({ entries, head }: Probe): string {
  if (entries) {
    if (entries.length === 0) return 'the folder is empty'
    const files = entries.filter(name => /\.(jsonl?|csv|tsv)$/i.test(name))
    const hint = files.length > 0 ? `; to read one file, name it (${files.slice(0, 5).join(', ')})` : ''
    return `the folder holds ${entries.slice(0, 10).join(', ')}${entries.length > 10 ? ', …' : ''}${hint}`
  }
  const keys = leadingKeys(head)
  if (keys.length === 0) return `it starts with ${quote(head.trim())}`
  const renamed = misnamedFields(keys).map(([found, field]) => `; rename ${quote(found)} to "${field}"`)
  const part = keys.includes('_id') ? '; to read a BEIR folder, name the folder' : ''
  return `its first object has the keys ${keys.slice(0, 10).map(quote).join(', ')}${part || renamed.join('')}`
}
