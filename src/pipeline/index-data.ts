import { throwIfReadingStopped } from '../abort.js'
import type { QADataset } from '../dataset/dataset.js'
import { smallTestSet } from '../dataset/small-test-set.js'
import { PART_NAMES, type PartName } from '../dataset/split.js'
import { foldText } from '../dataset/text.js'
import { embedDataset } from '../embed/embed-dataset.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { spillingBuilder } from '../embed/matrix-builder.js'
import { AdapterTrainError, usageError } from '../errors.js'
import { checkedIndex } from '../indexes/checked-index.js'
import { openIndex } from '../indexes/index.js'
import { type Effort, indexError, type VectorIndex } from '../indexes/vector-index.js'
import { getOrInsert } from '../maps.js'
import { matrix, norm } from '../math/matrix.js'
import { isInMemory, type Rows, rowRange, selectedRows } from '../math/row-source.js'
import { MEMORY_DEFAULT } from '../memory-limit.js'
import type { TermDocuments } from '../train/terms/corpus-terms.js'
import { withSelfMatches } from '../vectors/read-vectors.js'
import { groupRows } from '../vectors/row-groups.js'
import type { EmbedPartsOptions, EmbedSession } from './embedded-parts.js'
import { embedOptions, partsFromVectors, seenByText, withTrain } from './embedded-parts.js'

/** An index to read documents from: a URL, see `openIndex`, or a function that opens one. */
export type IndexSource = string | (() => Promise<VectorIndex>)

/** Documents of an index, with where they came from. */
export interface IndexDocuments extends TermDocuments {
  /** Numbers of groups of rows with equal vectors or texts. */
  readonly groups: Uint32Array
  close(): void
}

/** Vectors fetched to learn whether they have unit length. */
const SAMPLE = 100
/** Largest distance from length 1 of a vector that was scaled, and perhaps rounded to float16. */
const UNIT = 5e-3
const LISTED = 3

/** Opens an index, runs work on it and closes it. */
export async function usingIndex<T>(source: IndexSource, work: (index: VectorIndex) => Promise<T>): Promise<T> {
  const index = typeof source === 'string' ? await openIndex(source) : checkedIndex(await source())
  try {
    return await work(index)
  } finally {
    await index.close()
  }
}

/** Reads all documents of an index, in bounded memory: vectors beyond the memory limit go to a temporary file. */
export async function scanIndex(
  index: VectorIndex,
  { filter, signal, memory = MEMORY_DEFAULT, spillFolder }: { readonly filter?: string } & Partial<EmbedSession>,
): Promise<IndexDocuments> {
  const count = await index.count(filter)
  const builder = spillingBuilder(count, count, { memory, spillFolder })
  try {
    const ids: string[] = []
    const texts: (string | undefined)[] = []
    // A table that grows meanwhile is read as far as it was counted.
    for await (const rows of index.scan({ vectors: true, text: index.hasTexts, filter })) {
      throwIfReadingStopped(signal)
      for (const { id, vector, text } of rows.slice(0, count - ids.length)) {
        builder.set(ids.length, vector!)
        ids.push(id)
        texts.push(text)
      }
      if (ids.length === count) break
    }
    const none = `found no rows${filter === undefined ? '' : ' that pass the filter'}`
    const repeated = 'ids repeat; expected one row per id. Name the column of unique ids in the URL: ?id=NAME'
    if (new Set(ids).size < ids.length || ids.length === 0) throw indexError(index.id, ids.length > 0 ? repeated : none)
    const vectors = firstRows(builder.build(index.dimensions), ids.length)
    return { ids, texts, vectors, groups: groupRows(vectors, texts), close: builder.close }
  } catch (error) {
    builder.close()
    throw error
  }
}

function firstRows(from: Rows, rows: number): Rows {
  if (rows === from.rows) return from
  return isInMemory(from)
    ? matrix(rows, from.cols, from.data.subarray(0, rows * from.cols))
    : selectedRows(from, rowRange(0, rows))
}

/**
 * Takes labels from data files and documents from an index. Only queries are embedded; ids are compared as text, and a document
 * that the index does not have by id is looked for by its text, if both are known.
 */
