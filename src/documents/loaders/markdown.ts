import { loadText } from '../decode-text.js'
import { headingPath, type Section } from '../section.js'
import type { DocumentLoader } from './loader.js'

const ATX = /^ {0,3}(#{1,6})(?:[ \t]|$)/u
const SETEXT = /^ {0,3}(=+|-+)[ \t]*$/u
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/u
const FRONT_MATTER = /^---[ \t]*\n(?:[\s\S]*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|$)/u
// A line that cannot be the text of an underlined heading: blank, indented, or of another kind of block.
const NO_TITLE = /^(?:\s*$| {4}|\t|\s*(?:[-*+>|]|\d+[.)])(?:\s|$)|\s*\|)/u

/** Markdown as it is, one section per heading, without front matter (YAML between two `---`). */
export const markdown: DocumentLoader = {
  name: 'Markdown',
  extensions: ['.md', '.markdown'],
  load: loadText(text => ({ sections: markdownSections(text.replace(FRONT_MATTER, '')) })),
}

/** Divides Markdown at its headings (`#` or underlined, not those in fenced code); nothing is removed. */
export function markdownSections(text: string): Section[] {
  const path = headingPath()
  const sections: Section[] = []
  const lines = text.split('\n')
  let open: { heading?: string; from: number } = { from: 0 }
  let fence: string | undefined
  const close = (to: number) => {
    const { heading, from } = open
    const body = lines.slice(from, to).join('\n').trimEnd()
    if (body.trim() === '') return
    sections.push(heading === undefined ? { text: body } : { text: body, heading, starts: 'heading' })
  }
  const begin = (line: number, level: number, title: string) => {
    close(line)
    open = { heading: path.enter(level, plainTitle(title)), from: line }
  }
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]
    const marker = FENCE.exec(line)
    if (fence !== undefined) {
      if (marker?.[1].startsWith(fence) && marker[2].trim() === '') fence = undefined
      continue
    }
    if (marker && !(marker[1][0] === '`' && marker[2].includes('`'))) {
      fence = marker[1]
      continue
    }
    const atx = ATX.exec(line)
    if (atx) begin(i, atx[1].length, withoutClosing(line.slice(atx[0].length)))
    else if (isUnderlined(lines, i, open.from)) begin(i, lines[i + 1].trim()[0] === '=' ? 1 : 2, line)
  }
  close(lines.length)
  return sections
}

/** True if the line is a separate paragraph with a line of `=` or `-` under it. */
function isUnderlined(lines: readonly string[], i: number, sectionStart: number): boolean {
  if (i + 1 >= lines.length || NO_TITLE.test(lines[i]) || !SETEXT.test(lines[i + 1])) return false
  const before = i > 0 ? lines[i - 1] : ''
  return before.trim() === '' || i === sectionStart
}

/** Removes the `#` that may close a heading; step by step, as a pattern would try every blank. */
function withoutClosing(title: string): string {
  const text = title.trim()
  let end = text.length
  while (text[end - 1] === '#') end--
  return end === 0 ? '' : /\s/u.test(text[end - 1]) ? text.slice(0, end).trimEnd() : text
}

/** Characters up to which the marks of a title are removed; the patterns try every pair of marks. */
const LONGEST_TITLE = 1000

function plainTitle(title: string): string {
  if (title.length > LONGEST_TITLE) return title.replace(/\s+/gu, ' ').trim()
  return title
    .replace(/!?\[([^[\]]*)\]\([^()]*\)/gu, '$1')
    .replace(/(\*{1,3}|`+)(?=\S)(.+?)(?<=\S)\1/gu, '$2')
    .replace(/\s+/gu, ' ')
    .trim()
}
