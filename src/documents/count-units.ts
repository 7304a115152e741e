import type { Unit } from './units.js'

/** Where a part of a text begins for the tokenizer, and whether it can be counted from there. */
export interface TokenStart {
  /** No token of the text goes over this place, unless the unit is glued. */
  readonly tokensFrom: number
  /** Tokens may go over from the unit before. */
  readonly isGlued: boolean
}

/** A longer run of white space is not counted exactly. */
const LONGEST_GAP = 100

/**
 * Finds the place between two units at which the tokenizer divides the text anyway.
 *
 * cl100k_base takes line feeds with the punctuation before them, and a space with the word after it: after the last line feed,
 * or else before the first space, a token always ends.
 */
export function tokenStart(text: string, endBefore: number, start: number): TokenStart {
  const gap = text.slice(endBefore, start)
  return {
    tokensFrom: endBefore + gap.lastIndexOf('\n') + 1,
    isGlued: endBefore > 0 && (gap === '' || gap.length > LONGEST_GAP),
  }
}

/**
 * Counts the tokens of units [first, last) in their text, by adding up what was counted where that is exact.
 *
 * @returns the same number as `count` of the text
 */
export function createUnitCounter(
  text: string,
  units: readonly Unit[],
  count: (text: string) => number,
): (first: number, last: number) => number {
  const sums = new Float64Array(units.length + 1)
  const glued = new Uint32Array(units.length + 1)
  units.forEach((unit, i) => {
    sums[i + 1] = sums[i] + unit.tokens
    glued[i + 1] = glued[i] + Number(unit.isGlued)
  })
  return (first, last) => {
    const { start } = units[first]
    const { end, tokensFrom } = units[last - 1]
    const isExact = last - first > 2 && glued[last] === glued[first + 1]
    if (!isExact) return count(text.slice(start, end))
    // The first unit stands without the white space before it, the last without that after it.
    const head = count(text.slice(start, units[first + 1].tokensFrom))
    return head + (sums[last - 1] - sums[first + 1]) + count(text.slice(tokensFrom, end))
  }
}
