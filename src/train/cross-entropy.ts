import type { Scratch } from '../adapters/kind.js'
import type { CrossEntropyOptions, Engine, SparseRows, Tensor } from '../engines/engine.js'
import type { TrainingBatch } from '../losses/batch-source.js'
import { matrix } from '../math/matrix.js'

/** Most scores held at once, 64 MiB as float32; a softmax over more columns is computed in blocks. */
export const MAX_SCORES = 16 * 1024 * 1024

export interface CrossEntropyTensors {
  /** [B, d] directions of the adapted queries. */
  readonly U: Tensor
  readonly D: Tensor
  /** [B, d] written: the gradient of U. */
  readonly dU: Tensor
  /** [B, 1] written. */
  readonly loss: Tensor
}

/**
 * Computes the softmax cross-entropy of queries against their documents, and its gradient by the queries' directions; exact for any
 * number of documents, in memory bounded by `maxScores`.
 */
export function crossEntropy(
  engine: Engine,
  { U, D, dU, loss }: CrossEntropyTensors,
  batch: Pick<TrainingBatch, 'targets' | 'masked' | 'offset'>,
  { scale, gradientScale }: Pick<CrossEntropyOptions, 'scale' | 'gradientScale'>,
  scratch: Scratch,
  maxScores = MAX_SCORES,
): void {
  const { targets, masked } = batch
  const offset = batch.offset && engine.upload(matrix(1, batch.offset.length, batch.offset))
  const options = { targets, masked, offset, scale, gradientScale }
  const [B, P] = [U.rows, D.rows]
  if (B * P <= maxScores) {
    const S = scratch('S', B, P)
    engine.gemm(U, D, S, { transposeB: true })
    engine.softmaxCrossEntropy(S, options, loss)
    engine.gemm(S, D, dU)
  } else {
    const width = Math.max(1, Math.floor(maxScores / B))
    const [top, sum] = [scratch('top', B, 1), scratch('sum', B, 1)]
    engine.fill(top, LOWEST)
    engine.fill(sum, 0)
    engine.fill(dU, 0)
    for (let start = 0; start < P; start += width) {
      const n = Math.min(width, P - start)
      const block = engine.view(D, start, n)
      const S = scratch('S', B, n)
      const part = batch.offset && engine.upload(matrix(1, n, batch.offset.slice(start, start + n)))
      engine.gemm(U, block, S, { transposeB: true })
      engine.onlineSoftmax(S, { masked: columnsWithin(masked, start, n), offset: part, scale }, top, sum, dU)
      engine.gemm(S, block, dU, { beta: 1 })
      if (part) engine.free(part)
    }
    engine.finishSoftmax(U, D, options, top, sum, dU, loss)
  }
  if (offset) engine.free(offset)
}

/** Initial value of a running maximum: below every logit, and finite in float32. */
const LOWEST = -3e38

/** Selects the entries of the columns `start` to `start + n`, counted from `start`. */
function columnsWithin(rows: SparseRows, start: number, n: number): SparseRows {
  const offsets = new Uint32Array(rows.offsets.length)
  const columns: number[] = []
  for (let i = 0; i + 1 < offsets.length; i++) {
    for (let e = rows.offsets[i]; e < rows.offsets[i + 1]; e++) {
      const column = rows.columns[e] - start
      if (column >= 0 && column < n) columns.push(column)
    }
    offsets[i + 1] = columns.length
  }
  return { offsets, columns: Uint32Array.from(columns) }
}
