import { getOrInsert } from '../maps.js'
import { foldText, UNSPACED } from './text.js'

/**
 * Containment from which texts are near-duplicates: the share of the shingles (runs of five words) of the shorter text
 * that the longer one has too. Texts of fewer than twelve words are compared as a whole.
 */
export const NEAR_IDENTICAL = 0.8

interface NearDuplicate {
  readonly a: string
  readonly b: string
  /** True if they are equal except for case, white space and the punctuation at their end. */
  readonly same: boolean
  /** 1 for equal texts, else their containment. */
  readonly similarity: number
}

/** Share of common fingerprints from which a pair is compared in full; near-duplicates have far more. */
const WORTH_A_LOOK = 0.3
/** Most partners that a fingerprint gives to a text; texts that share more than boilerplate meet at others too. */
const PARTNERS = 8

/**
 * Finds equal texts and near-duplicates (see {@link NEAR_IDENTICAL}) in time linear in their length.
 * @param a id -> text; of several ids with the same text the first stands for all
 * @param b id -> text; without it, texts of `a` are compared with each other, and `b` of a pair comes later in `a`
 */
export function findNearDuplicates(a: ReadonlyMap<string, string>, b?: ReadonlyMap<string, string>) {
  const first = new Map<string, string>()
  const pairs: NearDuplicate[] = []
  /** Texts to be compared in full: none twice, and none of `b` that is in `a`. */
  const texts: { readonly id: string; readonly key: string }[] = []
  for (const [id, text] of a) {
    const key = sameTextKey(text)
    const known = getOrInsert(first, key, () => id)
    if (known === id) texts.push({ id, key })
    else if (!b) pairs.push({ a: known, b: id, same: true, similarity: 1 })
  }
  const border = texts.length
  for (const [id, text] of b ?? []) {
    const key = sameTextKey(text)
    const known = first.get(key)
    if (known !== undefined) pairs.push({ a: known, b: id, same: true, similarity: 1 })
    else texts.push({ id, key })
  }
  const shingles = memoizedShingles(texts)
  for (const [i, j] of candidates(texts, b ? border : undefined)) {
    const similarity = containment(shingles(i), shingles(j))
    if (similarity >= NEAR_IDENTICAL) pairs.push({ a: texts[i].id, b: texts[j].id, same: false, similarity })
  }
  const order = new Map([...(b ?? a).keys()].map((id, i) => [id, i]))
  return pairs.sort((p, q) => order.get(p.b)! - order.get(q.b)!) as readonly NearDuplicate[]
}

const END = ' .?!…。？！'

/** Makes a key that is equal for texts equal except for case, width, white space and the punctuation at their end. */
export function sameTextKey(text: string): string {
  const folded = foldText(text)
  let end = folded.length
  while (end > 0 && END.includes(folded[end - 1])) end--
  return end === 0 ? folded : folded.slice(0, end)
}

/** Yields pairs that share enough fingerprints, in the order of their second; with a border, only pairs across it. */
function* candidates(texts: readonly { readonly key: string }[], border: number | undefined) {
  const { runs, offsets, members } = indexFingerprints(texts)
  const size = (i: number): number => offsets[i + 1] - offsets[i]
  const shared = new Map<number, number>()
  for (let j = border ?? 0; j < texts.length; j++) {
    shared.clear()
    for (let at = offsets[j]; at < offsets[j + 1]; at++) {
      // Within one collection the nearest before it, so that texts which are alike one after another are all linked.
      const { start, own } = runs(at)
      const from = border === undefined ? Math.max(start, own - PARTNERS) : start
      const to = border === undefined ? own : Math.min(own, start + PARTNERS)
      for (let p = from; p < to && members[p] < (border ?? j); p++) {
        shared.set(members[p], (shared.get(members[p]) ?? 0) + 1)
      }
    }
    for (const [i, count] of shared) {
      if (count >= WORTH_A_LOOK * Math.min(size(i), size(j))) yield [i, j]
    }
  }
}

