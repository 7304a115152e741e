import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { selfMatches } from '../dataset/dataset.js'
import { fileError, formatError } from '../dataset/text-file.js'
import type { EmbeddedDataset, Texts, VectorParts } from '../embed/embedded-dataset.js'
import { AdapterTrainError } from '../errors.js'
import { visible } from '../files.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import { readPairs } from './pairs.js'
import { expectedNames, findForm, readSide, type VectorSide } from './read-side.js'
import { groupRows } from './row-groups.js'

const PREFIXES = { train: '', validation: 'val_', test: 'test_' } as const

type Part = keyof typeof PREFIXES

/** Options of `readVectors`. */
export interface ReadVectorsOptions {
  /** Name of the embedding space, which an adapter is bound to. Default: `vectors/<name of the folder>`. */
  readonly baseId?: string
  /** Read vectors of `.npy` and `.f32` files on demand, for more vectors than memory has room for. Default false. */
  readonly lazy?: boolean
}

/**
 * Reads a folder of vectors of your own, as they are (not normalised).
 *
 * It holds `queries` and `docs`, each as `.npy`, `.f32` (with `shape.json`, `{"dim": 384}`) or `.jsonl`, and `pairs.json`, `[[query
 * row, document row], ...]`. The same names after `val_` and `test_` are the validation and test set, which have the training set's
 * documents unless they have their own. `query_texts.json` and `doc_texts.json`, a list of strings each, may give the texts. Ids
 * are those of a `.jsonl` file, else row numbers; then equal ids of `docs` and `test_docs` do not mean equal documents.
 * @throws FILE_NOT_FOUND if a file is missing, FILE_READ
 * @throws DATASET_FORMAT unless it is a folder, or if it holds the same vectors in two forms
 * @throws DATASET_INVALID if a file is broken or a pair names a row that does not exist
 * @throws VECTOR_INVALID if vectors differ in length, or a value is NaN or infinite
 * @throws ENGINE_MEMORY if there is no room for the vectors
 */
export function readVectors(folder: string, options?: ReadVectorsOptions & { readonly lazy?: false }): Promise<VectorParts>
export function readVectors(folder: string, options: ReadVectorsOptions): Promise<VectorParts<Rows>>
export async function readVectors(folder: string, options: ReadVectorsOptions = {}): Promise<VectorParts<Rows>> {
  const entries = await listFolder(folder)
  const names = (Object.keys(PREFIXES) as Part[]).filter(part => part === 'train' || isPresent(folder, entries, part))
  assertComplete(folder, entries, names)
  const baseId = options.baseId ?? `vectors/${basename(resolve(folder))}`
  const { lazy = false } = options
  const parts: { -readonly [part in Part]?: EmbeddedDataset<Rows> } = {}
  const corpora: (VectorSide & { docTextGroup: Uint32Array })[] = []
  let first: VectorSide | undefined
  for (const part of names) {
    const prefix = PREFIXES[part]
    const queries = await readSide(folder, entries, `${prefix}queries`, `${prefix}query_texts.json`, lazy)
    first ??= queries
    assertSameLength(first, queries)
    const read = findForm(folder, entries, `${prefix}docs`)
      ? await readSide(folder, entries, `${prefix}docs`, `${prefix}doc_texts.json`, lazy)
      : corpora[0]
    assertSameLength(first, read)
    let docs = corpora.find(corpus => isSame(corpus, read))
    if (docs === undefined) {
      docs = { ...read, docTextGroup: groupRows(read.matrix, read.texts) }
      corpora.push(docs)
    }
    const judged = await readPairs(join(folder, `${prefix}pairs.json`), queries, read)
    const data: EmbeddedDataset<Rows> = {
      baseId,
      queryIds: queries.ids,
      docIds: docs.ids,
      queries: queries.matrix,
      docs: docs.matrix,
      ...judged,
      docTextGroup: docs.docTextGroup,
      ...(queries.texts && { queryTexts: queries.texts }),
      ...(docs.texts && { docTexts: docs.texts }),
    }
    parts[part] = withSelfMatches(data)
  }
  return parts as VectorParts<Rows>
}

