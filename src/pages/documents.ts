import { searchWords } from '../adapters/terms.js'
import { needsSegmenter, type Tokenizer } from '../terms/tokens.js'

/** A document as the page shows it: its start, and where words of the query are. */
export interface ShownDocument {
  readonly id: string
  readonly text: string
  /** True if `text` is only the start. */
  readonly cut: boolean
  /** Start and end of each matching word in `text`, in UTF-16 code units. */
  readonly marks: readonly (readonly [start: number, end: number])[]
  /** Null if the judge has not given one. */
  readonly grade?: number | null
}

/** Characters of a document that are shown at first, and at most on request. */
const SHOWN = 3000
const MOST_SHOWN = 4_000_000
/** Characters in which matching words are looked for, and the most that are marked. */
const MARKED = 200_000
const MOST_MARKS = 1000
const RUN = /[\p{L}\p{M}\p{N}]+/gu

export function documentView(query: string, tokenize: Tokenizer) {
  const words = new Set(searchWords(tokenize(query)))
  const marksIn = (text: string): [number, number][] => {
    const marks: [number, number][] = []
    for (const { 0: run, index } of text.slice(0, MARKED).matchAll(RUN)) {
      if (marks.length >= MOST_MARKS) break
      if (!needsSegmenter(run)) {
        if (tokenize(run).words.some(word => words.has(word))) marks.push([index, index + run.length])
        continue
      }
      for (const word of words) {
        const at = run.indexOf(word)
        if (at >= 0) marks.push([index + at, index + at + word.length])
      }
    }
    return marks.sort((a, b) => a[0] - b[0]).filter(([start], i, all) => i === 0 || start >= all[i - 1][1])
  }
  return (id: string, text = '', whole = false): ShownDocument => {
    const shown = text.slice(0, whole ? MOST_SHOWN : SHOWN)
    return { id, text: shown, cut: shown.length < text.length, marks: marksIn(shown) }
  }
}
