import type { ChunkOptions } from './chunk-options.js'
import { createUnitCounter } from './count-units.js'
import type { Unit } from './units.js'

/** Units [first, last) that make a chunk. */
export interface Packed {
  readonly first: number
  readonly last: number
  readonly text: string
  readonly tokens: number
}

/** A chunk that is full may end anywhere in its last quarter. */
const FULL = 0.75

/**
 * Puts units together to chunks.
 *
 * Of the places where a full chunk may end, the best kind (paragraph, then sentence, then word) is taken, and among equals the
 * one whose text has the least hash. So two versions of a document, cut in different places after an edit, soon choose
 * the same place again, and from there on all chunks are the same.
 */
export function* packUnits(
  text: string,
  units: readonly Unit[],
  { maxTokens, overlap, minTokens }: Required<ChunkOptions>,
  count: (text: string) => number,
): Generator<Packed> {
  const tokensIn = createUnitCounter(text, units, count)
  let first = 0
  /** The first unit that no chunk holds yet; those from `first` to here are the overlap. */
  let fresh = 0
  while (fresh < units.length) {
    let last = first
    let sum = 0
    let isFull = false
    for (; last < units.length; last++) {
      const { opens, tokens } = units[last]
      if (last > fresh && (opens === 'record' || (opens === 'heading' && sum >= minTokens))) break
      isFull = sum + tokens > maxTokens && last > fresh
      if (isFull) break
      sum += tokens
    }
    if (isFull) last = bestEnd(text, units, first, fresh, last, maxTokens * FULL)
    while (last - 1 > fresh && last < units.length && units[last - 1].isHeading) last--

    let tokens = tokensIn(first, last)
    // The tokens of units do not quite add up: white space at the ends goes, and words without a space between them join.
    while (tokens > maxTokens) {
      if (last - 1 > fresh) last--
      else first++
      tokens = tokensIn(first, last)
    }
    yield { first, last, text: text.slice(units[first].start, units[last - 1].end), tokens }

    fresh = last
    if (fresh === units.length) return
    const previous = first
    first = fresh
    if (units[fresh].opens) continue
    let shared = 0
    while (first - 1 > previous) {
      const { tokens: more, opens } = units[first - 1]
      if (shared + more > overlap || shared + more + units[fresh].tokens > maxTokens) break
      shared += more
      first--
      if (opens) break
    }
    while (first < fresh && tokensIn(first, fresh) > overlap) first++
  }
}

function bestEnd(
  text: string,
  units: readonly Unit[],
  first: number,
  fresh: number,
  end: number,
  full: number,
): number {
  let sum = 0
  for (let i = first; i < end; i++) sum += units[i].tokens
  let best = end
  let bestHash = Number.POSITIVE_INFINITY
  for (let last = end; last > fresh; last--) {
    const unit = units[last - 1]
    if (last < end && sum < full) break
    sum -= unit.tokens
    if (last < end && unit.cut > units[best - 1].cut) continue
    const hash = hashOf(text, unit)
    if (last < end && unit.cut === units[best - 1].cut && hash >= bestHash) continue
    best = last
    bestHash = hash
  }
  return best
}

/** FNV-1a. */
function hashOf(text: string, { start, end }: Unit): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
