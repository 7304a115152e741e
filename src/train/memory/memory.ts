import { createHash } from 'node:crypto'
import type { Weights } from '../../adapters/kind.js'
import { encodeGate, type MemoryGate } from '../../adapters/linear-memory.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { type Matrix, matrix, normalizeInPlace, row, takeRows } from '../../math/matrix.js'
import { createRandom, permutation } from '../../math/random.js'
import { blocksOf, gatherRows, normalizedSource, type Rows, rowSource } from '../../math/row-source.js'
import { mean, populationStandardDeviation } from '../../math/statistics/moments.js'

/** Inverse temperature of the softmax over remembered queries. */
export const MEMORY_KAPPA = 40

/** Numbers in the keys of a memory at most: beyond, an adapter file in JSON would be longer than a string can be. */
const MOST_NUMBERS = 4e7
/** Remembered queries on which the gate's statistics are taken, at most; each is compared with all others. */
const STATISTICS_QUERIES = 2000
/** Cosines that are brought back from the engine at once. */
const MAX_COSINES = 8 * 1024 * 1024

/** Training queries and what they asked for. */
export interface Memory {
  /** [n, d] distinct queries of length 1. */
  readonly keys: Matrix
  /** [n, dimensions of documents] mean of the documents, of length 1 each, that are relevant to the query, weighted by their grades. */
  readonly values: Matrix
  /** Mean and deviation of the cosine of a key to the nearest other one. */
  readonly mu: number
  readonly sigma: number
  /** Distinct training queries; more than there are keys where not all are remembered. */
  readonly distinct: number
  /** The key of every query of the data set; -1 where it is not remembered. */
  readonly keyOf: Int32Array
}

export interface RememberOptions {
  /** Queries that are remembered at most. */
  readonly most: number
  readonly seed: number
}

/**
 * Remembers the queries that have a relevant document. Queries with the same vector are one; of more than `most` a seeded sample
 * is taken.
 * @returns undefined where there are fewer than two distinct queries
 */
export async function rememberQueries(
  engine: Engine,
  data: Pick<EmbeddedDataset<Rows>, 'queries' | 'docs' | 'positives'>,
  { most, seed }: RememberOptions,
): Promise<Memory | undefined> {
  const { queries, docs, positives } = data
  const { first, group } = distinctQueries(queries, positives)
  const distinct = first.length
  if (distinct < 2) return undefined
  const room = Math.min(most, Math.max(2, Math.floor(MOST_NUMBERS / queries.cols)))
  const kept =
    distinct <= room
      ? Uint32Array.from(first.keys())
      : permutation(distinct, createRandom(seed)).subarray(0, room).sort()
  const keyOfGroup = new Int32Array(distinct).fill(-1)
  kept.forEach((g, key) => {
    keyOfGroup[g] = key
  })
  const keyOf = group.map(g => (g < 0 ? -1 : keyOfGroup[g]))
  const keys = gatherRows(
    queries,
    kept.map(g => first[g]),
  )
  for (let i = 0; i < keys.rows; i++) normalizeInPlace(row(keys, i))
  const values = meanPositives(docs, mergePositives(positives, keyOf, kept.length))
  return { keys, values, ...(await nearestOther(engine, keys, seed)), distinct, keyOf }
}

/** The weights of a linear map with a memory. */
export function memoryWeights(
  { W, b }: Weights,
  { keys, values, mu, sigma }: Memory,
  { beta, z0 }: Pick<MemoryGate, 'beta' | 'z0'>,
): Weights {
  return { W, b, keys, values, gate: encodeGate({ beta, kappa: MEMORY_KAPPA, z0, mu, sigma }) }
}

/** Rows of the first query of each distinct vector, among those with a positive, and the number of every query's vector. */
function distinctQueries(
  queries: Rows,
  positives: EmbeddedDataset['positives'],
): { first: number[]; group: Int32Array } {
  const known = new Map<string, number>()
  const first: number[] = []
  const group = new Int32Array(queries.rows).fill(-1)
  for (const { start, block } of blocksOf(queries)) {
    for (let i = 0; i < block.rows; i++) {
      if (positives[start + i].size === 0) continue
      // The unit vector, so that one and the same direction is one key.
      const unit = normalizeInPlace(row(block, i).slice())
      const hash = createHash('sha256').update(new Uint8Array(unit.buffer)).digest('base64')
      let number = known.get(hash)
      if (number === undefined) {
        number = first.push(start + i) - 1
        known.set(hash, number)
      }
      group[start + i] = number
    }
  }
  return { first, group }
}

/** Each key's documents with the highest grade that one of its queries gives them. */
function mergePositives(
  positives: EmbeddedDataset['positives'],
  keyOf: Int32Array,
  count: number,
): Map<number, number>[] {
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
    const rows = Uint32Array.from(grades.keys())
    const units = new Float32Array(rows.length * docs.cols)
    source.gather(rows, units)
    const total = [...grades.values()].reduce((a, b) => a + b, 0)
    const sums = new Float64Array(docs.cols)
    ;[...grades.values()].forEach((grade, p) => {
      for (let j = 0; j < docs.cols; j++) sums[j] += (grade / total) * units[p * docs.cols + j]
    })
    row(out, i).set(sums)
  })
  return out
}

/** Mean and deviation of the cosine of a key to the nearest other one, over all keys or a seeded sample. */
async function nearestOther(engine: Engine, keys: Matrix, seed: number): Promise<{ mu: number; sigma: number }> {
  const { rows: n, cols: d } = keys
  const sample =
    n <= STATISTICS_QUERIES
      ? Uint32Array.from({ length: n }, (_, i) => i)
      : permutation(n, createRandom(seed)).subarray(0, STATISTICS_QUERIES).sort()
  const nearest = new Float64Array(sample.length)
  const K = engine.upload(keys)
  const size = Math.max(1, Math.min(sample.length, Math.floor(MAX_COSINES / n)))
  const S = engine.alloc(size, n)
  try {
    for (let start = 0; start < sample.length; start += size) {
      const part = sample.subarray(start, start + size)
      const X = engine.upload(matrix(part.length, d, takeRows(keys, part).data))
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
