import { normalizeText, onOneLine } from './decode-text.js'
import { headingPath, type Section } from './section.js'

/** The used part of a DOM node, so that no DOM library's types are needed. */
interface HtmlNode {
  readonly nodeType: number
  readonly nodeName: string
  textContent: string | null
  readonly childNodes: ArrayLike<HtmlNode>
}

/** @see {@link HtmlNode} */
export interface HtmlElement extends HtmlNode {
  readonly id: string
  readonly className: string
  readonly tagName: string
  readonly previousElementSibling: HtmlElement | null
  getAttribute(name: string): string | null
  removeAttribute(name: string): void
  querySelector(selector: string): HtmlElement | null
  querySelectorAll(selector: string): Iterable<HtmlElement>
  closest(selector: string): HtmlElement | null
  prepend(element: HtmlElement | string): void
  remove(): void
  createElement(name: string): HtmlElement
}

const TEXT_NODE = 3
const ELEMENT_NODE = 1
const DOCUMENT_NODES = [9, 11]
const names = (list: string): ReadonlySet<string> => new Set(list.split(' '))
const LEFT_OUT = names('SCRIPT STYLE NOSCRIPT TEMPLATE SVG IFRAME OBJECT HEAD TITLE BUTTON SELECT')
const INLINE = names(
  'A ABBR ACRONYM B BDI BDO BIG CITE CODE DATA DEL DFN EM FONT I INS KBD LABEL MARK MATH OUTPUT Q S SAMP SMALL SPAN ' +
    'STRIKE STRONG SUB SUP TIME TT U VAR WBR RUBY RB RT RP IMG',
)

/**
 * Extracts the text of HTML: one section per heading, paragraphs separated by blank lines, rows of tables as `| cell |
 * cell |`, items of lists as `- item`, preformatted text within ``` fences.
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
      // The heading of a panel that opens is a button.
      const title = inlineText(node, true)
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

/** Returns all text under a node on one line; blocks and line breaks are spaces. */
function inlineText(node: HtmlNode, withButtons = false): string {
  const parts: string[] = []
  const visit = (child: HtmlNode): void => {
    if (child.nodeType === TEXT_NODE) parts.push((child.textContent ?? '').replaceAll('\u00ad', ''))
    const name = child.nodeName.toUpperCase()
    if (child.nodeType !== ELEMENT_NODE || (LEFT_OUT.has(name) && !(withButtons && name === 'BUTTON'))) return
    const isBlock = name !== 'BUTTON' && !INLINE.has(name)
    if (isBlock) parts.push(' ')
    Array.from(child.childNodes).forEach(visit)
    if (isBlock) parts.push(' ')
  }
  visit(node)
  return onOneLine(parts.join(''))
}

/** Levels of nesting of the documents that are read. */
const MAX_DEPTH = 512

/** Checks that elements are not nested so deep that walking them would overflow the stack; itself a walk without recursion. */
export function checkNesting(root: HtmlNode): void {
  let [level, depth]: [readonly HtmlNode[], number] = [[root], 0]
  while (level.length > 0) {
    if (depth++ > MAX_DEPTH) throw new Error(`its elements are nested deeper than ${MAX_DEPTH} levels`)
    level = level.flatMap(node => (node.nodeType === TEXT_NODE ? [] : Array.from(node.childNodes)))
  }
}

function descendants(node: HtmlNode, name: string): HtmlNode[] {
  return Array.from(node.childNodes).flatMap(child =>
    child.nodeName.toUpperCase() === name ? [child] : descendants(child, name),
  )
}

// A table that holds tables or headings arranges a page; its cells are not data.
function isLayout(table: HtmlNode): boolean {
  return Array.from(table.childNodes).some(child => LAID_OUT.has(child.nodeName.toUpperCase()) || isLayout(child))
}

const LAID_OUT = names('TABLE H1 H2 H3')
