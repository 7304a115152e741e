import type { QueryMap } from '../../src/adapters/kind.js'
import type { CandidateBatch } from '../../src/losses/candidates.js'
import { dot, type Matrix, norm, row } from '../../src/math/matrix.js'

/**
 * Mean over queries of -sum_t w_t log softmax(scale cos(f(q), d) + offset)_t, over the columns that are not masked: what a training
 * step minimises, written a second time in float64.
 */
export function meanLoss(
  batch: CandidateBatch,
  queries: Matrix,
  documents: Matrix,
  scale: number,
  f: QueryMap,
): number {
  const { queryRows, targets, masked, offset } = batch
  const columns = documentsOf(batch)
  let total = 0
  queryRows.forEach((queryRow, i) => {
    // Kinds compute in plain numbers, so that a float64 array, given for the float32 one, keeps all digits.
    const z = new Float64Array(queries.cols)
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
export const documentsOf = ({ pool = new Uint32Array(0), documentRows }: CandidateBatch): number[] => [
  ...pool,
  ...documentRows,
]
