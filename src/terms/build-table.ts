import { type Matrix, matrix, normalizeInPlace, row } from '../math/matrix.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import { termCheck, termKey } from './keys.js'
import { bitsFor, rowBytes, type TermTable } from './table.js'

/** Documents that are read several times over. */
export interface TermSource {
  /** Terms of every document, in the order of the vectors: words, which are kept before pairs. */
  readonly terms: Iterable<{ readonly words: ReadonlySet<string>; readonly pairs: ReadonlySet<string> }>
  readonly vectors: Rows
}

export interface BuildTableOptions {
  readonly rows: number
  /** Terms that are counted at once, at most; rare ones are forgotten beyond. */
  readonly counted?: number
  /** Bytes of sums that are held at once; with more rows the documents are read several times. */
  readonly memory?: number
}

export const TABLE_DEFAULTS = { counted: 8_000_000, memory: 536_870_912 } as const

/** A table, and in which order its rows were chosen. */
export interface BuiltTable {
  readonly table: TermTable
  /** [rows] place of each row in the order of choice, from 0. */
  readonly rank: Uint32Array
  /** Different terms in the documents; more than there are rows where not all have a place. */
  readonly terms: number
  /** Terms left out because two had the same key. */
  readonly collisions: number
  readonly documents: number
}

/**
 * Builds a table of terms: every word, then the pairs that are in most documents, up to a number of rows.
 *
 * Counts first and sums then, in bounded memory: beyond `counted` terms the rarest are forgotten (lossy counting), and sums are
 * made for as many rows at once as `memory` allows.
 * @see Manku and Motwani, Approximate frequency counts over data streams, 2002
 */
export function buildTable(source: TermSource, options: BuildTableOptions): BuiltTable {
  const { counted = TABLE_DEFAULTS.counted, memory = TABLE_DEFAULTS.memory } = options
  const { vectors } = source
  const d = vectors.cols
  const [words, pairs] = [createCounter(counted), createCounter(counted)]
  let documents = 0
  for (const terms of source.terms) {
    for (const word of terms.words) words.count(word)
    for (const pair of terms.pairs) pairs.count(pair)
    documents++
  }
  if (documents !== vectors.rows) throw new RangeError(`expected ${vectors.rows} texts, found ${documents}`)
  const first = words.most(options.rows)
  const chosen = [...first, ...pairs.most(options.rows - first.length)]
  const order = Uint32Array.from(chosen.keys()).sort((a, b) => chosen[a] - chosen[b])
  const keys = Float64Array.from(order, i => chosen[i])
  const df = new Uint32Array(keys.length)
  const bits = bitsFor(d)
  const size = rowBytes(d, bits)
  const table: TermTable = {
    dimensions: d,
    keys,
    idf: new Float32Array(keys.length),
    scale: new Float32Array(keys.length),
    bits,
    values: new Uint8Array(keys.length * size),
  }
  const mean = meanVector(vectors)
  const index = new Map(Array.from(keys, (key, i) => [key, i]))
  const step = Math.max(1, Math.floor(memory / (4 * d)))
  for (let start = 0; start < keys.length; start += step) {
    const sums = matrix(Math.min(step, keys.length - start), d)
    const rowOf = (term: string): number => (index.get(termKey(term)) ?? -1) - start
    sumDocuments(source, mean, sums, df.subarray(start, start + sums.rows), rowOf)
    for (let i = 0; i < sums.rows; i++) {
      const centroid = row(sums, i)
      const f = df[start + i]
      for (let j = 0; j < d; j++) centroid[j] /= f
      table.idf[start + i] = Math.log(1 + (documents - f + 0.5) / (f + 0.5))
      const values = table.values.subarray((start + i) * size, (start + i + 1) * size)
      table.scale[start + i] = quantize(centroid, bits, values)
    }
  }
  const collisions = words.collisions() + pairs.collisions()
  return { table, rank: order, terms: words.size() + pairs.size(), collisions, documents }
}

/** The rows of a table that were chosen first. */
export function firstRows({ table, rank }: Pick<BuiltTable, 'table' | 'rank'>, rows: number): TermTable {
  if (rows >= rank.length) return table
  const kept = Uint32Array.from(rank.keys()).filter(i => rank[i] < rows)
  const size = rowBytes(table.dimensions, table.bits)
  const values = new Uint8Array(kept.length * size)
  for (const [to, from] of kept.entries()) values.set(table.values.subarray(from * size, (from + 1) * size), to * size)
  const { keys, idf, scale } = table
  return {
    ...table,
    keys: Float64Array.from(kept, i => keys[i]),
    idf: Float32Array.from(kept, i => idf[i]),
    scale: Float32Array.from(kept, i => scale[i]),
    values,
  }
}