export async function openIndexData(
  source: IndexSource,
  given: { readonly [part in PartName]?: QADataset },
  { indexFilter: filter, indexEffort: effort }: { readonly indexFilter?: string; readonly indexEffort?: Effort },
) {
  const names = PART_NAMES.filter(name => given[name])
  const sets = names.map(name => given[name]!)
  const wanted = new Set(sets.flatMap(({ qrels }) => Array.from(qrels.values(), judged => [...judged.keys()]).flat()))
  const found = await usingIndex(source, async index => ({
    id: index.id,
    dimensions: index.dimensions,
    rows: await index.count(filter),
    notes: [...index.notes, ...(await traps(index, wanted))],
    idOf: await locate(index),
  }))
  /** Relevant documents that the index does not have, once per label. */
  const lost: string[] = []
  const parts = Object.fromEntries(names.map(name => [name, inIndex(given[name]!)]))
  const missing = missingNote()
  if (names.some(name => parts[name].queries.size === 0)) {
    const problem = `${missing}. Nothing is left of a set. Check the id column of the URL, ?id=NAME`
    throw new AdapterTrainError('DATASET_INVALID', problem)
  }
  let texts: ReadonlyMap<string, string | undefined> = new Map()

  async function embed(session: EmbedSession, wanted: readonly PartName[]) {
    const { provider } = session
    if (!provider) throw usageError('--index: expected a --base that embeds queries, found none')
    const check = (dimensions: number | undefined) => {
      if (dimensions === undefined || dimensions === found.dimensions) return
      const problem = `${provider.id} gives ${dimensions} dimensions, and the vectors of ${found.id} have ${found.dimensions}`
      throw new AdapterTrainError('VECTOR_INVALID', `${problem}. Name the model that the index was made with`)
    }
    check(provider.dimensions)
    const started = performance.now()
    const sets = wanted.map(name => ({ ...parts[name], corpus: new Map<string, string>(), qrels: new Map() }))
    const { datasets, stats, close } = await embedDataset(provider, sets, embedOptions(session))
    check(datasets[0].queries.cols)
    const documents = await usingIndex(source, index => scanIndex(index, { ...session, filter }))
    texts = new Map(documents.ids.map((id, row) => [id, documents.texts[row]]))
    const rowOf = new Map(documents.ids.map((id, row) => [id, row]))
    const data = wanted.map((name, i) => assemble(parts[name], datasets[i], documents, rowOf))
    const closeAll = () => void [close(), documents.close()]
    return { data, stats, seconds: Math.round(performance.now() - started) / 1000, close: closeAll }
  }

  return {
    parts,
    warnings: [
      ...found.notes.map(note => `${found.id}: ${note}`),
      ...(lost.length > 0 ? [missing] : []),
      ...(parts.test ? smallTestSet(parts.test.name, parts.test.queries.size, found.rows) : []),
    ],
    documentText: (_: PartName, id: string) => texts.get(id),
    async embed(session: EmbedPartsOptions = {}) {
      withTrain(parts)
      if (session.pca !== undefined)
        throw usageError(`pca: ${found.id} has the documents' vectors already. Drop --pca or --index`)
      const { data, stats, seconds, close } = await embed(session, names)
      const embedded = Object.fromEntries(names.map((name, i) => [name, data[i]])) as { train: EmbeddedDataset<Rows> }
      const provider = session.provider!.facts ?? { name: 'custom' }
      return { ...partsFromVectors(embedded), provider, embedding: stats, seconds, close }
    },
    async embedMeasured(session: EmbedSession = {}) {
      const part = names[names.length - 1]
      const { data, stats, close } = await embed(session, [part])
      const seen = seenByText(parts, part)
      return { part, data: data[0], seen, embedding: stats, close, index: { source, filter, effort } }
    },
  }

  /** Finds the index's ids of judged documents: by id, else by text. */
  async function locate(index: VectorIndex): Promise<ReadonlyMap<string, string>> {
    const idOf = new Map<string, string>()
    const take = ({ id }: { readonly id: string }) => wanted.has(id) && idOf.set(id, id)
    if (filter === undefined) for (const row of await index.fetch([...wanted])) take(row)
    else for await (const rows of index.scan({ filter })) rows.forEach(take)
    const unknown = new Map<string, string[]>()
    for (const [id, text] of sets.flatMap(({ corpus }) => [...corpus])) {
      if (wanted.has(id) && !idOf.has(id)) getOrInsert(unknown, foldText(text), () => []).push(id)
    }
    if (unknown.size === 0 || !index.hasTexts) return idOf
    for await (const rows of index.scan({ text: true, filter })) {
      for (const { id, text } of rows) {
        for (const label of (text && unknown.get(foldText(text))) || []) if (!idOf.has(label)) idOf.set(label, id)
      }
    }
    return idOf
  }

  /** Names the judged documents of a set as the index does, and leaves out those that it does not have. */
  function inIndex(set: QADataset): QADataset {
    const queries = new Map(set.queries)
    const qrels = new Map<string, Map<string, number>>()
    for (const [query, judged] of set.qrels) {
      const kept = new Map<string, number>()
      for (const [document, grade] of judged) {
        const id = found.idOf.get(document)
        if (id !== undefined) kept.set(id, Math.max(grade, kept.get(id) ?? 0))
        else if (grade > 0) lost.push(document)
      }
      if ([...kept.values()].some(grade => grade > 0)) qrels.set(query, kept)
      else queries.delete(query)
    }
    return { ...set, queries, corpus: new Map(), qrels }
  }

  function missingNote(): string {
    const documents = [...new Set(lost)]
    const shown = documents.slice(0, LISTED)
    const list = shown.map(name => JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name)).join(', ')
    const more = documents.length > LISTED ? ', …' : ''
    const passed = filter === undefined ? '' : ' among the rows that pass the filter'
    const queries = names.reduce((sum, name) => sum + given[name]!.queries.size - parts[name].queries.size, 0)
    const rest = queries > 0 ? `, and with them ${queries} queries that have no other` : ''
    return `${found.id}: ${documents.length} relevant documents are not in the index${passed} (${list}${more}): ${lost.length} labels are left out${rest}`
  }
}

