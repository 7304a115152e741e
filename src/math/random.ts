import { rowRange } from './row-source.js'

/** A seeded generator of pseudo-random numbers; equal seeds give equal sequences on every machine. */
export interface Random {
  next(): number
  int(n: number): number
  /** Standard normal (Box-Muller). */
  normal(): number
  /** Where the sequence stands; see {@link restoreRandom}. */
  save(): RandomState
}

/** Where a sequence of random numbers stands: plain data. */
export interface RandomState {
  readonly words: readonly [number, number, number, number]
  /** The second normal of a pair that was drawn and not yet given. */
  readonly spare?: number
}

/** xoshiro128** seeded through splitmix32. `seed`: any safe integer. See https://prng.di.unimi.it/ (Blackman and Vigna, 2018) */
export function createRandom(seed: number): Random {
  let z = (seed ^ Math.floor(seed / 4294967296)) >>> 0
  const splitmix = (): number => {
    z = (z + 0x9e3779b9) >>> 0
    let t = z ^ (z >>> 16)
    t = Math.imul(t, 0x21f0aaad)
    t ^= t >>> 15
    t = Math.imul(t, 0x735a2d97)
    return (t ^ (t >>> 15)) >>> 0
  }
  return restoreRandom({ words: [splitmix(), splitmix(), splitmix(), splitmix()] })
}

/** Makes a generator that resumes from a saved state. */
export function restoreRandom(state: RandomState): Random {
  let [a, b, c, d] = state.words
  const bits = (): number => {
    const x = Math.imul(b, 5)
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << 11) | (d >>> 21)
    return result
  }
  const next = (): number => bits() / 4294967296
  let { spare } = state
  return {
    next,
    save: () => ({ words: [a >>> 0, b >>> 0, c >>> 0, d >>> 0], spare }),
    int(n) {
      const limit = 4294967296 - (4294967296 % n)
      let x = bits()
      while (x >= limit) x = bits()
      return x % n
    },
    normal() {
      if (spare !== undefined) {
        const value = spare
        spare = undefined
        return value
      }
      const radius = Math.sqrt(-2 * Math.log(1 - next()))
      const angle = 2 * Math.PI * next()
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
  }
}

/** Fisher-Yates, in place; returns its argument. */
export function shuffle<T extends { length: number; [i: number]: unknown }>(items: T, random: Random): T {
  const list = items as { length: number; [i: number]: unknown }
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    const held = list[i]
    list[i] = list[j]
    list[j] = held
  }
  return items
}

/** Draws `count` of the rows, in their order; all if there are no more. */
export function sampleRows(rows: Uint32Array, count: number, random: Random): Uint32Array {
  if (rows.length <= count) return rows
  const drawn = permutation(rows.length, random).subarray(0, count).sort()
  return drawn.map(i => rows[i])
}

/** 0, 1, ..., n - 1 in a random order. */
export const permutation = (n: number, random: Random): Uint32Array => shuffle(rowRange(0, n), random)
