import { dehyphenate } from './dehyphenate.js'
import { gapBetween } from './join-text.js'
import type { PdfLine } from './pdf-lines.js'
import { headingPath, type Section } from './section.js'

/** A heading is set so much larger than the text. */
const HEADING_SIZE = 1.15
const LONGEST_HEADING = 200
/** Lines further apart than usual by this much are of two paragraphs. */
const PARAGRAPH_GAP = 1.3

/** Puts lines together to paragraphs, and these to sections by page and heading (lines in a larger font). */
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

function sameSize(a: PdfLine, b: PdfLine | undefined): boolean {
  return b !== undefined && Math.abs(a.size - b.size) < 0.6
}

function isHeading({ text, size }: PdfLine, body: number): boolean {
  return size >= body * HEADING_SIZE && text.length <= LONGEST_HEADING && /\p{L}.*\p{L}/u.test(text)
}

function roundSize(size: number): number {
  return Math.round(size * 2) / 2
}

/** The size in which most of the text is set. */
function bodySize(lines: readonly PdfLine[]): number {
  const characters = new Map<number, number>()
  for (const { size, text } of lines) {
    characters.set(roundSize(size), (characters.get(roundSize(size)) ?? 0) + text.length)
  }
  return [...characters].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0])[0]
}

/** The largest headings are of level 1. */
function headingLevels(lines: readonly PdfLine[], body: number): Map<number, number> {
  const sizes = new Set(lines.filter(line => isHeading(line, body)).map(line => roundSize(line.size)))
  return new Map([...sizes].sort((a, b) => b - a).map((size, i) => [size, i + 1]))
}

/** The median distance of lines, in font sizes. */
function usualPitch(lines: readonly PdfLine[]): number {
  const pitches: number[] = []
  for (let i = 1; i < lines.length; i++) {
    const [before, line] = [lines[i - 1], lines[i]]
    const pitch = ((before.y - line.y) * line.pageHeight) / line.size
    if (before.page === line.page && sameSize(line, before) && pitch > 0.5 && pitch < 4) pitches.push(pitch)
  }
  return pitches.sort((a, b) => a - b)[Math.floor(pitches.length / 2)] ?? 1.2
}
