import type { ShownDocument } from '../documents.js'
import { ask } from './api.js'
import { button, h } from './dom.js'

/** Characters from which on a text is folded. */
const FOLDED = 320

/** Makes the text of a document: matching words marked, folded if it is long. */
export function documentText(document: ShownDocument, query: string): HTMLElement {
  const text = h('p', { class: 'text', dir: 'auto' }, ...marked(document))
  if (document.text.length <= FOLDED && !document.cut) return text
  text.classList.add('folded')
  const name = (text: string): string => `${text}: ${document.id.slice(0, 100)}`
  const more = button(toggle, { class: 'quiet', 'aria-expanded': 'false', 'aria-label': name('Show all') }, 'Show all')
  async function toggle(): Promise<void> {
    const open = text.classList.toggle('folded')
    more.ariaExpanded = String(!open)
    more.textContent = open ? 'Show all' : 'Show less'
    more.ariaLabel = name(more.textContent)
    // An open text scrolls, also by keyboard.
    text.tabIndex = open ? -1 : 0
    if (open || !document.cut || text.dataset.whole) return
    text.dataset.whole = 'true'
    try {
      text.replaceChildren(...marked(await ask('document', { id: document.id, query })))
    } catch (error) {
      text.append(h('em', {}, ` … ${(error as Error).message}`))
    }
  }
  return h('div', {}, text, more)
}

function marked({ text, marks }: ShownDocument): Node[] {
  const nodes: Node[] = []
  let at = 0
  for (const [start, end] of marks) {
    nodes.push(h('span', {}, text.slice(at, start)), h('mark', {}, text.slice(start, end)))
    at = end
  }
  return [...nodes, h('span', {}, text.slice(at))]
}
