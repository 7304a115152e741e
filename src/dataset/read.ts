import { existsSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { usageError } from '../errors.js'
import { formatNamed, quote } from './check.js'
import type { LoadedDataset } from './dataset.js'
import type { DatasetFormat, FormatOptions } from './formats/format.js'
import { DATASET_FORMATS, type DatasetFormatName } from './formats/index.js'
import { formatOfFields } from './formats/records.js'
import { leadingKeys } from './json-cursor.js'
import { type Probe, probePath } from './probe.js'
import { readCorpus } from './read-corpus.js'
import { importLine, misnamedFields } from './records.js'
import { createSink, type DatasetSink } from './sink.js'
import { frequentDelimiter, headerColumns } from './table.js'
import { formatError, invalidFile } from './text-file.js'

/** Settings of {@link readDataset}. */
export interface ReadDatasetOptions extends Omit<FormatOptions, 'corpus'> {
  /** List invalid entries instead of throwing. Default: false. */
  readonly skipInvalid?: boolean
  /** Default: recognised by content. */
  readonly format?: DatasetFormatName
  /** Keep the highest grade of a pair that is judged twice, with a note, instead of throwing. Default: false. */
  readonly keepHighest?: boolean
  /** For a search log that names documents by id: a file of documents, as `readCorpus` reads it. */
  readonly corpus?: string
}

/**
 * Reads and checks a dataset in any known format, recognised by its content.
 * @param path a file or a folder
 * @throws USAGE if an option is wrong, or a BEIR folder has several splits and none is chosen
 * @throws FILE_NOT_FOUND, FILE_READ
 * @throws DATASET_FORMAT if no format recognises it, or several do
 * @throws DATASET_INVALID if its content is wrong (without `skipInvalid`), is broken as a whole, or leaves nothing usable
 */
export function readDataset(path: string, options: ReadDatasetOptions = {}): Promise<LoadedDataset> {
  return readWithin([], path, options)
}

/** @param within files that name this one as theirs */
async function readWithin(within: readonly string[], path: string, options: ReadDatasetOptions) {
  const { skipInvalid = false, keepHighest = false, split, fields, corpus, minClicks } = options
  const { documentsElsewhere = false } = options
  const probe = await probePath(path)
  const format = chooseFormat(probe, options)
  if (split !== undefined) checkApplies('hasSplits', `the split ${quote(split)}`, 'splits', path, format)
  if (fields) checkApplies('hasFields', 'fields by their own names', 'such fields', path, format)
  if (corpus !== undefined || minClicks !== undefined) checkApplies('hasClicks', 'clicks', 'clicks', path, format)
  const sink = createSink(path, basename(resolve(path)), skipInvalid)
  sink.keepHighest = keepHighest
  sink.documentsElsewhere = documentsElsewhere
  const named = (): ReturnType<typeof readCorpus> | undefined => (corpus === undefined ? undefined : readCorpus(corpus))
  const documents = await (named() ?? (documentsElsewhere ? undefined : documentsNamedBy(format, probe, sink, within)))
  await format.read(probe, sink, { split, fields, corpus: documents, minClicks, documentsElsewhere })
  return sink.finish()
}

/** Reads the documents that a file of judgements names; without them, only those judged are searched. */
async function documentsNamedBy(format: DatasetFormat, probe: Probe, sink: DatasetSink, within: readonly string[]) {
  const named = format.documentsOf?.(probe)
  const file = named?.data ?? named?.corpus
  if (named === undefined) return undefined
  const path = file === undefined ? undefined : resolve(dirname(probe.path), file)
  if (path === undefined || !existsSync(path)) {
    const problem = path === undefined ? 'its documents are in an index (--index)' : `${path}: there is no such file`
    sink.note(`${probe.path}: ${problem}; only the judged ones are searched`)
    return undefined
  }
  if (named.data === undefined) return readCorpus(path)
  const files = [...within, resolve(probe.path)]
  if (files.includes(path)) throw invalidFile({ file: probe.path }, `names ${path} as its documents, which leads back to it`)
  return (await readWithin(files, path, { split: named.split, skipInvalid: true })).dataset.corpus
}

function chooseFormat(probe: Probe, { format, fields }: ReadDatasetOptions): DatasetFormat {
  if (format !== undefined) return formatNamed<DatasetFormat>(DATASET_FORMATS, format)
  if (fields && !probe.entries) return formatNamed<DatasetFormat>(DATASET_FORMATS, formatOfFields(probe, fields))
  const found: readonly DatasetFormat[] = DATASET_FORMATS.filter(candidate => candidate.detect(probe))
  if (found.length === 1) return found[0]
  if (found.length === 0) return notRecognised(probe)
  const choices = found.map(({ name, description }) => `\n  ${name}: ${description}`).join('')
  const formats = found.map(({ name }) => name)
  throw formatError(probe.path, `${probe.path} can be read in several ways. Name one of:${choices}`, { formats })
}

type Feature = 'hasSplits' | 'hasFields' | 'hasClicks'

function checkApplies(feature: Feature, what: string, having: string, path: string, format: DatasetFormat): void {
  if (format[feature]) return
  const names = (DATASET_FORMATS as readonly DatasetFormat[]).filter(other => other[feature]).map(({ name }) => name)
  const list = `${names.join(', ').replace(/, ([^,]*)$/, ' and $1')} ${names.length === 1 ? 'has' : 'have'}`
  throw usageError(`cannot read ${what}: only ${list} ${having}, and ${path} is ${format.name}`)
}

function notRecognised(probe: Probe): never {
  const columns = unknownColumns(probe)
  if (columns) {
    const { path } = probe
    const problem = `${path}: no column is known; expected query and document, found ${columns.map(quote).join(', ')}`
    throw formatError(path, `${problem}. Name them: ${importLine(path, columns)}`)
  }
  const expected = DATASET_FORMATS.map(({ name, description }) => `\n  ${name}: ${description}`).join('')
  const message = `${probe.path} is not a dataset in a known format: ${findings(probe)}. Expected one of:${expected}`
  throw formatError(probe.path, message)
}

/** Columns of a table without a known one; undefined if the file does not look like a table with a header. */
function unknownColumns({ path, entries, head }: Probe): string[] | undefined {
  const lines = head.trimStart().split('\n')
  if (entries || /^[[{]/.test(head.trimStart()) || lines.length < 2) return undefined
  const delimiter = frequentDelimiter(head)
  const columns = headerColumns(head, delimiter)
  const isTable = /\.(csv|tsv)$/i.test(path) || misnamedFields(columns).length > 1
  return isTable && columns.length > 1 && columns.every(name => /^[\p{L}_][\p{L}\p{N}_ .-]*$/u.test(name)) ? columns : undefined
}

function findings({ path, entries, head }: Probe): string {
  if (entries) {
    if (entries.length === 0) return 'the folder is empty'
    const files = entries.filter(name => /\.(jsonl?|csv|tsv)$/i.test(name))
    const hint = files.length > 0 ? `; to read one file, name it (${files.slice(0, 5).join(', ')})` : ''
    return `the folder holds ${entries.slice(0, 10).join(', ')}${entries.length > 10 ? ', …' : ''}${hint}`
  }
  const keys = leadingKeys(head)
  if (keys.length === 0) return `it starts with ${quote(head.trim())}`
  const renamed = misnamedFields(keys).map(([found, field]) => `; rename ${quote(found)} to "${field}"`)
  if (renamed.length > 0) renamed.push(`; or name its fields: ${importLine(path, keys)}`)
  else if (keys.length > 1) renamed.push(`; name its fields: ${importLine(path, keys)}`)
  const part = keys.includes('_id') ? '; to read a BEIR folder, name the folder' : ''
  return `its first object has the keys ${keys.slice(0, 10).map(quote).join(', ')}${part || renamed.join('')}`
}
