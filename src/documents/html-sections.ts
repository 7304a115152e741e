import { normalizeText } from './decode-text.js'
import { headingPath, type Section } from './section.js'

/** What is used of a DOM node, so that no DOM library's types are needed. */
export interface HtmlNode {
  readonly nodeType: number
  readonly nodeName: string
  readonly textContent: string | null
  readonly childNodes: ArrayLike<HtmlNode>
}

/** @see {@link HtmlNode} */
export interface HtmlElement extends HtmlNode {
  readonly id: string
  readonly className: string
  querySelector(selector: string): HtmlElement | null
  querySelectorAll(selector: string): Iterable<HtmlElement>
  closest(selector: string): HtmlElement | null
  prepend(element: HtmlElement): void
  remove(): void
}

const TEXT_NODE = 3
const ELEMENT_NODE = 1
const DOCUMENT_NODES = [9, 11]
const LEFT_OUT = new Set([
  'SCRIPT',
  'STYLE',
  'NOSCRIPT',
  'TEMPLATE',
  'SVG',
  'IFRAME',
  'OBJECT',
  'HEAD',
  'TITLE',
  'BUTTON',
  'SELECT',
])
const INLINE = new Set(
  'A ABBR ACRONYM B BDI BDO BIG CITE CODE DATA DEL DFN EM FONT I INS KBD LABEL MARK MATH OUTPUT Q S SAMP SMALL SPAN STRIKE STRONG SUB SUP TIME TT U VAR WBR RUBY RB RT RP IMG'.split(
    ' ',
  ),
)

/**
 * The text of HTML: a section a heading, paragraphs apart by blank lines, rows of tables as `| cell | cell |`, items of lists
 * as `- item`, preformatted text within ``` fences.
 */
export function htmlSections(root: HtmlNode): Section[] {
  const path = headingPath()
  const sections: Section[] = []
  let heading: string | undefined
  let blocks: string[] = []
  let inline = ''
  let lists = 0

  const closeBlock = () => {
    const text = normalizeText(inline)
      .split('\n')
      .map(line => line.replace(/\s+/gu, ' ').trim())
      .filter(Boolean)
      .join('\n')
    inline = ''
    if (text !== '') blocks.push(text + (lists === 0 ? '\n\n' : '\n'))
  }
  const closeSection = () => {
    closeBlock()
    const text = blocks.join('').trim()
    if (text !== '') sections.push(heading === undefined ? { text } : { text, heading, starts: 'heading' })
    blocks = []
  }

  const visit = (node: HtmlNode): void => {
    if (node.nodeType === TEXT_NODE) {
      // Line feeds of the source are spaces; those of <br> are set below.
      inline += (node.textContent ?? '').replace(/\s+/gu, ' ').replaceAll('\u00ad', '')
      return
    }
    if (node.nodeType !== ELEMENT_NODE && !DOCUMENT_NODES.includes(node.nodeType)) return
    const name = node.nodeName.toUpperCase()
    if (LEFT_OUT.has(name)) return
    if (INLINE.has(name) || node.nodeType !== ELEMENT_NODE) {
      visitChildren(node)
      return
    }
    if (name === 'BR') {
      inline += '\n'
      return
    }
    closeBlock()
    const level = /^H([1-6])$/.exec(name)?.[1]
    if (level !== undefined) {
      const title = inlineText(node)
      if (title === '') return
      closeSection()
      heading = path.enter(Number(level), title)
      blocks.push(`${title}\n\n`)
    } else if (name === 'PRE') {
      const code = normalizeText(node.textContent ?? '').replace(/^\n+|\s+$/gu, '')
      if (code !== '') blocks.push(`\`\`\`\n${code}\n\`\`\`\n\n`)
    } else if (name === 'TABLE' && !isLayout(node)) {
      visitTable(node)
    } else if (name === 'LI') {
      visitItem(node)
    } else if (name === 'UL' || name === 'OL') {
      lists++
      visitChildren(node)
      closeBlock()
      lists--
      if (lists === 0) blocks.push('\n')
    } else {
      visitChildren(node)
      closeBlock()
    }
  }
  const visitChildren = (node: HtmlNode): void => Array.from(node.childNodes).forEach(visit)

  const visitItem = (node: HtmlNode): void => {
    const from = blocks.length
    visitChildren(node)
    closeBlock()
    // The item's own first paragraph gets the mark, unless it is itself a list.
    if (blocks.length > from && !blocks[from].startsWith('- ')) blocks[from] = `- ${blocks[from]}`
  }

  const visitTable = (table: HtmlNode): void => {
    for (const caption of descendants(table, 'CAPTION')) {
      inline = inlineText(caption)
      closeBlock()
    }
    for (const row of descendants(table, 'TR')) {
      const cells = Array.from(row.childNodes).filter(cell => /^(TD|TH)$/i.test(cell.nodeName))
      const texts = cells.map(cell => inlineText(cell).replaceAll('|', '\\|'))
      if (texts.some(Boolean)) blocks.push(`| ${texts.join(' | ')} |\n`)
    }
    blocks.push('\n')
  }

  visit(root)
  closeSection()
  return sections
}

/** All text under a node on one line; blocks and line breaks are spaces. */
function inlineText(node: HtmlNode): string {
  const parts: string[] = []
  const visit = (child: HtmlNode): void => {
    if (child.nodeType === TEXT_NODE) parts.push((child.textContent ?? '').replaceAll('\u00ad', ''))
    if (child.nodeType !== ELEMENT_NODE || LEFT_OUT.has(child.nodeName.toUpperCase())) return
    const isBlock = !INLINE.has(child.nodeName.toUpperCase())
    if (isBlock) parts.push(' ')
    Array.from(child.childNodes).forEach(visit)
    if (isBlock) parts.push(' ')
  }
  visit(node)
  return normalizeText(parts.join('')).replace(/\s+/gu, ' ').trim()
}

function descendants(node: HtmlNode, name: string): HtmlNode[] {
  return Array.from(node.childNodes).flatMap(child =>
    child.nodeName.toUpperCase() === name ? [child] : descendants(child, name),
  )
}

/** A table that holds tables or headings arranges a page; its cells are not data. */
function isLayout(table: HtmlNode): boolean {
  return ['TABLE', 'H1', 'H2', 'H3'].some(name => descendants(table, name).length > 0)
}
