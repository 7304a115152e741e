import type { Weights } from '../../adapters/kind.js'
import { linear } from '../../adapters/linear.js'
import { encodeGate, type MemoryGate, memoryWeight } from '../../adapters/linear-memory.js'
import { type EmbeddedDataset, labelledRows, ownDocumentOf } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { parseMetric } from '../../evaluate/metrics.js'
import { scoreRanking } from '../../evaluate/positive-ranks.js'
import { tieRankOf } from '../../evaluate/top-k.js'
import { getOrInsert } from '../../maps.js'
import { type Matrix, matrix, normalizedRows, row, takeRows } from '../../math/matrix.js'
import { createRandom, sampleRows } from '../../math/random.js'
import { gatherRows, normalizedSource, type Rows, rowRange, rowSource, selectedRows } from '../../math/row-source.js'
import { mean, populationStandardDeviation } from '../../math/statistics/moments.js'
import { groupRows } from '../../vectors/row-groups.js'
import { createBuffers } from '../on-engine.js'
import { identityWeights } from '../parameters.js'
import type { CrossValidation } from '../tune/fold-runner.js'

/** Scale of the softmax over remembered queries. */
export const MEMORY_KAPPA = 40
/** Most numbers in the keys of a memory: with more, an adapter file in JSON would exceed the longest string. */
const MOST_NUMBERS = 4e7
/** Most remembered queries for the gate's statistics; each is compared with all others. */
const STATISTICS_QUERIES = 2000
const MAX_COSINES = 8 * 1024 * 1024

/** Training queries and the documents they asked for. */
export interface Memory {
  /** [n, d] distinct queries of unit length. */
  readonly keys: Matrix
  /** [n, dimensions of documents] mean of the relevant documents' directions, weighted by grade. */
  readonly values: Matrix
  /** Mean and standard deviation of the cosine of a key to the nearest other one. */
  readonly mu: number
  readonly sigma: number
  /** Number of distinct training queries, remembered or not. */
  readonly distinct: number
  /** Key of every query of the dataset; -1 if it is not remembered. */
  readonly keyOf: Int32Array
}

/** Remembers labelled queries by distinct vector, a seeded sample above `most`; undefined if fewer than two. */
export async function rememberQueries(
  engine: Engine,
  data: Pick<EmbeddedDataset<Rows>, 'queries' | 'docs' | 'positives'>,
  { most, seed }: { readonly most: number; readonly seed: number },
): Promise<Memory | undefined> {
  const { queries, docs, positives } = data
  const labelled = labelledRows(data)
  // By unit vector: one key per direction, of which the first query is the lowest.
  const groups = groupRows(selectedRows(normalizedSource(rowSource(queries)), labelled))
  const first = new Map<number, number>()
  for (const [i, group] of groups.entries()) getOrInsert(first, group, () => labelled[i])
  const distinct = first.size
  if (distinct < 2) return undefined
  const room = Math.min(most, Math.max(2, Math.floor(MOST_NUMBERS / queries.cols)))
  const kept = sampleRows(rowRange(0, distinct), room, createRandom(seed))
  const keyOfGroup = new Int32Array(distinct).fill(-1)
  for (const [key, group] of kept.entries()) keyOfGroup[group] = key
  const keyOf = new Int32Array(queries.rows).fill(-1)
  for (const [i, group] of groups.entries()) keyOf[labelled[i]] = keyOfGroup[group]
  const chosen = kept.map(group => first.get(group)!)
  const keys = gatherRows(normalizedSource(rowSource(queries)), chosen)
  const values = meanPositives(docs, mergePositives(positives, keyOf, kept.length))
  return { keys, values, ...(await nearestOther(engine, keys, seed)), distinct, keyOf }
}

/** Joins a linear map and a memory to the weights of `linear-memory`. */
export function memoryWeights(
  { W, b }: Weights,
  { keys, values, mu, sigma }: Memory,
  { beta, z0 }: Pick<MemoryGate, 'beta' | 'z0'>,
): Weights {
  return { W, b, keys, values, gate: encodeGate({ beta, kappa: MEMORY_KAPPA, z0, mu, sigma }) }
}

/** Lists each key's documents with the highest grade that one of its queries gives them. */
function mergePositives(positives: EmbeddedDataset['positives'], keyOf: Int32Array, count: number) {
  const merged = Array.from({ length: count }, () => new Map<number, number>())
  keyOf.forEach((key, i) => {
    if (key < 0) return
    for (const [document, grade] of positives[i]) {
      merged[key].set(document, Math.max(grade, merged[key].get(document) ?? 0))
    }
  })
  return merged
}

function meanPositives(docs: Rows, positives: readonly ReadonlyMap<number, number>[]): Matrix {
  const source = normalizedSource(rowSource(docs))
  const out = matrix(positives.length, docs.cols)
  positives.forEach((grades, i) => {
    const units = gatherRows(source, [...grades.keys()]).data
    const weights = [...grades.values()]
    const total = weights.reduce((a, b) => a + b, 0)
    const sums = new Float64Array(docs.cols)
    for (const [p, grade] of weights.entries()) {
      for (let j = 0; j < docs.cols; j++) sums[j] += (grade / total) * units[p * docs.cols + j]
    }
    row(out, i).set(sums)
  })
  return out
}

