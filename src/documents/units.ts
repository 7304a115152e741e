import type { Flow } from './flow.js'
import type { Section } from './section.js'

/** The smallest part of a chunk: a sentence, a row, a line of code, or a part of one that is too long. */
export interface Unit extends Piece, TokenStart {
  /** Tokens from `tokensFrom` to that of the next unit. */
  readonly tokens: number
  readonly section: Section
  readonly isHeading: boolean
  /** Kind of section that begins here. */
  readonly opens?: Section['starts']
}

/** Place where the tokenizer begins a part of a text. */
type TokenStart = ReturnType<typeof tokenStart>

/** Longest run of white space that is counted exactly. */
const LONGEST_GAP = 100
const LIST_ITEM = /^\s*(?:[-*+•‣◦▪]|\d{1,3}[.)])\s/u
const TABLE_ROW = /^\s*\|/u
// No two runs of blanks side by side: between them a search would try every place.
const TABLE_RULE = /^[ \t]*(?:\|[ \t]*)?:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+(?:\|[ \t]*)?$/mu
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/u

/** Divides a document into units of at most `maxTokens`, which together are all of it except white space. */
export function unitsOf(flow: Flow, maxTokens: number, count: (text: string) => number): Unit[] {
  const { text, sections } = flow
  const pieces: Piece[] = []
  for (const piece of piecesOf(flow)) {
    if (isTooLong(text.slice(piece.start, piece.end), maxTokens, count)) {
      for (const part of splitLong(text, piece, maxTokens, count)) pieces.push(part)
    } else pieces.push(piece)
  }
  const starts = pieces.map(({ start }, i) => tokenStart(text, i === 0 ? 0 : pieces[i - 1].end, start))
  let at = -1
  return pieces.map((piece, i) => {
    let opens: Section['starts']
    for (; at + 1 < sections.length && sections[at + 1].start <= piece.start; at++) {
      opens = sections[at + 1].section.starts ?? opens
    }
    const { section, start } = sections[at]
    const tokens = count(text.slice(starts[i].tokensFrom, starts[i + 1]?.tokensFrom ?? piece.end))
    const isHeading = section.starts === 'heading' && piece.end <= firstLineEnd(text, start)
    return { ...piece, ...starts[i], tokens, section, isHeading, ...(opens && { opens }) }
  })
}

function firstLineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end < 0 ? text.length : end
}

/** Divides a text into sentences of paragraphs, and whole rows, lines of code and headings. */
function* piecesOf({ text, sections }: Flow): Generator<Piece> {
  let next = 0
  let rows = false
  let headingLine = false
  let fence: string | undefined
  let paragraph: { start: number; end: number } | undefined
  const flush = function* (): Generator<Piece> {
    if (paragraph) yield* inParagraph(text, paragraph.start, paragraph.end)
    paragraph = undefined
  }

  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    for (; next < sections.length && sections[next].start <= end; next++) {
      const { section, start: begin } = sections[next]
      // A page that ends within a sentence begins within a line: it interrupts nothing.
      if (begin !== start) continue
      if (section.starts) fence = undefined
      headingLine = section.starts === 'heading'
      rows = section.rows ?? false
    }
    const line = text.slice(start, end)
    const marker = rows ? undefined : FENCE.exec(line)
    if (line.trim() === '') {
      if (!fence) yield* flush()
    } else if (fence !== undefined || marker || headingLine || rows || TABLE_ROW.test(line)) {
      yield* flush()
      if (fence === undefined) fence = headingLine ? undefined : marker?.[1]
      else if (marker?.[1].startsWith(fence) && marker[2].trim() === '') fence = undefined
      // The indentation of a line stays.
      yield { start, end: start + line.trimEnd().length, cut: fence === undefined ? CUT.block : CUT.sentence }
    } else {
      if (paragraph && LIST_ITEM.test(line)) yield* flush()
      paragraph = { start: paragraph?.start ?? start, end }
    }
    headingLine = false
    start = end + 1
  }
  yield* flush()
}

function inParagraph(text: string, start: number, end: number): Piece[] {
  const paragraph = text.slice(start, end)
  const isTable = TABLE_RULE.test(paragraph)
  const parts = isTable ? paragraph.split(/(?<=\n)/u) : sentencesOf(paragraph)
  const pieces: Piece[] = []
  let from = start
  for (const part of parts) {
    const piece = trimmedPiece(part, from, isTable ? CUT.block : CUT.sentence)
    if (piece) pieces.push(piece)
    from += part.length
  }
  return endingWith(pieces, CUT.block)
}

/** The part of a text from `from` on without white space around it; undefined if nothing is left. */
function trimmedPiece(part: string, from: number, cut: Cut): Piece | undefined {
  const trimmed = part.trim()
  if (trimmed === '') return undefined
  const start = from + part.indexOf(trimmed)
  return { start, end: start + trimmed.length, cut }
}

