import type { Weights } from '../../adapters/kind.js'
import { linear } from '../../adapters/linear.js'
import { type EmbeddedDataset, ownDocumentOf } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { parseMetric } from '../../evaluate/metrics.js'
import { scoreRanking } from '../../evaluate/positive-ranks.js'
import { tieRankOf } from '../../evaluate/top-k.js'
import { type Matrix, matrix, normalizedRows, takeRows } from '../../math/matrix.js'
import { truncateRows } from '../../math/row-source.js'
import { createBuffers } from '../on-engine.js'

/** What is mixed into the adapted query: alpha times a row of a direction. */
export type Mix = { readonly direction: number; readonly alpha: number }

/** Queries, and the linear map that has not seen them; without weights the identity. */
export type MixedFit = { readonly inside: Uint32Array; readonly weights?: Weights }

const MAX_SCORES = 4 * 1024 * 1024

/**
 * Measures every query with every mix.
 *
 * The score of a document is linear in the query, so one product for the adapted queries and one per direction serve all mixes.
 * @param directions [n, dimensions of documents] each, rows of length 1 or 0
 * @returns the metric of every query, per mix
 */
export async function scoreMixes(
  engine: Engine,
  data: EmbeddedDataset,
  fits: readonly MixedFit[],
  directions: readonly Matrix[],
  mixes: readonly Mix[],
  metricSpec: string,
): Promise<Float64Array[]> {
  const spec = parseMetric(metricSpec)
  const scores = mixes.map(() => new Float64Array(data.queries.rows))
  const tieRank = tieRankOf(data.docIds)
  const ownDocument = ownDocumentOf(data)
  const units = engine.upload(normalizedRows(data.docs))
  const m = units.rows
  const sum = new Float32Array(m)
  const size = Math.max(1, Math.floor(MAX_SCORES / m))
  const product = async (vectors: Matrix): Promise<Float32Array> => {
    const [X, S] = [engine.upload(vectors), engine.alloc(vectors.rows, m)]
    try {
      engine.gemm(X, units, S, { transposeB: true })
      return await engine.read(S)
    } finally {
      for (const t of [X, S]) engine.free(t)
    }
  }
  try {
    for (const { inside, weights } of fits) {
      for (let start = 0; start < inside.length; start += size) {
        const rows = inside.subarray(start, start + size)
        const plain = await product(await adapted(engine, takeRows(data.queries, rows), weights, units.cols))
        const mixed: Float32Array[] = []
        for (const direction of directions) mixed.push(await product(takeRows(direction, rows)))
        rows.forEach((query, i) => {
          const positives = data.positives[query]
          const own = ownDocument(query)
          mixes.forEach(({ direction, alpha }, s) => {
            const other = mixed[direction]
            for (let j = 0, at = i * m; j < m; j++, at++) sum[j] = plain[at] + alpha * other[at]
            if (own !== undefined) sum[own] = Number.NEGATIVE_INFINITY
            scores[s][query] = scoreRanking(sum, positives, tieRank, spec)
          })
        })
      }
    }
  } finally {
    engine.free(units)
  }
  return scores
}

async function adapted(engine: Engine, queries: Matrix, weights: Weights | undefined, cols: number): Promise<Matrix> {
  if (!weights) return normalizedRows(truncateRows(queries, cols))
  const { scratch, free } = createBuffers(engine)
  const tensors = [queries, weights.W, weights.b].map(t => engine.upload(t))
  const [X, W, b] = tensors
  try {
    const Z = scratch('Z', X.rows, cols)
    linear.forward(engine, { W, b }, X, Z, scratch)
    engine.normalizeRows(Z, Z, scratch('lengths', X.rows, 1))
    return matrix(X.rows, cols, await engine.read(Z))
  } finally {
    free()
    for (const t of tensors) engine.free(t)
  }
}
