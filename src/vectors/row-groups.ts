import type { Matrix } from '../math/matrix.js'
import { blocksOf, type Rows, rowSource } from '../math/row-source.js'

/**
 * Numbers the rows of a matrix so that equal rows share a number: rows of the same bits, and rows of the same key.
 *
 * @param keys for each row, such as its text; `undefined` where there is none
 * @returns for each row its group, 0, 1, ... in order of first occurrence
 */
export function groupRows(m: Rows, keys?: readonly (string | undefined)[]): Uint32Array {
  const parent = indexRows(m).firstEqual
  const root = (row: number): number => {
    let r = row
    while (parent[r] !== r) {
      parent[r] = parent[parent[r]]
      r = parent[r]
    }
    return r
  }
  const rowOf = new Map<string, number>()
  keys?.forEach((key, i) => {
    if (key === undefined) return
    const other = rowOf.get(key)
    if (other === undefined) rowOf.set(key, i)
    else {
      const [a, b] = [root(i), root(other)]
      parent[Math.max(a, b)] = Math.min(a, b)
    }
  })
  // A root is the first row of its group, so its number is there before it is asked for.
  const groups = new Uint32Array(m.rows)
  let count = 0
  for (let i = 0; i < m.rows; i++) {
    const first = root(i)
    groups[i] = first === i ? count++ : groups[first]
  }
  return groups
}

/**
 * Finds rows of one matrix in another, bit for bit.
 *
 * Row numbers and ids of two files need not mean the same documents; equal vectors do.
 *
 * @param rows [n, d]
 * @param among [m, d]
 * @returns for each of `rows` the first equal row of `among`, or -1
 */
export function matchRows(rows: Rows, among: Rows): Int32Array {
  if (rows.cols !== among.cols) throw new RangeError(`rows of ${rows.cols} and ${among.cols} values cannot be equal`)
  const { find } = indexRows(among)
  const found = new Int32Array(rows.rows)
  for (const { start, block } of blocksOf(rows)) {
    const words = wordsOf(block)
    for (let i = 0; i < block.rows; i++) found[start + i] = find(words, i * rows.cols)
  }
  return found
}

interface RowIndex {
  /** For each row the first row that is equal to it, which may be itself. */
  readonly firstEqual: Int32Array
  /** The first row that equals the words from `at` on, or -1. */
  find(words: Uint32Array, at: number): number
}

function indexRows(m: Rows): RowIndex {
  const { rows, cols } = m
  const source = rowSource(m)
  const held = new Float32Array(cols)
  const heldWords = new Uint32Array(held.buffer)
  const latest = new Map<number, number>()
  const older = new Int32Array(rows).fill(-1)
  const lookUp = (words: Uint32Array, at: number, hash: number): number => {
    for (let row = latest.get(hash) ?? -1; row >= 0; row = older[row]) {
      source.gather(Uint32Array.of(row), held)
      let j = 0
      while (j < cols && heldWords[j] === words[at + j]) j++
      if (j === cols) return row
    }
    return -1
  }
  const firstEqual = new Int32Array(rows)
  for (const { start, block } of blocksOf(m)) {
    const words = wordsOf(block)
    for (let i = 0; i < block.rows; i++) {
      const hash = hashWords(words, i * cols, cols)
      const equal = lookUp(words, i * cols, hash)
      firstEqual[start + i] = equal < 0 ? start + i : equal
      if (equal >= 0) continue
      older[start + i] = latest.get(hash) ?? -1
      latest.set(hash, start + i)
    }
  }
  return { firstEqual, find: (words, at) => lookUp(words, at, hashWords(words, at, cols)) }
}

function wordsOf({ data }: Matrix): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length)
}

/** The inner rounds of MurmurHash3 (Appleby): unlike FNV, all bits of a word count, also where the low ones are always 0. */
function hashWords(words: Uint32Array, at: number, count: number): number {
  let h = 0
  for (let i = at; i < at + count; i++) {
    let k = Math.imul(words[i], 0xcc9e2d51)
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
    h ^= k
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64
  }
  return h | 0
}
