import type { QueryMap } from '../../src/adapters/kind.js'
import type { TrainingBatch } from '../../src/losses/batch-source.js'
import { dot, type Matrix, norm, row } from '../../src/math/matrix.js'

/**
 * Mean over queries of -sum_t w_t log softmax(scale cos(f(q), d) + offset)_t, over the columns that are not masked: what a training
 * step minimises, written a second time in float64.
 */
export function meanLoss(batch: TrainingBatch, queries: Matrix, documents: Matrix, scale: number, f: QueryMap): number {
  const { queryRows, targets, masked, offset } = batch
  const columns = documentsOf(batch)
  let total = 0
  queryRows.forEach((queryRow, i) => {
    // Kinds compute in plain numbers, so that a float64 array, given for the float32 one, keeps all digits.
    const z = new Float64Array(documents.cols)
    f(row(queries, queryRow), z as unknown as Float32Array)
    const logits = columns.map((r, j) => (scale * dot(z, row(documents, r))) / norm(z) + (offset?.[j] ?? 0))
    const leftOut = new Set(masked.columns.slice(masked.offsets[i], masked.offsets[i + 1]))
    const logSum = Math.log(logits.reduce((sum, l, j) => (leftOut.has(j) ? sum : sum + Math.exp(l)), 0))
    for (let e = targets.offsets[i]; e < targets.offsets[i + 1]; e++) {
      total += (targets.values?.[e] ?? 1) * (logSum - logits[targets.columns[e]])
    }
  })
  return total / queryRows.length
}

/** Document row of every column of the score matrix. */
export const documentsOf = ({ pool = new Uint32Array(0), documentRows }: TrainingBatch): number[] => [...pool, ...documentRows]

/** Query row -> document row -> weight of the target. */
export function targetsOf(batch: TrainingBatch): Map<number, Map<number, number>> {
  const [documents, { offsets, columns, values }] = [documentsOf(batch), batch.targets]
  return new Map(
    Array.from(batch.queryRows, (query, i) => {
      const entries = Array.from(columns.slice(offsets[i], offsets[i + 1]), (column, e): [number, number] => [
        documents[column],
        values?.[offsets[i] + e] ?? 1,
      ])
      return [query, new Map(entries)]
    }),
  )
}

/** Query row -> document rows that are left out, in ascending order. */
export function maskedOf(batch: TrainingBatch): Map<number, number[]> {
  const [documents, { offsets, columns }] = [documentsOf(batch), batch.masked]
  const masked = (i: number) => Array.from(columns.slice(offsets[i], offsets[i + 1]), column => documents[column])
  return new Map(Array.from(batch.queryRows, (query, i) => [query, masked(i).sort((a, b) => a - b)]))
}

/** True if an offset takes a column out of the softmax, whatever its cosine and the scale. */
export const isExcluded = (offset: number | undefined): boolean => offset !== undefined && offset < -1000
