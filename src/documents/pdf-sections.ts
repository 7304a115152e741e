import { getOrInsert } from '../maps.js'
import { onOneLine } from './decode-text.js'
import { gapBetween } from './flow.js'
import { headingPath, type Section } from './section.js'

export interface PdfLine {
  readonly text: string
  readonly page: number
  /** Font size in points. */
  readonly size: number
  /** Distance of the baseline from the foot of the page, as a fraction of its height. */
  readonly y: number
  /** Height of the page in points. */
  readonly pageHeight: number
}

/** The used part of a text item of PDF.js. */
export type PdfTextItem = { readonly str: string; readonly transform: readonly number[]; readonly hasEOL: boolean }

/** Font size of a heading, relative to the text. */
const HEADING_SIZE = 1.15
const LONGEST_HEADING = 200
/** Distance of two paragraphs, relative to that of lines. */
const PARAGRAPH_GAP = 1.3
/** Share of a page's height, at its top and its foot, of running headers and page numbers. */
const MARGIN = 0.08

/** Joins lines to paragraphs, and these to sections by page and heading (lines in a larger font). */
export function pdfSections(allLines: readonly PdfLine[]): Section[] {
  const whole = dehyphenate(allLines.map(line => line.text))
  const lines = allLines.map((line, i) => ({ ...line, text: whole[i] })).filter(line => line.text !== '')
  const body = bodySize(lines)
  const pitch = usualPitch(lines)
  const levels = headingLevels(lines, body)
  const path = headingPath()
  const sections: Section[] = []
  let heading: string | undefined
  let starts: Section['starts']
  let text = ''

  const close = (page: number) => {
    if (text !== '') sections.push({ text, page, ...(heading !== undefined && { heading }), ...(starts && { starts }) })
    text = ''
    starts = undefined
  }
  let title = ''
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]
    const before = lines[i - 1]
    const gap = before ? (before.y - line.y) * line.pageHeight : 0
    const apart = !sameSize(line, before) || gap > pitch * line.size * PARAGRAPH_GAP
    const turned = before !== undefined && before.page !== line.page
    if (isHeading(line, body)) {
      if (title !== '' && !turned && !apart) {
        // A heading of several lines.
        title += gapBetween(title, line.text) + line.text
      } else {
        if (before) close(before.page)
        title = line.text
      }
      text = title
      starts = 'heading'
      const next = lines[i + 1]
      const goesOn = next && next.page === line.page && isHeading(next, body) && sameSize(next, line)
      if (!goesOn || (line.y - next.y) * line.pageHeight > pitch * line.size * PARAGRAPH_GAP) {
        heading = path.enter(levels.get(roundSize(line.size)) ?? 1, title)
        title = ''
      }
      continue
    }
    if (turned) close(before.page)
    if (text === '') text = line.text
    else text += (apart ? '\n\n' : gapBetween(text, line.text)) + line.text
  }
  if (lines.length > 0) close(lines[lines.length - 1].page)
  return sections
}

const sameSize = (a: PdfLine, b: PdfLine | undefined): boolean => b !== undefined && Math.abs(a.size - b.size) < 0.6

function isHeading({ text, size }: PdfLine, body: number): boolean {
  return size >= body * HEADING_SIZE && text.length <= LONGEST_HEADING && /\p{L}.*\p{L}/u.test(text)
}

const roundSize = (size: number): number => Math.round(size * 2) / 2

function bodySize(lines: readonly PdfLine[]): number {
  const characters = new Map<number, number>()
  for (const { size, text } of lines) {
    characters.set(roundSize(size), (characters.get(roundSize(size)) ?? 0) + text.length)
  }
  return [...characters].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0])[0]
}

function headingLevels(lines: readonly PdfLine[], body: number): Map<number, number> {
  const sizes = new Set(lines.filter(line => isHeading(line, body)).map(line => roundSize(line.size)))
  return new Map([...sizes].sort((a, b) => b - a).map((size, i) => [size, i + 1]))
}

function usualPitch(lines: readonly PdfLine[]): number {
  const pitches: number[] = []
  for (let i = 1; i < lines.length; i++) {
    const [before, line] = [lines[i - 1], lines[i]]
    const pitch = ((before.y - line.y) * line.pageHeight) / line.size
    if (before.page === line.page && sameSize(line, before) && pitch > 0.5 && pitch < 4) pitches.push(pitch)
  }
  return pitches.sort((a, b) => a - b)[Math.floor(pitches.length / 2)] ?? 1.2
}

