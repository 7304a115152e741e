import { stripVTControlCharacters } from 'node:util'

const ASCII = /^[\x20-\x7e]*$/
/** What takes no column: combining marks, joiners and other format characters, control characters. */
const NO_COLUMN = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u
/** What takes two: emoji, flags, and what an emoji selector turns into one. */
const EMOJI = /\p{Emoji_Presentation}|\p{Regional_Indicator}{2}|\p{Emoji}\uFE0F/u

/** Ranges of East Asian Width W and F besides emoji. @see https://www.unicode.org/reports/tr11/ */
const WIDE: readonly (readonly [from: number, to: number])[] = [
  ...([
    [0x1100, 0x115f],
    [0x2329, 0x232a],
    [0x2e80, 0x303e],
    [0x3041, 0x33ff],
    [0x3400, 0x4dbf],
  ] as const),
  ...([
    [0x4e00, 0xa4cf],
    [0xa960, 0xa97f],
    [0xac00, 0xd7a3],
    [0xf900, 0xfaff],
    [0xfe10, 0xfe19],
  ] as const),
  ...([
    [0xfe30, 0xfe6f],
    [0xff01, 0xff60],
    [0xffe0, 0xffe6],
    [0x16fe0, 0x18dff],
    [0x1aff0, 0x1b2ff],
  ] as const),
  ...([
    [0x1f200, 0x1f2ff],
    [0x20000, 0x3fffd],
  ] as const),
]

let segmenter: Intl.Segmenter | undefined

/** What a reader takes for one character each. */
function graphemes(text: string): string[] {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return Array.from(segmenter.segment(text), ({ segment }) => segment)
}

function graphemeWidth(grapheme: string): number {
  if (NO_COLUMN.test(grapheme)) return 0
  if (EMOJI.test(grapheme)) return 2
  const code = grapheme.codePointAt(0)!
  return WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1
}

/** Columns that a text takes on a terminal; colours take none. */
export function visibleWidth(text: string): number {
  if (ASCII.test(text)) return text.length
  return graphemes(stripVTControlCharacters(text)).reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0)
}

/** Fills up with blanks on the right to so many columns. */
export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - visibleWidth(text)))
}

/** Fills up with blanks on the left to so many columns. */
export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - visibleWidth(text))) + text
}

/** A text without colours, cut to so many columns; what was cut shows as an ellipsis. */
export function truncate(text: string, columns: number): string {
  if (visibleWidth(text) <= columns) return text
  let [kept, width] = ['', 0]
  for (const grapheme of graphemes(text)) {
    width += graphemeWidth(grapheme)
    if (width > columns - 1) break
    kept += grapheme
  }
  return columns > 0 ? `${kept}…` : ''
}

/** A text of someone else's on one line, cut to so many columns, without control characters, which could steer the terminal. */
export function oneLine(text: string, columns: number): string {
  return truncate(text.replace(/[\s\p{Cc}]+/gu, ' '), columns)
}