/** Puts the queries of a set beside the documents of the index. */
function assemble(
  { qrels }: QADataset,
  embedded: EmbeddedDataset<Rows>,
  { ids, texts, vectors, groups }: IndexDocuments,
  rowOf: ReadonlyMap<string, number>,
): EmbeddedDataset<Rows> {
  const graded = embedded.queryIds.map(id =>
    [...(qrels.get(id) ?? [])].flatMap(([doc, grade]) => (rowOf.has(doc) ? [[rowOf.get(doc)!, grade] as const] : [])),
  )
  const judgedNegatives = graded.map(list => list.filter(([, grade]) => grade <= 0).map(([row]) => row))
  return withSelfMatches({
    ...embedded,
    docIds: ids,
    docs: vectors,
    positives: graded.map(list => new Map(list.filter(([, grade]) => grade > 0))),
    ...(judgedNegatives.some(rows => rows.length > 0) && { judgedNegatives }),
    docTextGroup: groups,
    docTexts: texts.some(text => text !== undefined) ? texts : undefined,
  })
}

/** A dataset of the documents of an index, with the labels of a set if there is one. */
export function datasetOf({ ids, texts }: TermDocuments, labels?: QADataset): QADataset {
  const corpus = new Map(ids.map((id, i) => [id, texts[i] ?? '']))
  return { name: 'index', queries: new Map(), qrels: new Map(), ...labels, corpus }
}

/** Names what makes the index's own ranking differ from cosine, or its vectors from the model's. */
async function traps(index: VectorIndex, ids: ReadonlySet<string>): Promise<string[]> {
  const { metric, storage } = index
  const sample = metric === 'cosine' ? [] : await index.fetch([...ids].slice(0, SAMPLE), { vectors: true })
  const isUnit = sample.every(({ vector }) => Math.abs(norm(vector!) - 1) < UNIT)
  const isRounded = storage !== 'float32' && storage !== 'float64'
  const ranking = `it ranks by ${metric}, and its vectors are not of unit length: it does not rank by cosine, as training and the exact figures do`
  const rounding = `vectors are stored as ${storage}, and used as they are stored`
  return [...(isUnit ? [] : [ranking]), ...(isRounded ? [rounding] : [])]
}