export function linesOfPage(items: readonly PdfTextItem[], page: number, [, bottom, , top]: readonly number[]) {
  const lines: PdfLine[] = []
  let held: PdfTextItem[] = []
  const flush = () => {
    const text = onOneLine(held.map(item => item.str).join(''))
    const longest = held.reduce((best, item) => (item.str.trim().length > best.str.trim().length ? item : best))
    held = []
    if (text === '') return
    const [, , c, d, , y] = longest.transform
    lines.push({ text, page, size: Math.hypot(c, d), y: (y - bottom) / (top - bottom), pageHeight: top - bottom })
  }
  for (const item of items) {
    held.push(item)
    if (item.hasEOL) flush()
  }
  if (held.length > 0) flush()
  return lines
}

/**
 * Removes running headers, footers and page numbers, which would interrupt sentences: lines in the margins that are
 * equal except for digits on at least three pages and on half of all.
 */
export function withoutRunningLines(lines: readonly PdfLine[], pageCount: number): PdfLine[] {
  const pagesOf = new Map<string, Set<number>>()
  for (const line of lines) {
    const key = marginKey(line)
    if (key !== undefined) getOrInsert(pagesOf, key, () => new Set()).add(line.page)
  }
  const enough = Math.max(3, pageCount / 2)
  return lines.filter(line => (pagesOf.get(marginKey(line) ?? '')?.size ?? 0) < enough)
}

function marginKey({ text, y }: PdfLine): string | undefined {
  if (y > MARGIN && y < 1 - MARGIN) return undefined
  return `${y < 0.5 ? 'foot' : 'top'} ${text.replace(/\p{N}+/gu, '#')}`
}

const WORD_BEFORE_BREAK = /([\p{L}\p{M}]+)([-\u2010\u00ad])$/u
const WORD_AFTER_BREAK = /^[\p{L}\p{M}\p{N}]+/u

/**
 * Joins words that are broken at the end of a line; the whole word then stands on the first line.
 *
 * The hyphen stays if the document has the word with a hyphen elsewhere ("query-side") or both parts as words, before a
 * capital letter or digit, and in a word with another hyphen; else it goes.
 */
export function dehyphenate(lines: readonly string[]): string[] {
  const result = [...lines]
  const words = vocabulary(lines)
  for (let i = 0; i + 1 < result.length; i++) {
    const before = WORD_BEFORE_BREAK.exec(result[i])
    const after = WORD_AFTER_BREAK.exec(result[i + 1])
    if (!before || !after) continue
    const [hyphened, left, mark] = before
    const [right] = after
    const stem = result[i].slice(0, -hyphened.length)
    const glue = mark === '\u00ad' || !keepsHyphen(stem, left, right, words) ? '' : '-'
    const [rest] = result[i + 1].split(' ', 1)
    result[i] = `${stem}${left}${glue}${rest}`
    result[i + 1] = result[i + 1].slice(rest.length).trimStart()
  }
  return result
}

function keepsHyphen(stem: string, left: string, right: string, words: ReadonlySet<string>): boolean {
  if (/[-\u2010]$/u.test(stem) || /^[\p{Lu}\p{N}]/u.test(right)) return true
  const [a, b] = [left.toLowerCase(), right.toLowerCase()]
  if (words.has(`${a}-${b}`)) return true
  if (words.has(a + b)) return false
  return words.has(a) && words.has(b)
}

/** Collects all words, with and without hyphens, that no line break touches. */
function vocabulary(lines: readonly string[]): Set<string> {
  const words = new Set<string>()
  lines.forEach((line, i) => {
    const found = [...line.matchAll(/[\p{L}\p{M}]+(?:[-\u2010][\p{L}\p{M}]+)*/gu)].map(([word]) => word)
    if (WORD_BEFORE_BREAK.test(line)) found.pop()
    if (i > 0 && WORD_BEFORE_BREAK.test(lines[i - 1])) found.shift()
    for (const word of found) words.add(word.toLowerCase().replaceAll('\u2010', '-'))
  })
  return words
}
