/** A key has 53 bits, so that a number holds it exactly. */
const HIGH_BITS = 0x1fffff
const TWO_32 = 2 ** 32

/** Stands for a term in tables: 53 bits of a hash of its UTF-16 code units. */
export const termKey = (term: string): number => (hash(term, 1) & HIGH_BITS) * TWO_32 + hash(term, 2)

/** Tells terms apart that have the same key. */
export const termCheck = (term: string): number => hash(term, 3)

/** @returns 32 bits, unsigned */
function hash(term: string, seed: number): number {
  let h = seed
  for (let i = 0; i < term.length; i++) {
    h = Math.imul(h ^ term.charCodeAt(i), 0x9e3779b1)
    h ^= h >>> 15
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Position of a key among ascending ones, or -1. */
export function indexOfKey(keys: Float64Array, key: number): number {
  let low = 0
  let high = keys.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    if (keys[middle] === key) return middle
    if (keys[middle] < key) low = middle + 1
    else high = middle - 1
  }
  return -1
}
