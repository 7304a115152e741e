import { stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { type GuessedFields, guessFields } from '../dataset/fields.js'
import { DATASET_FORMATS, type DatasetFormatName } from '../dataset/formats/index.js'
import { type Probe, probePath } from '../dataset/probe.js'
import { findFiles } from '../documents/find-files.js'
import { DOCUMENT_EXTENSIONS } from '../documents/loaders/index.js'
import { isAdapterTrainError } from '../errors.js'

/** Kind of data at a path. */
export type FirstLook =
  | { readonly kind: 'dataset'; readonly path: string; readonly format: DatasetFormatName }
  | ({ readonly kind: 'columns'; readonly path: string } & GuessedFields)
  | {
      readonly kind: 'documents'
      readonly path: string
      /** Files readable as documents, by extension. */
      readonly counts: Readonly<Record<string, number>>
    }
  | { readonly kind: 'unknown'; readonly path: string }

/** Documents only if a folder has nothing else. */
const DATA_LIKE = ['.csv', '.jsonl']

/** Recognises a dataset, a file of records with other field names, or documents; reads only the head. */
export async function firstLook(path: string): Promise<FirstLook> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory()
  const documents = isFolder ? undefined : documentsOf([path])
  let probe: Probe
  try {
    probe = await probePath(path)
  } catch (error) {
    // PDF and DOCX are not text, but are documents.
    if (documents && isAdapterTrainError(error, 'DATASET_FORMAT')) return { kind: 'documents', path, counts: documents }
    throw error
  }
  const formats = DATASET_FORMATS.filter(format => format.detect(probe))
  if (documents && formats.length === 0) return { kind: 'documents', path, counts: documents }
  const guessed = await guessFields(probe)
  const hasBoth = guessed?.columns.includes('query') && guessed.columns.includes('document')
  const byName = formats.length > 0 && !(isTable(formats) && guessed && !hasBoth && !hasIds(guessed))
  if (byName) return { kind: 'dataset', path, format: formats[0].name }
  if (guessed && guessed.fields.query !== undefined) return { kind: 'columns', path, ...guessed }
  if (formats.length > 0) return { kind: 'dataset', path, format: formats[0].name }
  const counts = isFolder ? documentsOf(await findFiles([path]).catch(() => [])) : documents
  return counts ? { kind: 'documents', path, counts } : { kind: 'unknown', path }
}

/** Finds files named as parts in a BEIR folder, or beside a training set. */
export async function partsBeside(path: string): Promise<{ train: string; val?: string; test?: string }> {
  const exists = async (file: string) => ((await stat(file).catch(() => undefined))?.isFile() ? file : undefined)
  const train = await exists(join(path, 'qrels', 'train.tsv'))
  if (train !== undefined) {
    const [dev, val] = [await exists(join(path, 'qrels', 'dev.tsv')), await exists(join(path, 'qrels', 'val.tsv'))]
    return { train, val: dev ?? val, test: await exists(join(path, 'qrels', 'test.tsv')) }
  }
  const [, folder, rest] = /^(.*[\\/])?train((?:_dataset)?\.\w+)$/.exec(path) ?? []
  if (rest === undefined) return { train: path }
  const beside = (name: string) => exists(`${folder ?? ''}${name}${rest}`)
  return { train: path, val: (await beside('val')) ?? (await beside('validation')), test: await beside('test') }
}

/** True for formats of records, which one of our field names alone identifies. */
function isTable(formats: readonly { readonly name: string }[]): boolean {
  return formats.every(({ name }) => ['json', 'jsonl', 'csv', 'tsv'].includes(name))
}

function hasIds({ columns }: GuessedFields): boolean {
  const has = (field: string): boolean => columns.includes(field) || columns.includes(`${field}_id`)
  return has('query') && has('document')
}

/** Counts documents by extension; undefined if there are none. */
function documentsOf(files: readonly string[]): Record<string, number> | undefined {
  const extensions = files.map(file => extname(file).toLowerCase()).filter(name => DOCUMENT_EXTENSIONS.includes(name))
  const own = extensions.filter(name => !DATA_LIKE.includes(name))
  const counted = own.length > 0 ? own : extensions
  if (counted.length === 0 || (files.length === 1 && own.length === 0)) return undefined
  const counts: Record<string, number> = {}
  for (const name of counted) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
