import { basename, resolve } from 'node:path'
import { AdapterTrainError } from '../errors.js'
import { quote } from './check.js'
import type { LoadedDataset } from './dataset.js'
import type { FieldNames } from './fields.js'
import type { DatasetFormat } from './formats/format.js'
import { DATASET_FORMATS, type DatasetFormatName } from './formats/index.js'
import { formatOfFields } from './formats/records.js'
import { leadingKeys } from './json-cursor.js'
import { type Probe, probePath } from './probe.js'
import { readCorpus } from './read-corpus.js'
import { misnamedFields } from './records.js'
import { createSink } from './sink.js'

/** How a data set is read. */
export interface ReadDatasetOptions {
  /** Leave out what is invalid and list it, instead of throwing at it. Default: false. */
  readonly skipInvalid?: boolean
  /** Default: recognised by content. */
  readonly format?: DatasetFormatName
  /** Which qrels file of a BEIR folder: `train`, `dev`, `test`, ... Default: the only one. */
  readonly split?: string
  /** What the file calls the fields of a record, such as `{ query: 'question', document: 'answer' }`. */
  readonly fields?: FieldNames
  /** Keep the highest grade of a pair that is judged twice, with a note, instead of throwing. Default: false. */
  readonly keepHighest?: boolean
  /** For a search log that names documents by id: a file of documents, as `readCorpus` reads it. */
  readonly corpus?: string
  /** For a search log: clicks that make a document relevant, at the least. Default: 1. */
  readonly minClicks?: number
}

/**
 * Reads and checks a data set in any of the known formats, recognised by its content.
 *
 * @param path a file or a folder
 * @returns the data set, and with `skipInvalid` what was left out of it
 * @throws USAGE when an option is wrong, or a BEIR folder has several splits and none is chosen
 * @throws FILE_NOT_FOUND, FILE_READ
 * @throws DATASET_FORMAT when no format recognises it, or several do
 * @throws DATASET_INVALID when its content is wrong (without `skipInvalid`), is broken as a whole, or leaves nothing usable
 */
export async function readDataset(path: string, options: ReadDatasetOptions = {}): Promise<LoadedDataset> {
  const { skipInvalid = false, keepHighest = false, split, fields, corpus, minClicks } = options
  const probe = await probePath(path)
  const format = chooseFormat(probe, options)
  if (split !== undefined && !format.hasSplits) {
    throw doesNotApply(`the split ${quote(split)}`, 'splits', path, format, other => other.hasSplits)
  }
  if (fields && !format.hasFields) {
    throw doesNotApply('fields by their own names', 'such fields', path, format, other => other.hasFields)
  }
  if ((corpus !== undefined || minClicks !== undefined) && !format.hasClicks) {
    throw doesNotApply('clicks', 'clicks', path, format, other => other.hasClicks === true)
  }
  const sink = createSink(path, basename(resolve(path)), skipInvalid)
  sink.keepHighest = keepHighest
  const documents = corpus === undefined ? undefined : await readCorpus(corpus)
  await format.read(probe, sink, { split, fields, corpus: documents, minClicks })
  return sink.finish()
}

function chooseFormat(probe: Probe, { format, fields }: ReadDatasetOptions): DatasetFormat {
  if (format !== undefined) return formatNamed(format)
  if (fields && !probe.entries) return formatNamed(formatOfFields(probe, fields))
  const found: readonly DatasetFormat[] = DATASET_FORMATS.filter(candidate => candidate.detect(probe))
  if (found.length === 1) return found[0]
  if (found.length === 0) return notRecognised(probe)
  const choices = found.map(({ name, description }) => `\n  ${name}: ${description}`).join('')
  throw new AdapterTrainError('DATASET_FORMAT', `${probe.path} can be read in several ways. Name one of:${choices}`, {
    details: { file: probe.path, formats: found.map(({ name }) => name) },
  })
}

function doesNotApply(
  what: string,
  having: string,
  path: string,
  format: DatasetFormat,
  applies: (format: DatasetFormat) => boolean,
): AdapterTrainError {
  const names = (DATASET_FORMATS as readonly DatasetFormat[]).filter(applies).map(({ name }) => name)
  const verb = names.length === 1 ? 'has' : 'have'
  const list = names.join(', ').replace(/, ([^,]*)$/, ' and $1')
  return new AdapterTrainError(
    'USAGE',
    `cannot read ${what}: only ${list} ${verb} ${having}, and ${path} is ${format.name}`,
  )
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
  if (renamed.length > 0) renamed.push('; or name its fields (adapter-train import --query NAME --document NAME)')
  const part = keys.includes('_id') ? '; to read a BEIR folder, name the folder' : ''
  return `its first object has the keys ${keys.slice(0, 10).map(quote).join(', ')}${part || renamed.join('')}`
}