/** Mean of the vectors, each of length 1. */
export function meanVector(vectors: Rows): Float64Array {
  const mean = new Float64Array(vectors.cols)
  for (const { block } of blocksOf(vectors)) {
    for (let i = 0; i < block.rows; i++) {
      const unit = normalizeInPlace(row(block, i).slice())
      for (let j = 0; j < mean.length; j++) mean[j] += unit[j]
    }
  }
  for (let j = 0; j < mean.length; j++) mean[j] /= Math.max(1, vectors.rows)
  return mean
}

/** sums[i] = sum of (document - mean) over the documents that hold the term of row i, of which there are df[i]. */
function sumDocuments(
  { terms, vectors }: TermSource,
  mean: Float64Array,
  sums: Matrix,
  df: Uint32Array,
  rowOf: (term: string) => number,
): void {
  const texts = terms[Symbol.iterator]()
  const d = sums.cols
  const { data } = sums
  for (const { block } of blocksOf(vectors)) {
    for (let i = 0; i < block.rows; i++) {
      const centred = normalizeInPlace(row(block, i).slice())
      for (let j = 0; j < d; j++) centred[j] -= mean[j]
      const { words, pairs } = texts.next().value as { words: ReadonlySet<string>; pairs: ReadonlySet<string> }
      for (const set of [words, pairs]) {
        for (const term of set) {
          const to = rowOf(term)
          if (to < 0 || to >= sums.rows) continue
          df[to]++
          for (let j = 0, at = to * d; j < d; j++) data[at + j] += centred[j]
        }
      }
    }
  }
}

/** @returns what a stored value is multiplied by */
function quantize(values: Float32Array, bits: 1 | 8, out: Uint8Array): number {
  let [sum, largest] = [0, 1e-9]
  for (const value of values) {
    sum += Math.abs(value)
    largest = Math.max(largest, Math.abs(value))
  }
  for (let j = 0; j < values.length; j++) {
    if (bits === 8) out[j] = Math.round((values[j] / largest) * 127)
    else if (values[j] < 0) out[j >> 3] |= 1 << (j & 7)
  }
  return bits === 8 ? largest / 127 : sum / values.length
}

/** Counts terms by their key, each term of a document once. */
function createCounter(most: number) {
  let capacity = 1 << 16
  let keys = new Float64Array(capacity)
  let checks = new Uint32Array(capacity)
  let counts = new Uint32Array(capacity)
  let size = 0
  let forgotten = 0
  const collided = new Set<number>()

  function place(key: number): number {
    let at = (key % 4294967291) & (capacity - 1)
    while (counts[at] > 0 && keys[at] !== key) at = (at + 1) & (capacity - 1)
    return at
  }

  function rebuild(to: number, least: number): void {
    const old = { keys, checks, counts }
    capacity = to
    keys = new Float64Array(capacity)
    checks = new Uint32Array(capacity)
    counts = new Uint32Array(capacity)
    size = 0
    for (let i = 0; i < old.counts.length; i++) {
      if (old.counts[i] < least) continue
      const at = place(old.keys[i])
      keys[at] = old.keys[i]
      checks[at] = old.checks[i]
      counts[at] = old.counts[i]
      size++
    }
  }

  return {
    count(term: string) {
      const key = termKey(term)
      const check = termCheck(term)
      const at = place(key)
      if (counts[at] > 0) {
        if (checks[at] !== check) collided.add(key)
        counts[at]++
        return
      }
      keys[at] = key
      checks[at] = check
      counts[at] = forgotten + 1
      size++
      if (size >= most) {
        // What was met since the last round no more often than that may be missing now; what is left is over by `forgotten` at most.
        while (size > most / 2) rebuild(capacity, ++forgotten + 1)
      } else if (size > 0.6 * capacity) rebuild(2 * capacity, 1)
    },
    size: () => size,
    collisions: () => collided.size,
    /** Keys of the terms in most documents, the lower ones first where they are in as many. */
    most(count: number): Float64Array {
      const usable = (i: number): boolean => counts[i] > forgotten && !collided.has(keys[i])
      const left = new Map<number, number>()
      for (let i = 0; i < capacity; i++) if (usable(i)) left.set(counts[i], (left.get(counts[i]) ?? 0) + 1)
      let [least, enough] = [Number.POSITIVE_INFINITY, 0]
      for (const df of [...left.keys()].sort((a, b) => b - a)) {
        if (enough >= count) break
        least = df
        enough += left.get(df)!
      }
      const found: number[] = []
      for (let i = 0; i < capacity; i++) if (usable(i) && counts[i] >= least) found.push(i)
      found.sort((a, b) => counts[b] - counts[a] || keys[a] - keys[b])
      return Float64Array.from(found.slice(0, Math.max(0, count)), i => keys[i])
    },
  }
}
