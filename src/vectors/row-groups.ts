import { getOrInsert } from '../maps.js'
import { createDisjointSets } from '../math/disjoint-sets.js'
import { blocksOf, type Rows, rowSource } from '../math/row-source.js'

/** Numbers the rows of a matrix so that rows of the same bits or the same key share a number. */
export function groupRows(m: Rows, keys?: readonly (string | undefined)[]): Uint32Array {
  const sets = createDisjointSets(m.rows)
  for (const [i, first] of firstEqualRows(m).entries()) sets.join(first, i)
  const rowOf = new Map<string, number>()
  for (const [i, key] of keys?.entries() ?? []) {
    const first = key === undefined ? i : getOrInsert(rowOf, key, () => i)
    sets.join(first, i)
  }
  // A root is the first row of its group, so its number is there before it is needed.
  const groups = new Uint32Array(m.rows)
  let count = 0
  for (let i = 0; i < m.rows; i++) {
    const first = sets.root(i)
    groups[i] = first === i ? count++ : groups[first]
  }
  return groups
}

/** Finds, per row, the first row equal to it bit for bit, which may be itself. */
function firstEqualRows(m: Rows): Int32Array {
  const { rows, cols } = m
  const source = rowSource(m)
  const held = new Float32Array(cols)
  const heldWords = new Uint32Array(held.buffer)
  const latest = new Map<number, number>()
  const older = new Int32Array(rows).fill(-1)
  const find = (words: Uint32Array, at: number, hash: number): number => {
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
    const words = new Uint32Array(block.data.buffer, block.data.byteOffset, block.data.length)
    for (let i = 0; i < block.rows; i++) {
      const hash = hashWords(words, i * cols, cols)
      const equal = find(words, i * cols, hash)
      firstEqual[start + i] = equal < 0 ? start + i : equal
      if (equal >= 0) continue
      older[start + i] = latest.get(hash) ?? -1
      latest.set(hash, start + i)
    }
  }
  return firstEqual
}

/** The inner rounds of MurmurHash3 (Appleby): unlike FNV, all bits of a word count, also if the low ones are always 0. */
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
