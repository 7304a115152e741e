import { normalizeText } from './decode-text.js'

/** A line of a page, as it was set. */
export interface PdfLine {
  readonly text: string
  /** From 1. */
  readonly page: number
  /** Of the font, in points. */
  readonly size: number
  /** Of the baseline from the foot of the page, as a fraction of its height. */
  readonly y: number
  /** Of the page, in points. */
  readonly pageHeight: number
}

/** What is used of a text item of PDF.js. */
export interface PdfTextItem {
  readonly str: string
  readonly transform: readonly number[]
  readonly hasEOL: boolean
}

/** The part of a page's height, at its top and its foot, where running headers and page numbers stand. */
const MARGIN = 0.08

/** Puts the text items of one page together to lines. */
export function linesOfPage(
  items: readonly PdfTextItem[],
  page: number,
  [, bottom, , top]: readonly number[],
): PdfLine[] {
  const lines: PdfLine[] = []
  let held: PdfTextItem[] = []
  const flush = () => {
    const text = normalizeText(held.map(item => item.str).join(''))
      .replace(/\s+/gu, ' ')
      .trim()
    const longest = held.reduce(
      (best, item) => (item.str.trim().length > best.str.trim().length ? item : best),
      held[0],
    )
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
 * Takes out running headers, footers and page numbers: lines in the margins that are the same but for their digits on at
 * least three pages and on half of all. Between two pages they would interrupt a sentence.
 */
export function withoutRunningLines(lines: readonly PdfLine[], pageCount: number): PdfLine[] {
  const pagesOf = new Map<string, Set<number>>()
  for (const line of lines) {
    const key = marginKey(line)
    if (key === undefined) continue
    const pages = pagesOf.get(key) ?? new Set()
    pagesOf.set(key, pages.add(line.page))
  }
  const enough = Math.max(3, pageCount / 2)
  return lines.filter(line => (pagesOf.get(marginKey(line) ?? '')?.size ?? 0) < enough)
}

function marginKey({ text, y }: PdfLine): string | undefined {
  if (y > MARGIN && y < 1 - MARGIN) return undefined
  return `${y < 0.5 ? 'foot' : 'top'} ${text.replace(/\p{N}+/gu, '#')}`
}
