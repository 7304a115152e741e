import type { Weights } from '../../adapters/kind.js'
import { linear } from '../../adapters/linear.js'
import { type MemoryGate, memoryWeight } from '../../adapters/linear-memory.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Engine, Tensor } from '../../engines/engine.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import { rankOf } from '../../evaluate/positive-ranks.js'
import { rankingFromRanks } from '../../evaluate/ranking-from-ranks.js'
import { tieRankOf } from '../../evaluate/top-k.js'
import { type Matrix, matrix, normalizedRows, takeRows } from '../../math/matrix.js'
import { createBuffers } from '../buffers.js'
import { identityWeights } from '../parameters.js'
import type { CrossValidation } from '../tune/cross-validate.js'
import { MEMORY_KAPPA, type Memory } from './memory.js'

/** How much a memory counts, and from which similarity on. */
export type MemorySetting = Pick<MemoryGate, 'beta' | 'z0'>

export interface MemoryScoresOptions {
  readonly metric: string
  /** For every query the keys of the memory that it must not see: its own at least. */
  readonly hidden: readonly Uint32Array[]
  /** Whether the memory is put on the unadapted query instead of the adapted one. */
  readonly onIdentity?: boolean
}

/** The metric of every query of the data set: without a memory, and with each setting of one. */
export interface MemoryScores {
  readonly without: Float64Array
  /** In the order of the settings. */
  readonly withMemory: readonly Float64Array[]
}

/** Logarithm of a weight, relative to the largest, that changes nothing. */
const NEGLIGIBLE = -25
/** Scores that are brought back from the engine at once. */
const MAX_SCORES = 4 * 1024 * 1024

/**
 * Scores the queries of each fold with the fold's linear map, with and without a memory.
 *
 * The score of a document is linear in the adapted query, so that two products serve all settings: documents against the linear
 * part, and against what is recalled.
 */
export async function memoryScores(
  engine: Engine,
  data: EmbeddedDataset,
  fits: CrossValidation['fits'],
  memory: Memory,
  settings: readonly MemorySetting[],
  { hidden, onIdentity = false, ...options }: MemoryScoresOptions,
): Promise<MemoryScores> {
  const { metric, k } = parseMetric(options.metric)
  const n = data.queries.rows
  const without = new Float64Array(n)
  const withMemory = settings.map(() => new Float64Array(n))
  const tieRank = tieRankOf(data.docIds)
  const unadapted = onIdentity ? identityWeights(linear, data.queries.cols, undefined, data.docs.cols) : undefined
  const held = [normalizedRows(data.docs), memory.keys, memory.values].map(m => engine.upload(m))
  const [units, keys, values] = held
  const m = units.rows
  try {
    for (const { inside, weights } of fits) {
      const size = Math.max(1, Math.floor(MAX_SCORES / Math.max(m, keys.rows)))
      for (let start = 0; start < inside.length; start += size) {
        const rows = inside.subarray(start, start + size)
        const part: Part = {
          ...{ units, keys, values, queries: takeRows(data.queries, rows) },
          ...{ weights: unadapted ?? weights, hidden: Array.from(rows, i => hidden[i]) },
        }
        const { plain, recalled, nearest } = await scorePart(engine, part)
        rows.forEach((query, i) => {
          const [a, b] = [plain, recalled].map(scores => scores.subarray(i * m, (i + 1) * m))
          const sum = new Float32Array(m)
          const measure = (factor: number): number => {
            for (let j = 0; j < m; j++) sum[j] = a[j] + factor * b[j]
            const positives = data.positives[query]
            const ranks = Uint32Array.from(positives.keys(), document => rankOf(sum, document, tieRank))
            return metric.score(rankingFromRanks(ranks, positives, k), k)
          }
          without[query] = measure(0)
          settings.forEach((setting, s) => {
            withMemory[s][query] = measure(memoryWeight({ ...memory, ...setting }, nearest[i]))
          })
        })
      }
    }
  } finally {
    for (const t of held) engine.free(t)
  }
  return { without, withMemory }
}

interface Part {
  readonly queries: Matrix
  readonly weights: Weights
  readonly hidden: readonly Uint32Array[]
  readonly units: Tensor
  readonly keys: Tensor
  readonly values: Tensor
}

/** Documents against the linear part of length 1, and against what is recalled; and the cosine to the nearest remembered query. */
async function scorePart(engine: Engine, { queries, weights, hidden, units, keys, values }: Part) {
  const B = queries.rows
  const { scratch, free } = createBuffers(engine)
  const held: Tensor[] = []
  const upload: Engine['upload'] = m => {
    const t = engine.upload(m)
    held.push(t)
    return t
  }
  try {
    const X = upload(queries)
    const [Z, U] = [scratch('Z', B, units.cols), scratch('U', B, X.cols)]
    const [S, lengths] = [scratch('scores', B, units.rows), scratch('lengths', B, 1)]
    linear.forward(engine, { W: upload(weights.W), b: upload(weights.b) }, X, Z, scratch)
    engine.normalizeRows(Z, Z, lengths)
    engine.gemm(Z, units, S, { transposeB: true })
    const plain = await engine.read(S)

    const cosines = scratch('cosines', B, keys.rows)
    engine.normalizeRows(X, U, lengths)
    engine.gemm(U, keys, cosines, { transposeB: true })
    const P = await engine.read(cosines)
    const nearest = softmaxRows(P, keys.rows, hidden)
    engine.gemm(upload(matrix(B, keys.rows, P)), values, Z)
    engine.gemm(Z, units, S, { transposeB: true })
    return { plain, recalled: await engine.read(S), nearest }
  } finally {
    free()
    for (const t of held) engine.free(t)
  }
}

/**
 * Turns cosines into a softmax, row by row, in place; hidden ones count nothing, and a row without any other becomes 0.
 * @returns the largest cosine of each row
 */
function softmaxRows(P: Float32Array, cols: number, hidden: readonly Uint32Array[]): Float64Array {
  const nearest = new Float64Array(hidden.length)
  for (let i = 0; i < hidden.length; i++) {
    const row = P.subarray(i * cols, (i + 1) * cols)
    for (const key of hidden[i]) row[key] = Number.NEGATIVE_INFINITY
    let top = Number.NEGATIVE_INFINITY
    for (let j = 0; j < cols; j++) top = Math.max(top, row[j])
    nearest[i] = top
    if (top === Number.NEGATIVE_INFINITY) {
      row.fill(0)
      continue
    }
    let sum = 0
    for (let j = 0; j < cols; j++) {
      const logit = MEMORY_KAPPA * (row[j] - top)
      row[j] = logit < NEGLIGIBLE ? 0 : Math.exp(logit)
      sum += row[j]
    }
    for (let j = 0; j < cols; j++) row[j] /= sum
  }
  return nearest
}