const endingWith = (pieces: readonly Piece[], cut: Cut): Piece[] =>
  pieces.map((piece, i) => (i === pieces.length - 1 ? { ...piece, cut } : piece))

/**
 * Finds the place between two units at which the tokenizer divides the text anyway. cl100k_base takes line feeds with
 * the punctuation before them and a space with the word after it, so a token always ends after the last line feed, or
 * else before the first space.
 */
function tokenStart(text: string, endBefore: number, start: number) {
  const gap = text.slice(endBefore, start)
  return {
    /** Offset that no token crosses, unless the unit is glued. */
    tokensFrom: endBefore + gap.lastIndexOf('\n') + 1,
    /** True if a token may continue from the unit before. */
    isGlued: endBefore > 0 && (gap === '' || gap.length > LONGEST_GAP),
  }
}

/** Makes a function that counts the tokens of units [first, last) as `count` does, from sums if these are exact. */
export function createUnitCounter(text: string, units: readonly Unit[], count: (text: string) => number) {
  const sums = new Float64Array(units.length + 1)
  const glued = new Uint32Array(units.length + 1)
  units.forEach((unit, i) => {
    sums[i + 1] = sums[i] + unit.tokens
    glued[i + 1] = glued[i] + Number(unit.isGlued)
  })
  return (first: number, last: number): number => {
    const { start } = units[first]
    const { end, tokensFrom } = units[last - 1]
    const isExact = last - first > 2 && glued[last] === glued[first + 1]
    if (!isExact) return count(text.slice(start, end))
    // The first unit stands without the white space before it, the last without that after it.
    const head = count(text.slice(start, units[first + 1].tokensFrom))
    return head + (sums[last - 1] - sums[first + 1]) + count(text.slice(tokensFrom, end))
  }
}

/** Places to cut, best first: after a paragraph or row, after a sentence, between words, within a word. */
const CUT = { block: 0, sentence: 1, word: 2, character: 3 } as const
type Cut = (typeof CUT)[keyof typeof CUT]

/** A part of a text, by offsets in UTF-16 units, with the kind of cut after it. */
type Piece = { readonly start: number; readonly end: number; readonly cut: Cut }

// "und": boundaries must be the same on every machine, whatever its language.
const sentences = new Intl.Segmenter('und', { granularity: 'sentence' })
const words = new Intl.Segmenter('und', { granularity: 'word' })
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
/** Most characters of a token of cl100k_base. */
const LONGEST_TOKEN = 256
const WINDOW = 2048

/** Ways to divide, best cut first; each divides what the one before left too long. */
const LEVELS: readonly { cut: Cut; grouped: boolean; divide(text: string): Iterable<string> }[] = [
  { cut: CUT.sentence, grouped: false, divide: sentencesOf },
  { cut: CUT.word, grouped: true, divide: text => text.match(/\s*\S+|\s+/gu) ?? [] },
  { cut: CUT.word, grouped: true, divide: text => segments(words, text) },
  { cut: CUT.character, grouped: true, divide: text => segments(graphemes, text) },
  { cut: CUT.character, grouped: true, divide: text => text },
]

/** Divides a paragraph at Unicode's sentence boundaries; a line feed is a space. The parts together are the text. */
export function* sentencesOf(text: string): Generator<string> {
  // The segmenter ends a sentence at every line feed, but lines of a paragraph are broken anywhere.
  let from = 0
  for (const segment of segments(sentences, text.includes('\n') ? text.replaceAll('\n', ' ') : text)) {
    yield text.slice(from, from + segment.length)
    from += segment.length
  }
}

/** True if a text has more than `maxTokens`; counts only if the length does not tell. */
function isTooLong(text: string, maxTokens: number, count: (text: string) => number): boolean {
  // A UTF-16 unit is at most 3 bytes, and a byte at most a token.
  if (text.length * 3 <= maxTokens) return false
  return text.length > maxTokens * LONGEST_TOKEN || count(text) > maxTokens
}

/** Cuts what is longer than a chunk: at sentences, between words, between graphemes, at last between code points. */
function splitLong(text: string, part: Piece, maxTokens: number, count: (text: string) => number): Piece[] {
  const pieces: Piece[] = []
  // Short words are taken together, so that a long text is not counted word by word.
  const groupLength = Math.max(1, Math.floor(maxTokens / 16))

  const divide = (start: number, end: number, level: number): void => {
    const { cut, grouped, divide: split } = LEVELS[level]
    let from = start
    let to = start
    const flush = () => {
      const piece = trimmedPiece(text.slice(from, to), from, cut)
      if (piece) pieces.push(piece)
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

  divide(part.start, part.end, 0)
  return endingWith(pieces, part.cut)
}

/** Segments a text window by window: each step of Intl.Segmenter takes time in the length of its whole input. */
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
    // The segment cut off by the window's end is segmented again; one that fills a window needs a larger one.
    size = taken === 0 ? size * 2 : WINDOW
    start += taken
  }
}
