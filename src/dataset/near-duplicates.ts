import { foldText } from './fold-text.js'
import { distinct, fingerprints, shingleHashes, WINDOW, wordHashes } from './shingles.js'

/**
 * Texts are near-identical from this containment on: the share of the shingles (runs of five words) of the shorter text that
 * the longer one has too. Texts of fewer than twelve words are compared as a whole.
 */
export const NEAR_IDENTICAL = 0.8

/** Texts that are the same, or nearly. */
export interface NearDuplicate {
  readonly a: string
  readonly b: string
  /** Whether they differ in case, white space and the punctuation at their end at most. */
  readonly same: boolean
  /** 1 where they are the same, else their containment. */
  readonly similarity: number
}

/** Share of the fingerprints in common from which on a pair is compared in full; far below what near-identical texts have. */
const WORTH_A_LOOK = 0.3

/** Partners that a fingerprint gives to a text at the most; texts that share more than boilerplate meet at other ones too. */
const PARTNERS = 8

/**
 * Finds texts of two collections that are near-identical (see {@link NEAR_IDENTICAL}), in time that grows with their length.
 *
 * @param a id -> text; of several ids with the same text the first stands for all
 * @param b id -> text; without it, texts of `a` are compared with each other, and `b` of a pair comes later in `a`
 * @returns pairs in the order of `b`: every `b` that has an equal text, and those that are near-identical
 */
export function findNearDuplicates(
  a: ReadonlyMap<string, string>,
  b?: ReadonlyMap<string, string>,
): readonly NearDuplicate[] {
  const first = new Map<string, string>()
  const pairs: NearDuplicate[] = []
  /** Texts to be compared in full: none twice, and none of `b` that is in `a`. */
  const texts: { readonly id: string; readonly key: string }[] = []
  for (const [id, text] of a) {
    const key = sameTextKey(text)
    const known = first.get(key)
    if (known === undefined) {
      first.set(key, id)
      texts.push({ id, key })
    } else if (!b) pairs.push({ a: known, b: id, same: true, similarity: 1 })
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
  return pairs.sort((p, q) => order.get(p.b)! - order.get(q.b)!)
}

const END = ' .?!…。？！'

/** Equal for texts that differ in case, width, white space and the punctuation at their end alone. */
export function sameTextKey(text: string): string {
  const folded = foldText(text)
  let end = folded.length
  while (end > 0 && END.includes(folded[end - 1])) end--
  return end === 0 ? folded : folded.slice(0, end)
}

/** Pairs that share enough fingerprints, in the order of their second; with a border, only pairs across it. */
function* candidates(
  texts: readonly { readonly key: string }[],
  border: number | undefined,
): Generator<readonly [number, number]> {
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
 * An inverted index of fingerprints, in flat arrays as there are tens of millions of them.
 *
 * @returns `members`: the texts of each fingerprint, one run of ascending indices after another; the fingerprints of text i
 *   have the numbers from `offsets[i]` to `offsets[i + 1]`, and `runs` gives for a number where its run starts and where in
 *   it the text itself stands
 */
function indexFingerprints(texts: readonly { readonly key: string }[]) {
  const n = texts.length
  // A fingerprint and an index share the 53 bits of a whole number.
  const dropped = Math.max(0, Math.ceil(Math.log2(n + 1)) - 21)
  const lists = texts.map(({ key }) => fingerprints(shingleHashes(wordHashes(key))))
  const offsets = new Uint32Array(n + 1)
  for (let i = 0; i < n; i++) offsets[i + 1] = offsets[i] + lists[i].length
  const postings = new Float64Array(offsets[n])
  lists.forEach((list, i) => {
    for (let k = 0; k < list.length; k++) postings[offsets[i] + k] = (list[k] >>> dropped) * n + i
  })
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

/** The shingles of a text; those of the last thousand are kept, as candidates come in order. */
function memoizedShingles(texts: readonly { readonly key: string }[]): (index: number) => Uint32Array {
  const known = new Map<number, Uint32Array>()
  return index => {
    let shingles = known.get(index)
    if (!shingles) {
      shingles = distinct(shingleHashes(wordHashes(texts[index].key)))
      if (known.size >= 1000) known.delete(known.keys().next().value!)
      known.set(index, shingles)
    }
    return shingles
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