/** Computes the mean and deviation of a key's cosine to the nearest other one, over all keys or a seeded sample. */
async function nearestOther(engine: Engine, keys: Matrix, seed: number): Promise<{ mu: number; sigma: number }> {
  const n = keys.rows
  const sample = sampleRows(rowRange(0, n), STATISTICS_QUERIES, createRandom(seed))
  const nearest = new Float64Array(sample.length)
  const K = engine.upload(keys)
  const size = Math.max(1, Math.min(sample.length, Math.floor(MAX_COSINES / n)))
  const S = engine.alloc(size, n)
  try {
    for (let start = 0; start < sample.length; start += size) {
      const part = sample.subarray(start, start + size)
      const X = engine.upload(takeRows(keys, part))
      const out = part.length === size ? S : engine.view(S, 0, part.length)
      engine.gemm(X, K, out, { transposeB: true })
      const cosines = await engine.read(out)
      engine.free(X)
      part.forEach((self, i) => {
        let s = Number.NEGATIVE_INFINITY
        for (let j = 0; j < n; j++) if (j !== self) s = Math.max(s, cosines[i * n + j])
        nearest[start + i] = s
      })
    }
  } finally {
    for (const t of [K, S]) engine.free(t)
  }
  return { mu: mean(nearest), sigma: populationStandardDeviation(nearest) }
}

/** Weight of a memory, and the similarity from which it counts. */
export type MemorySetting = Pick<MemoryGate, 'beta' | 'z0'>

export interface MemoryScoresOptions {
  readonly metric: string
  /** Keys hidden from every query: at least its own. */
  readonly hidden: readonly Uint32Array[]
  /** True if the memory is put on the unadapted query instead of the adapted one. */
  readonly onIdentity?: boolean
}

/** Metric of every query without a memory, and with each setting. */
export type MemoryScores = { readonly without: Float64Array; readonly withMemory: readonly Float64Array[] }

/** Logarithm of a weight, relative to the largest, below which it counts as 0. */
const NEGLIGIBLE = -25
const MAX_SCORES = 4 * 1024 * 1024

/**
 * Scores the queries of each fold with the fold's linear map, with and without a memory.
 *
 * A document's score is linear in the adapted query, so two products serve all settings: documents against the linear part, and
 * against what is recalled.
 */
export async function memoryScores(
  engine: Engine,
  data: EmbeddedDataset,
  fits: CrossValidation['fits'],
  memory: Memory,
  settings: readonly MemorySetting[],
  { hidden, onIdentity = false, ...options }: MemoryScoresOptions,
): Promise<MemoryScores> {
  const metric = parseMetric(options.metric)
  const n = data.queries.rows
  const without = new Float64Array(n)
  const withMemory = settings.map(() => new Float64Array(n))
  const tieRank = tieRankOf(data.docIds)
  const ownDocument = ownDocumentOf(data)
  const unadapted = onIdentity ? identityWeights(linear, data.queries.cols, undefined, data.docs.cols) : undefined
  const held = [normalizedRows(data.docs), memory.keys, memory.values].map(m => engine.upload(m))
  const [units, keys, values] = held
  const m = units.rows
  try {
    for (const { inside, weights } of fits) {
      const size = Math.max(1, Math.floor(MAX_SCORES / Math.max(m, keys.rows)))
      for (let start = 0; start < inside.length; start += size) {
        const rows = inside.subarray(start, start + size)
        const { plain, recalled, nearest } = await scorePart(rows, unadapted ?? weights)
        rows.forEach((query, i) => {
          const [a, b] = [plain, recalled].map(scores => scores.subarray(i * m, (i + 1) * m))
          const sum = new Float32Array(m)
          const own = ownDocument(query)
          const measure = (factor: number): number => {
            for (let j = 0; j < m; j++) sum[j] = a[j] + factor * b[j]
            if (own !== undefined) sum[own] = Number.NEGATIVE_INFINITY
            return scoreRanking(sum, data.positives[query], tieRank, metric)
          }
          without[query] = measure(0)
          for (const [s, setting] of settings.entries())
            withMemory[s][query] = measure(memoryWeight({ ...memory, ...setting }, nearest[i]))
        })
      }
    }
  } finally {
    for (const t of held) engine.free(t)
  }
  return { without, withMemory }

  /** Scores documents against the normalised linear part and against what is recalled; with the cosine to the nearest key. */
  async function scorePart(rows: Uint32Array, { W, b }: Weights) {
    const B = rows.length
    const { scratch, upload, free } = createBuffers(engine)
    try {
      const X = upload(takeRows(data.queries, rows))
      const [Z, U] = [scratch('Z', B, units.cols), scratch('U', B, X.cols)]
      const [S, lengths] = [scratch('scores', B, m), scratch('lengths', B, 1)]
      linear.forward(engine, { W: upload(W), b: upload(b) }, X, Z, scratch)
      engine.normalizeRows(Z, Z, lengths)
      engine.gemm(Z, units, S, { transposeB: true })
      const plain = await engine.read(S)

      const cosines = scratch('cosines', B, keys.rows)
      engine.normalizeRows(X, U, lengths)
      engine.gemm(U, keys, cosines, { transposeB: true })
      const P = await engine.read(cosines)
      const hiddenHere = Array.from(rows, i => hidden[i])
      const nearest = softmaxRows(P, keys.rows, hiddenHere)
      engine.gemm(upload(matrix(B, keys.rows, P)), values, Z)
      engine.gemm(Z, units, S, { transposeB: true })
      return { plain, recalled: await engine.read(S), nearest }
    } finally {
      free()
    }
  }
}

/** Turns cosines into a softmax, row by row, in place. Hidden keys count as 0. Returns the largest cosine of each row. */
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
