/** Words in a shingle. */
const SHINGLE_WORDS = 5

/** Shingles in a window, of which one at least becomes a fingerprint. */
export const WINDOW = 8

const MULTIPLIER = 0x9e3779b1
/** MULTIPLIER to the power of SHINGLE_WORDS - 1, modulo 2^32. */
const OLDEST = Array.from({ length: SHINGLE_WORDS - 1 }).reduce<number>(power => Math.imul(power, MULTIPLIER), 1)

const [BREAK, LETTER, CHARACTER] = [1, 2, 3]
/** What each UTF-16 code unit is, found when it is first met; 0 where it has not been. */
const kinds = new Uint8Array(0x10000)

/**
 * Hashes of the words of a text, in order. A word is a run of letters, marks and digits; in a script without spaces each
 * character is one.
 */
export function wordHashes(text: string): Uint32Array {
  const words = new Uint32Array(text.length)
  let count = 0
  let hash = 0
  for (let i = 0; i <= text.length; i++) {
    const unit = i === text.length ? 0x20 : text.charCodeAt(i)
    const kind = kinds[unit] || kindOf(unit)
    if (kind === LETTER) hash = Math.imul(hash ^ unit, 0x01000193) + 1
    else {
      if (hash !== 0) words[count++] = mix(hash)
      hash = 0
      if (kind === CHARACTER) words[count++] = mix(unit)
    }
  }
  return words.subarray(0, count)
}

/** Hashes of all runs of {@link SHINGLE_WORDS} words, in order; none where there are fewer words. */
export function shingleHashes(words: Uint32Array): Uint32Array {
  const shingles = new Uint32Array(Math.max(0, words.length - SHINGLE_WORDS + 1))
  let sum = 0
  for (let i = 0; i < words.length; i++) {
    if (i >= SHINGLE_WORDS) sum = (sum - Math.imul(words[i - SHINGLE_WORDS], OLDEST)) | 0
    sum = (Math.imul(sum, MULTIPLIER) + words[i]) | 0
    if (i >= SHINGLE_WORDS - 1) shingles[i - SHINGLE_WORDS + 1] = mix(sum)
  }
  return shingles
}

/**
 * Fingerprints by winnowing: the least shingle of every window. Two texts with {@link SHINGLE_WORDS} + {@link WINDOW} - 1 words
 * in a row in common have a fingerprint in common.
 *
 * @returns each once, ascending
 * @see https://theory.stanford.edu/~aiken/publications/papers/sigmod03.pdf (Schleimer, Wilkerson and Aiken, 2003)
 */
export function fingerprints(shingles: Uint32Array): Uint32Array {
  const chosen: number[] = []
  let least = -1
  for (let end = WINDOW; end <= shingles.length; end++) {
    const start = end - WINDOW
    if (least >= start) {
      if (shingles[end - 1] > shingles[least]) continue
      least = end - 1
    } else {
      least = start
      for (let i = start + 1; i < end; i++) if (shingles[i] <= shingles[least]) least = i
    }
    chosen.push(shingles[least])
  }
  return distinct(Uint32Array.from(chosen))
}

/** Sorts in place; each value once. */
export function distinct(values: Uint32Array): Uint32Array {
  values.sort()
  let count = 0
  for (let i = 0; i < values.length; i++) {
    if (i === 0 || values[i] !== values[i - 1]) values[count++] = values[i]
  }
  return values.subarray(0, count)
}

function kindOf(unit: number): number {
  const c = String.fromCharCode(unit)
  const unspaced =
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
  // Half of a surrogate pair counts as a letter: most of them are letters, and emoji tell texts apart as well.
  const letter = /[\p{L}\p{M}\p{N}\p{Surrogate}]/u
  const kind = unspaced.test(c) ? CHARACTER : letter.test(c) ? LETTER : BREAK
  kinds[unit] = kind
  return kind
}

/** The finaliser of MurmurHash3, as an unsigned number that is never 0 for a word. */
function mix(value: number): number {
  let h = value ^ (value >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
