import { type Adapter, checkVector } from '../adapters/adapter.js'
import { AdapterTrainError } from '../errors.js'
import { row } from '../math/matrix.js'
import { createRandom, permutation } from '../math/random.js'
import { gatherRows, type Rows } from '../math/row-source.js'
import { quantile } from '../math/statistics/moments.js'

/** What an adapter file keeps of its training queries to tell whether a query is like them; no texts. */
export interface Familiarity {
  readonly dimensions: number
  /** Signs kept of a query, see {@link createSketcher}. */
  readonly bits: number
  /** Signs of training queries, query by query, little-endian, base64. */
  readonly data: string
  /** Estimated cosines of training queries with the nearest one kept, themselves left out: quantiles. */
  readonly similarity: { readonly p1: number; readonly p5: number; readonly p50: number }
  /** Share of the training queries that are unfamiliar: below `similarity.p5`. */
  readonly unfamiliar: number
}

/** Signs kept of a query; the error of a cosine is about 1 / sqrt(BITS). */
const BITS = 512
const WORDS = BITS / 32
/** Most training queries kept, so that the fact takes less than 64 kB as base64. */
const MOST_KEPT = 718
/** Most training queries that tell how near queries come to those kept. */
const MOST_JUDGED = 1000
/** Fewest training queries whose quantiles mean something. */
const LEAST_QUERIES = 20
/** Share of the training queries that counts as unfamiliar. */
const UNFAMILIAR = 0.05

/**
 * Sums up training queries by a sample of them, each as the signs of its rotated vector: in little space these estimate the cosine
 * with single queries, where means of many queries would be near any query at all. A query is judged without itself.
 * @returns undefined with fewer than 20 queries
 * @see https://doi.org/10.1145/509907.509965 (Charikar)
 */
export function familiarityOf(queries: Rows, seed: number): Familiarity | undefined {
  const { rows: n, cols: dimensions } = queries
  if (n < LEAST_QUERIES) return undefined
  const order = permutation(n, createRandom(seed)).subarray(0, MOST_KEPT + MOST_JUDGED)
  const vectors = gatherRows(queries, order)
  const sketch = createSketcher(dimensions)
  const signs = new Uint32Array(order.length * WORDS)
  for (let i = 0; i < order.length; i++) signs.set(sketch(row(vectors, i)), i * WORDS)
  const kept = Math.min(order.length, MOST_KEPT)
  const first = order.length - kept >= MOST_KEPT / 2 ? kept : 0
  const similarities = new Float64Array(order.length - first)
  for (let i = first; i < order.length; i++) {
    similarities[i - first] = nearest(signs.subarray(0, kept * WORDS), signs.subarray(i * WORDS, (i + 1) * WORDS), i)
  }
  similarities.sort()
  // Downwards, so that the rounding makes no query unfamiliar.
  const at = (q: number): number => Math.floor(1e4 * quantile(similarities, q)) / 1e4
  const bytes = Buffer.alloc(4 * kept * WORDS)
  for (let i = 0; i < kept * WORDS; i++) bytes.writeUInt32LE(signs[i], 4 * i)
  const similarity = { p1: at(0.01), p5: at(UNFAMILIAR), p50: at(0.5) }
  return { dimensions, bits: BITS, data: bytes.toString('base64'), similarity, unfamiliar: UNFAMILIAR }
}

/** Reads the sketch of an adapter. Returns undefined without one, as with one of an older form. */
export function readFamiliarity({ base, training }: Adapter, where = 'adapter'): Familiarity | undefined {
  const found = training.familiarity as Partial<Familiarity> | null | undefined
  if (found?.bits !== BITS) return undefined
  const { data, similarity, unfamiliar, dimensions } = found
  const numbers = [similarity?.p1, similarity?.p5, similarity?.p50, unfamiliar]
  const isSound =
    typeof data === 'string' &&
    data.length <= 64_000 &&
    Buffer.from(data, 'base64').length % (4 * WORDS) === 0 &&
    dimensions === base.dimensions &&
    numbers.every(Number.isFinite)
  if (isSound) return found as Familiarity
  throw new AdapterTrainError('ADAPTER_FORMAT', `${where}: training.familiarity is damaged. Train the adapter again`)
}

/**
 * Makes a test of query vectors: the estimated cosine with the nearest query kept, and whether it is below that of all but 5% in
 * training. The test throws VECTOR_INVALID as `applyAdapter` does.
 */
export function familiarityTest({ dimensions, data, similarity }: Familiarity, { base }: Pick<Adapter, 'base'>) {
  const bytes = Buffer.from(data, 'base64')
  const kept = Uint32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i))
  const sketch = createSketcher(dimensions)
  return (query: Float32Array): { readonly similarity: number; readonly unfamiliar: boolean } => {
    const found = nearest(kept, sketch(checkVector(query, base, 'the query')))
    return { similarity: found, unfamiliar: found < similarity.p5 }
  }
}

/** Share of unfamiliar queries with its 95% interval. */
export type UnfamiliarShare = ReturnType<typeof shareOf>

/** Computes a share with Wilson's interval. See https://doi.org/10.1080/01621459.1927.10502953 */
export function shareOf(unfamiliar: number, queries: number) {
  const z = 1.96
  const share = unfamiliar / queries
  const center = (share + z ** 2 / (2 * queries)) / (1 + z ** 2 / queries)
  const width = (z / (1 + z ** 2 / queries)) * Math.sqrt((share * (1 - share)) / queries + z ** 2 / (4 * queries ** 2))
  return { queries, share, low: Math.max(0, center - width), high: Math.min(1, center + width) }
}

/**
 * Makes a function that gives the signs of a vector's first values after a random rotation, the same in every program: three times
 * random signs and a Hadamard transform. Two vectors at the angle a differ in about a share a / pi of the signs.
 * @see https://arxiv.org/abs/1509.02897 (Andoni et al., section 6)
 */
function createSketcher(dimensions: number): (vector: Float32Array) => Uint32Array {
  const size = Math.max(BITS, 2 ** Math.ceil(Math.log2(dimensions)))
  const random = createRandom(0)
  const flips = Array.from({ length: 3 }, () => Float32Array.from({ length: size }, () => (random.next() < 0.5 ? -1 : 1)))
  const x = new Float32Array(size)
  return vector => {
    x.fill(0).set(vector)
    for (const flip of flips) {
      for (let i = 0; i < size; i++) x[i] *= flip[i]
      for (let half = 1; half < size; half *= 2) {
        for (let start = 0; start < size; start += 2 * half) {
          for (let i = start; i < start + half; i++) {
            const a = x[i]
            const b = x[i + half]
            x[i] = a + b
            x[i + half] = a - b
          }
        }
      }
    }
    const signs = new Uint32Array(WORDS)
    for (let i = 0; i < BITS; i++) if (x[i] > 0) signs[i >> 5] |= 1 << (i & 31)
    return signs
  }
}

/** Estimates the cosine of a query with the nearest of those kept. */
function nearest(kept: Uint32Array, query: Uint32Array, except?: number): number {
  let least = BITS
  for (let i = 0; i < kept.length / WORDS; i++) {
    if (i === except) continue
    let differing = 0
    for (let j = 0; j < WORDS; j++) differing += countBits(kept[i * WORDS + j] ^ query[j])
    if (differing < least) least = differing
  }
  return Math.cos((Math.PI * least) / BITS)
}

function countBits(x: number): number {
  const pairs = x - ((x >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
