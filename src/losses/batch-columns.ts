import { type EmbeddedDataset, ownDocumentOf } from '../embed/embedded-dataset.js'
import type { SparseRows } from '../engines/engine.js'
import { getOrInsert } from '../maps.js'
import { permutation, type Random } from '../math/random.js'
import type { Rows } from '../math/row-source.js'

/** Offset of the logit of a column that must not count. */
export const EXCLUDED = -1e4
/** A batch's own columns are padded to a multiple of this, so that the score matrix has few different shapes. */
const SLOT_STEP = 64

/** Number of columns with room for the own documents of every batch of an epoch. */
export function slotsFor(batches: readonly ArrayLike<number>[]): number {
  const most = batches.reduce((max, { length }) => Math.max(max, length), 0)
  return Math.ceil(most / SLOT_STEP) * SLOT_STEP
}

/** Collects the documents that are positives of some queries. */
export function documentsOf(data: EmbeddedDataset<Rows>, queries: Iterable<number>): Set<number> {
  return new Set([...queries].flatMap(query => [...data.positives[query].keys()]))
}

/** Text group -> its rows, ascending, for texts of several rows. */
export type Copies = ReadonlyMap<number, readonly number[]>

/** @param rows of documents, ascending */
export function copiesAmong(data: EmbeddedDataset<Rows>, rows: Iterable<number>): Copies {
  const copies = new Map<number, number[]>()
  for (const row of rows) getOrInsert(copies, data.docTextGroup[row], () => []).push(row)
  for (const [text, same] of copies) if (same.length === 1) copies.delete(text)
  return copies
}

/** Counts the examples and batches of an epoch; examples without weights count 1 each. */
export function epochSize({ weights }: EmbeddedDataset<Rows>, queries: Uint32Array, batchSize: number) {
  return {
    examples: queries.length,
    weight: weights && queries.reduce((sum, query) => sum + weights[query], 0),
    steps: Math.ceil(queries.length / batchSize),
  }
}

/** Cuts rows in random order into batches. */
export function shuffledBatches(rows: Uint32Array, batchSize: number, random: Random): Uint32Array[] {
  const order = permutation(rows.length, random).map(i => rows[i])
  const batches: Uint32Array[] = []
  for (let start = 0; start < order.length; start += batchSize) batches.push(order.subarray(start, start + batchSize))
  return batches
}

/** Lists each query's targets: its positives by their share of its grades, times the query's weight. */
export function targetRows(
  data: EmbeddedDataset<Rows>,
  queryRows: Uint32Array,
  columnOf: ReadonlyMap<number, number>,
): SparseRows {
  const offsets = new Uint32Array(queryRows.length + 1)
  const columns: number[] = []
  const values: number[] = []
  queryRows.forEach((query, i) => {
    const positives = data.positives[query]
    const weight = data.weights?.[query] ?? 1
    let total = 0
    for (const grade of positives.values()) total += grade
    for (const [document, grade] of positives) {
      columns.push(columnOf.get(document)!)
      values.push((weight * grade) / total)
    }
    offsets[i + 1] = columns.length
  })
  return { offsets, columns: Uint32Array.from(columns), values: Float32Array.from(values) }
}

/** Lists each query's columns that hold a copy of a positive under another id, or the query itself, each once. */
export function maskedRows(
  data: EmbeddedDataset<Rows>,
  queryRows: Uint32Array,
  columnOf: (row: number) => number | undefined,
  copies: Copies,
): SparseRows {
  const offsets = new Uint32Array(queryRows.length + 1)
  const columns: number[] = []
  const ownDocument = ownDocumentOf(data)
  if (copies.size > 0 || data.selfMatches) {
    queryRows.forEach((query, i) => {
      const positives = data.positives[query]
      const texts = new Set(Array.from(positives.keys(), document => data.docTextGroup[document]))
      for (const text of texts) {
        for (const row of copies.get(text) ?? []) {
          const column = positives.has(row) ? undefined : columnOf(row)
          if (column !== undefined) columns.push(column)
        }
      }
      // A query may itself be a copy of a positive.
      const own = ownDocument(query)
      const ownColumn = own === undefined ? undefined : columnOf(own)
      if (ownColumn !== undefined && !columns.includes(ownColumn, offsets[i])) columns.push(ownColumn)
      offsets[i + 1] = columns.length
    })
  }
  return { offsets, columns: Uint32Array.from(columns) }
}
