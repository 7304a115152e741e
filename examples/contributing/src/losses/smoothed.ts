import type { SparseRows } from '../engines/engine.js'
import type { Negatives, TrainingBatch } from './batch-source.js'
import { inBatch } from './in-batch.js'

/** Share of a query's weight that is spread over all of its candidates. */
const SMOOTHING = 0.1

/**
 * In-batch negatives with label smoothing: of a query's weight w, (1 - e) w stays on its positive and e w is spread evenly over all
 * of the batch's documents that count for it, so that no score is pushed without end.
 *
 * @see https://arxiv.org/abs/1512.00567 (Szegedy et al., section 7)
 */
export const smoothed: Negatives = {
  name: 'smoothed',
  description: 'the documents of the other pairs in the batch, with label smoothing',
  create(data, options) {
    const source = inBatch.create(data, options)
    return {
      ...source,
      *epoch(random) {
        for (const batch of source.epoch(random)) yield { ...batch, targets: smooth(batch) }
      },
    }
  },
}

/** Every column of a query that is not masked; in-batch, query i's positive is column i. */
function smooth({ queryRows, documentRows, targets, masked }: TrainingBatch): SparseRows {
  const offsets = new Uint32Array(queryRows.length + 1)
  const columns: number[] = []
  const values: number[] = []
  for (let i = 0; i < queryRows.length; i++) {
    const weight = targets.values?.[i] ?? 1
    const leftOut = new Set(masked.columns.subarray(masked.offsets[i], masked.offsets[i + 1]))
    const share = SMOOTHING / (documentRows.length - leftOut.size)
    for (let column = 0; column < documentRows.length; column++) {
      if (leftOut.has(column)) continue
      columns.push(column)
      values.push(weight * (share + (column === i ? 1 - SMOOTHING : 0)))
    }
    offsets[i + 1] = columns.length
  }
  return { offsets, columns: Uint32Array.from(columns), values: Float32Array.from(values) }
}
