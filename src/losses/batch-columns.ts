import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { SparseRows } from '../engines/engine.js'
import type { Rows } from '../math/row-source.js'

/** Added to the logit of a column that must not count. */
export const EXCLUDED = -1e4

/** A batch's own columns are filled up to a multiple of this, so that few different shapes of the score matrix occur. */
const SLOT_STEP = 64

/** Columns that have room for the own documents of every batch of an epoch. */
export function slotsFor(batches: readonly ArrayLike<number>[]): number {
  const most = batches.reduce((max, { length }) => Math.max(max, length), 0)
  return Math.ceil(most / SLOT_STEP) * SLOT_STEP
}

/** Text -> rows with that text, ascending; of texts that several rows have. */
export type Copies = ReadonlyMap<number, readonly number[]>

/** @param rows of documents, ascending */
export function copiesAmong(data: EmbeddedDataset<Rows>, rows: Iterable<number>): Copies {
  const copies = new Map<number, number[]>()
  for (const row of rows) {
    const text = data.docTextGroup[row]
    const same = copies.get(text)
    if (same) same.push(row)
    else copies.set(text, [row])
  }
  for (const [text, same] of copies) if (same.length === 1) copies.delete(text)
  return copies
}

/** Sum of the weights of the given queries; undefined where each counts 1. */
export function totalWeight({ weights }: EmbeddedDataset<Rows>, queries: Uint32Array): number | undefined {
  return weights && queries.reduce((sum, query) => sum + weights[query], 0)
}

/** Each query's target: its positives, by their share of its grades, times the query's weight. */
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

/** Columns that hold a copy of a positive under another id. */
export function maskedRows(
  data: EmbeddedDataset<Rows>,
  queryRows: Uint32Array,
  columnOf: (row: number) => number | undefined,
  copies: Copies,
): SparseRows {
  const offsets = new Uint32Array(queryRows.length + 1)
  const columns: number[] = []
  if (copies.size > 0) {
    queryRows.forEach((query, i) => {
      const positives = data.positives[query]
      const texts = new Set(Array.from(positives.keys(), document => data.docTextGroup[document]))
      for (const text of texts) {
        for (const row of copies.get(text) ?? []) {
          const column = positives.has(row) ? undefined : columnOf(row)
          if (column !== undefined) columns.push(column)
        }
      }
      offsets[i + 1] = columns.length
    })
  }
  return { offsets, columns: Uint32Array.from(columns) }
}