/** Finds queries with the id and the text of a document. */
export function withSelfMatches(data: EmbeddedDataset<Rows>): EmbeddedDataset<Rows> {
  const { queryIds, docIds, positives, queryTexts, docTexts } = data
  if (!queryTexts || !docTexts) return data
  const texts = (ids: readonly string[], all: Texts) =>
    new Map(ids.flatMap((id, i) => (all[i] === undefined ? [] : [[id, all[i]!] as const])))
  const relevant = positives.map(grades => new Map(Array.from(grades, ([doc, grade]) => [docIds[doc], grade])))
  const qrels = new Map(queryIds.map((id, i) => [id, relevant[i]]))
  const found = selfMatches({ name: '', queries: texts(queryIds, queryTexts), corpus: texts(docIds, docTexts), qrels })
  return found.size > 0 ? { ...data, selfMatches: found } : data
}

async function listFolder(folder: string): Promise<string[]> {
  const failed = (cause: unknown): never => {
    throw fileError(folder, cause)
  }
  if (!(await stat(folder).catch(failed)).isDirectory()) {
    throw formatError(folder, `${folder} is a file, expected a folder with queries, docs and pairs.json`)
  }
  return visible(await readdir(folder).catch(failed)).sort()
}

function isPresent(folder: string, entries: readonly string[], part: Part): boolean {
  const prefix = PREFIXES[part]
  const vectors = ['queries', 'docs'].some(stem => findForm(folder, entries, prefix + stem) !== undefined)
  return vectors || entries.includes(`${prefix}pairs.json`)
}

function assertComplete(folder: string, entries: readonly string[], parts: readonly Part[]): void {
  const missing = parts.flatMap(part => {
    const prefix = PREFIXES[part]
    const stems = part === 'train' ? ['queries', 'docs'] : [`${prefix}queries`]
    const vectors = stems.filter(stem => findForm(folder, entries, stem) === undefined).map(expectedNames)
    return entries.includes(`${prefix}pairs.json`) ? vectors : [...vectors, `${prefix}pairs.json`]
  })
  if (missing.length === 0) return
  const found = entries.length === 0 ? 'nothing' : entries.slice(0, 10).join(', ') + (entries.length > 10 ? ', …' : '')
  const message = `${folder} has no ${missing.join(', and no ')}; found ${found}`
  throw new AdapterTrainError('FILE_NOT_FOUND', message, { details: { file: folder, missing } })
}

function assertSameLength(a: VectorSide, b: VectorSide): void {
  if (a.matrix.cols === b.matrix.cols) return
  const found = `${a.file} has vectors of ${a.matrix.cols} values, ${b.file} of ${b.matrix.cols}`
  const details = { files: [a.file, b.file], dimensions: [a.matrix.cols, b.matrix.cols] }
  throw new AdapterTrainError('VECTOR_INVALID', `${found}; expected vectors of one model`, { details })
}

/** True if `b` is the same documents as `a`, such as a test set's own copy of the corpus. */
function isSame(a: VectorSide, b: VectorSide): boolean {
  return (
    a === b ||
    (hasSameValues(a.matrix, b.matrix) && isEqual(a.ids, b.ids) && (b.texts === undefined || isEqual(a.texts ?? [], b.texts)))
  )
}

function hasSameValues(a: Rows, b: Rows): boolean {
  if (a.rows !== b.rows) return false
  const others = blocksOf(b)
  for (const { block } of blocksOf(a)) if (!isEqual(block.data, others.next().value!.block.data)) return false
  return true
}

function isEqual(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  let i = 0
  while (i < a.length && a[i] === b[i]) i++
  return i === a.length && i === b.length
}
