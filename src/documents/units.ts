import { type TokenStart, tokenStart } from './count-units.js'
import type { Flow } from './flow.js'
import type { Section } from './section.js'
import { CUT, isTooLong, type Piece, sentencesOf, splitLong } from './split-long.js'

/** The smallest part that chunks are made of: a sentence, a row, a line of code, or a part of one that is too long. */
export interface Unit extends Piece, TokenStart {
  /** From `tokensFrom` to that of the next unit. */
  readonly tokens: number
  readonly section: Section
  readonly isHeading: boolean
  /** What begins here. */
  readonly opens?: Section['starts']
}

const LIST_ITEM = /^\s*(?:[-*+•‣◦▪]|\d{1,3}[.)])\s/u
const TABLE_ROW = /^\s*\|/u
const TABLE_RULE = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*$/mu
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/u

/**
 * Divides a document into units, in its order; together they hold all of it but white space.
 *
 * @param maxTokens no unit has more
 */
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

/** Sentences of paragraphs; rows, lines of code and headings as a whole. */
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

function* inParagraph(text: string, start: number, end: number): Generator<Piece> {
  const paragraph = text.slice(start, end)
  const isTable = TABLE_RULE.test(paragraph)
  const parts = isTable ? paragraph.split(/(?<=\n)/u) : sentencesOf(paragraph)
  let from = start
  let held: Piece | undefined
  for (const part of parts) {
    const trimmed = part.trim()
    const at = from + part.indexOf(trimmed)
    from += part.length
    if (trimmed === '') continue
    if (held) yield held
    held = { start: at, end: at + trimmed.length, cut: isTable ? CUT.block : CUT.sentence }
  }
  if (held) yield { ...held, cut: CUT.block }
}
