/** How good a place to cut is: after a paragraph or row, after a sentence, between words, within a word. */
export const CUT = { block: 0, sentence: 1, word: 2, character: 3 } as const
export type Cut = (typeof CUT)[keyof typeof CUT]

/** A part of a text, by offsets in UTF-16 units, and how good it is to cut after it. */
export interface Piece {
  readonly start: number
  readonly end: number
  readonly cut: Cut
}

// "und": boundaries have to be the same on every machine, whatever its language.
const sentences = new Intl.Segmenter('und', { granularity: 'sentence' })
const words = new Intl.Segmenter('und', { granularity: 'word' })
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** No token of cl100k_base has more characters. */
const LONGEST_TOKEN = 256

/** Characters that are segmented at once. */
const WINDOW = 2048

/** From the best place to cut to the worst; each divides what the one before left too long. */
const LEVELS: readonly { cut: Cut; grouped: boolean; divide(text: string): Iterable<string> }[] = [
  { cut: CUT.sentence, grouped: false, divide: sentencesOf },
  { cut: CUT.word, grouped: true, divide: text => text.match(/\s*\S+|\s+/gu) ?? [] },
  { cut: CUT.word, grouped: true, divide: text => segments(words, text) },
  { cut: CUT.character, grouped: true, divide: text => segments(graphemes, text) },
  { cut: CUT.character, grouped: true, divide: text => text },
]

/**
 * Divides a paragraph into its sentences (Unicode's boundaries, of no particular language); a line feed is a space.
 *
 * @returns parts that together are the text
 */
export function* sentencesOf(text: string): Generator<string> {
  // The segmenter ends a sentence at every line feed, but lines of a paragraph are broken anywhere.
  let from = 0
  for (const segment of segments(sentences, text.includes('\n') ? text.replaceAll('\n', ' ') : text)) {
    yield text.slice(from, from + segment.length)
    from += segment.length
  }
}

/** Whether a text has more than `maxTokens`; counts only what is neither certainly too long nor certainly not. */
export function isTooLong(text: string, maxTokens: number, count: (text: string) => number): boolean {
  // A UTF-16 unit is at most 3 bytes, and a byte at most a token.
  if (text.length * 3 <= maxTokens) return false
  return text.length > maxTokens * LONGEST_TOKEN || count(text) > maxTokens
}

/**
 * Cuts a part of a text that is longer than a chunk: at sentences, what is still too long between words, then between
 * graphemes, and only a grapheme that is longer than a chunk between code points.
 *
 * @returns pieces of at most `maxTokens`, without the white space around them
 */
export function splitLong(text: string, part: Piece, maxTokens: number, count: (text: string) => number): Piece[] {
  const pieces: Piece[] = []
  // Short words are taken together, so that a long text is not counted word by word.
  const groupLength = Math.max(1, Math.floor(maxTokens / 16))

  const divide = (start: number, end: number, level: number): void => {
    const { cut, grouped, divide: split } = LEVELS[level]
    let from = start
    let to = start
    const flush = () => {
      if (to > from) add(from, to, cut)
      from = to
    }
    for (const segment of split(text.slice(start, end))) {
      if (!grouped || to + segment.length - from > groupLength) flush()
      to += segment.length
      if (level + 1 < LEVELS.length && isTooLong(segment.trim(), maxTokens, count)) {
        divide(from, to, level + 1)
        from = to
      }
    }
    flush()
  }

  const add = (from: number, to: number, cut: Cut): void => {
    const piece = text.slice(from, to)
    const trimmed = piece.trim()
    if (trimmed === '') return
    const start = from + piece.indexOf(trimmed)
    pieces.push({ start, end: start + trimmed.length, cut })
  }

  divide(part.start, part.end, 0)
  const last = pieces.length - 1
  if (last >= 0) pieces[last] = { ...pieces[last], cut: part.cut }
  return pieces
}

/** Segments a text window by window: each step of Intl.Segmenter takes time in the length of all that it was given. */
function* segments(segmenter: Intl.Segmenter, text: string): Generator<string> {
  let size = WINDOW
  for (let start = 0; start < text.length; ) {
    const isLast = start + size >= text.length
    let held: string | undefined
    let taken = 0
    for (const { segment } of segmenter.segment(text.slice(start, start + size))) {
      if (held !== undefined) {
        yield held
        taken += held.length
      }
      held = segment
    }
    if (isLast) {
      if (held !== undefined) yield held
      return
    }
    // What the window's end cut off is segmented anew; a segment that fills a window needs a larger one.
    size = taken === 0 ? size * 2 : WINDOW
    start += taken
  }
}
