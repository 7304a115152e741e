import { normalizeInPlace } from '../math/matrix.js'
import { indexOfKey, termKey } from './keys.js'

/** Centroids of terms: for each term the mean of the centred vectors of the documents that hold it. */
export interface TermTable {
  readonly dimensions: number
  /** [rows] ascending; see `termKey`. */
  readonly keys: Float64Array
  /** [rows] ln(1 + (N - df + 0.5) / (df + 0.5)) */
  readonly idf: Float32Array
  /** [rows] what a value of the row is multiplied by. */
  readonly scale: Float32Array
  /** Bits of a value: 1 for the sign alone (a set bit is -), 8 for a whole number from -127 to 127. */
  readonly bits: 1 | 8
  /** Row by row; of one bit a row is `rowBytes` bytes, the lowest bit first. */
  readonly values: Uint8Array
}

/** Dimensions from which on one bit a value is enough. */
const ONE_BIT_DIMENSIONS = 256

export const bitsFor = (dimensions: number): 1 | 8 => (dimensions < ONE_BIT_DIMENSIONS ? 8 : 1)

/** Bytes of a row: whole words of 32 bits where a value is one bit. */
export function rowBytes(dimensions: number, bits: 1 | 8): number {
  return bits === 8 ? dimensions : 4 * Math.ceil(dimensions / 32)
}

export type FoundTerm = { readonly term: string; readonly row: number }

/** The terms that a table holds. */
export function findTerms({ keys }: TermTable, terms: Iterable<string>): FoundTerm[] {
  const found: FoundTerm[] = []
  for (const term of terms) {
    const row = indexOfKey(keys, termKey(term))
    if (row >= 0) found.push({ term, row })
  }
  return found
}

/** Direction of a query's terms, [dimensions]: the sum of idf^2 c over the terms found, of length 1, or zero. */
export function sumCentroids(table: TermTable, found: readonly FoundTerm[]): Float32Array {
  const { dimensions: d, bits, values } = table
  const size = rowBytes(d, bits)
  const sums = new Float64Array(bits === 8 ? d : 8 * size)
  if (bits === 1) for (let i = 0; i < found.length; i += 8) addSigns(table, found.slice(i, i + 8), sums)
  else {
    for (const { row } of found) {
      const weight = termWeight(table, row)
      for (let j = 0, at = row * size; j < d; j++, at++) sums[j] += weight * ((values[at] << 24) >> 24)
    }
  }
  return normalizeInPlace(Float32Array.from(sums.subarray(0, d)))
}

/**
 * Adds up to 8 rows of signs: their 8 x 8 bits for 8 dimensions are transposed, and the byte of a dimension names one of 256 sums.
 * @see Warren, Hacker's Delight, 2012, section 7-3
 */
function addSigns(table: TermTable, found: readonly FoundTerm[], sums: Float64Array): void {
  const { values } = table
  const bytes = rowBytes(table.dimensions, 1)
  const weights = Array.from({ length: 8 }, (_, k) => (k < found.length ? termWeight(table, found[k].row) : 0))
  const at = weights.map((_, k) => (found[k] ?? found[0]).row * bytes)
  // Row k is bit 7 - k of the byte.
  const byByte = new Float64Array(256).fill(weights.reduce((sum, weight) => sum + weight))
  for (let i = 1; i < 256; i++) byByte[i] = byByte[i & (i - 1)] - 2 * weights[Math.clz32(i & -i) - 24]
  for (let i = 0, j = 0; i < bytes; i++, j += 8) {
    let [x, y] = [0, 0]
    for (let k = 0; k < 4; k++) {
      x = (x << 8) | values[at[k] + i]
      y = (y << 8) | values[at[k + 4] + i]
    }
    x = transpose(x)
    y = transpose(y)
    const t = (x & 0xf0f0f0f0) | ((y >>> 4) & 0x0f0f0f0f)
    y = ((x << 4) & 0xf0f0f0f0) | (y & 0x0f0f0f0f)
    for (let k = 0; k < 4; k++) {
      sums[j + k] += byByte[(y >>> (8 * k)) & 255]
      sums[j + k + 4] += byByte[(t >>> (8 * k)) & 255]
    }
  }
}

/** Half of the transposition of 8 by 8 bits: that of four rows. */
function transpose(x: number): number {
  let t = (x ^ (x >>> 7)) & 0x00aa00aa
  x ^= t ^ (t << 7)
  t = (x ^ (x >>> 14)) & 0x0000cccc
  return x ^ t ^ (t << 14)
}

/** What the stored values of a row are multiplied by in a sum: idf^2 scale. */
const termWeight = ({ idf, scale }: TermTable, row: number): number => idf[row] * idf[row] * scale[row]

/** Shares of the terms in a query's direction, which add up to 1: each summand's projection on the sum. */
export function contributions(table: TermTable, found: readonly FoundTerm[]): number[] {
  const whole = sumCentroids(table, found)
  const parts = found.map(term => {
    const part = sumCentroids(table, [term])
    const length = termWeight(table, term.row) * rowLength(table, term.row)
    return length * part.reduce((sum, value, j) => sum + value * whole[j], 0)
  })
  const total = parts.reduce((a, b) => a + b, 0)
  return parts.map(part => (total > 0 ? part / total : 0))
}

function rowLength({ dimensions: d, bits, values }: TermTable, row: number): number {
  if (bits === 1) return Math.sqrt(d)
  let sum = 0
  for (let j = row * d; j < (row + 1) * d; j++) sum += ((values[j] << 24) >> 24) ** 2
  return Math.sqrt(sum)
}
