import { ask, type PageDocument } from './api.js'
import { h } from './dom.js'

/** Characters from which on a text is folded. */
const FOLDED = 320

/** Makes the text of a document: matching words marked, folded if it is long. */
export function documentText(document: PageDocument, query: string): HTMLElement {
  const text = h('p', { class: 'text', dir: 'auto' }, ...marked(document))
  if (document.text.length <= FOLDED && !document.cut) return text
  text.classList.add('folded')
  const name = (text: string): string => `${text}: ${document.id.slice(0, 100)}`
  const button = h(
    'button',
    { type: 'button', class: 'quiet', 'aria-expanded': 'false', 'aria-label': name('Show all') },
    'Show all',
  )
  button.addEventListener('click', async () => {
    const open = text.classList.toggle('folded')
    button.setAttribute('aria-expanded', String(!open))
    button.textContent = open ? 'Show all' : 'Show less'
    button.ariaLabel = name(button.textContent)
    // An open text scrolls, also by keyboard.
    text.tabIndex = open ? -1 : 0
    if (open || !document.cut || text.dataset.whole) return
    text.dataset.whole = 'true'
    try {
      text.replaceChildren(...marked(await ask<PageDocument>('document', { id: document.id, query })))
    } catch (error) {
      text.append(h('em', {}, ` … ${(error as Error).message}`))
    }
  })
  return h('div', {}, text, button)
}

function marked({ text, marks }: PageDocument): Node[] {
  const nodes: Node[] = []
  let at = 0
  const plain = (end: number): void => {
    if (end > at) nodes.push(h('span', {}, text.slice(at, end)))
  }
  for (const [start, end] of marks) {
    plain(start)
    nodes.push(h('mark', {}, text.slice(start, end)))
    at = end
  }
  plain(text.length)
  return nodes
}