/**
 * Makes an inverted index of fingerprints, in flat arrays as there are tens of millions: `members` has one run of texts
 * per fingerprint; text i has the fingerprints `offsets[i]` to `offsets[i + 1]`, for which `runs` gives the start of
 * the run and the text's own place in it.
 */
function indexFingerprints(texts: readonly { readonly key: string }[]) {
  const n = texts.length
  // A fingerprint and an index share the 53 bits of a whole number.
  const dropped = Math.max(0, Math.ceil(Math.log2(n + 1)) - 21)
  const lists = texts.map(({ key }) => fingerprints(shingleHashes(wordHashes(key))))
  const offsets = new Uint32Array(n + 1)
  for (let i = 0; i < n; i++) offsets[i + 1] = offsets[i] + lists[i].length
  const postings = new Float64Array(offsets[n])
  for (const [i, list] of lists.entries())
    for (let k = 0; k < list.length; k++) postings[offsets[i] + k] = (list[k] >>> dropped) * n + i
  postings.sort()
  const members = new Uint32Array(postings.length)
  const starts = new Uint32Array(postings.length)
  const owns = new Uint32Array(postings.length)
  const next = offsets.slice()
  let hash = -1
  let start = 0
  for (let p = 0; p < postings.length; p++) {
    const own = Math.floor(postings[p] / n)
    if (own !== hash) start = p
    hash = own
    members[p] = postings[p] - own * n
    const at = next[members[p]]++
    starts[at] = start
    owns[at] = p
  }
  return { offsets, members, runs: (at: number) => ({ start: starts[at], own: owns[at] }) }
}

/** Keeps the shingles of the last thousand texts, as candidates come in order. */
function memoizedShingles(texts: readonly { readonly key: string }[]): (index: number) => Uint32Array {
  const known = new Map<number, Uint32Array>()
  return index => {
    if (known.size > 1000) known.delete(known.keys().next().value!)
    return getOrInsert(known, index, () => distinct(shingleHashes(wordHashes(texts[index].key))))
  }
}

/** |a and b| / min(|a|, |b|) of two ascending lists without repetition. */
function containment(a: Uint32Array, b: Uint32Array): number {
  if (Math.min(a.length, b.length) < WINDOW) return 0
  let shared = 0
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      shared++
      i++
      j++
    } else if (a[i] < b[j]) i++
    else j++
  }
  return shared / Math.min(a.length, b.length)
}

const SHINGLE_WORDS = 5
/** Shingles in a window, of which at least one becomes a fingerprint. */
export const WINDOW = 8
const MULTIPLIER = 0x9e3779b1
/** MULTIPLIER to the power of SHINGLE_WORDS - 1, modulo 2^32. */
const OLDEST = Array.from({ length: SHINGLE_WORDS - 1 }).reduce<number>(power => Math.imul(power, MULTIPLIER), 1)

const [BREAK, LETTER, CHARACTER] = [1, 2, 3]
/** Kind of each UTF-16 code unit, 0 until it is first met. */
const kinds = new Uint8Array(0x10000)

/** Hashes the words of a text: runs of letters, marks and digits, or characters of a script without spaces. */
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

/** Hashes all runs of {@link SHINGLE_WORDS} words, in order. */
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
 * Selects fingerprints by winnowing: the least shingle of every window. Two texts that share {@link SHINGLE_WORDS} +
 * {@link WINDOW} - 1 words in a row share a fingerprint.
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

/** Sorts in place and keeps each value once. */
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
  // Half of a surrogate pair counts as a letter: most of them are letters, and emoji tell texts apart as well.
  const letter = /[\p{L}\p{M}\p{N}\p{Surrogate}]/u
  const kind = UNSPACED.test(c) ? CHARACTER : letter.test(c) ? LETTER : BREAK
  kinds[unit] = kind
  return kind
}

/** The finaliser of MurmurHash3, as an unsigned number that is never 0 for a word. */
export function mix(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
