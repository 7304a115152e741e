import { checkNesting, type HtmlElement } from './html-sections.js'

/** Elements around the text of a page. */
const AROUND = [
  'nav',
  'script, style, noscript, template, iframe, svg, dialog',
  '[role=navigation], [role=banner], [role=contentinfo], [role=search], [role=menu], [role=menubar], [role=dialog]',
]
/** Names of asides that are remarks within the text. */
const REMARK = /note|tip|hint|warning|caution|danger|important|admonition|callout|info/i
/** Names of elements that are not the text of a page. */
const BOILERPLATE =
  /nav|menu|sidebar|breadcrumb|cookie|consent|banner|footer|header|share|social|promo|related|advert|\bads?\b|newsletter|subscribe|popup|modal|comment/i
/** Elements up to which Readability weighs them against each other; more are taken as they are. */
const MOST_ELEMENTS = 50_000
/** Characters below which a part is not the article of a page that has more. */
const SHORTEST_ARTICLE = 140

/** Finds a page's text: `<main>`, its only `<article>`, Readability's article, else all but navigation and the like. */
export async function mainContent(html: string): Promise<HtmlElement> {
  const { parseHTML } = await import('linkedom')
  // The parser adds neither element, and takes no text outside of <html>.
  const body = /<body\b/i.test(html) ? html : `<body>${html}</body>`
  const { document } = parseHTML(/<html\b/i.test(html) ? html : `<html>${body}</html>`)
  const articles = [...document.querySelectorAll('article')]
  const declared = document.querySelector('main, [role=main]') ?? (articles.length === 1 ? articles[0] : null)
  checkNesting(document)
  openPanels(document)
  removeAround(document)
  if (declared && textLength(declared) > 0) return declared
  const root: HtmlElement = document.documentElement
  if (!needsReadability(root)) return root

  const { Readability } = await import('@mozilla/readability')
  const copy = parseHTML(document.toString()).document
  const options = { charThreshold: SHORTEST_ARTICLE, maxElemsToParse: MOST_ELEMENTS }
  const found = await readable(() => new Readability(copy, options).parse())
  if (!found?.content) return root
  const article = parseHTML(`<html><body>${found.content}</body></html>`).document.body
  const length = textLength(article)
  if (length === 0 || (length < SHORTEST_ARTICLE && length * 2 < textLength(root))) return root
  // Readability removes a heading that is the title of the page.
  const title = document.querySelector('h1')
  if (title && textLength(title) > 0 && !article.textContent.includes(title.textContent.trim())) article.prepend(title)
  return article
}

async function readable<T>(parse: () => T): Promise<T | undefined> {
  try {
    return parse()
  } catch {
    return undefined
  }
}

const CONTROL = 'button, summary, [role=button], [role=tab], [data-toggle], [data-bs-toggle]'
const REFERENCES = ['aria-controls', 'data-target', 'data-bs-target', 'href']
const HIDDEN = '[hidden], [aria-hidden=true]'

/** Opens what a button or tab opens, its text first, and removes all else that is hidden; menus stay closed. */
function openPanels(document: HtmlElement): void {
  const controls = [...document.querySelectorAll(CONTROL)].filter(isOpener)
  const openers = new Map<string, HtmlElement>()
  for (const control of controls) {
    for (const name of REFERENCES) {
      for (const id of (control.getAttribute(name) ?? '').split(/\s+/)) openers.set(id.replace(/^#/, ''), control)
    }
  }
  const byId = new Map(controls.filter(({ id }) => id !== '').map(control => [control.id, control]))
  const openerOf = (panel: HtmlElement): HtmlElement | undefined => {
    const own = panel.id === '' ? undefined : openers.get(panel.id)
    const label = (panel.getAttribute('aria-labelledby') ?? '').split(/\s+/).flatMap(id => byId.get(id) ?? [])[0]
    return own ?? label ?? openerBefore(panel)
  }
  for (const panel of document.querySelectorAll(`[role=tabpanel], [id], ${HIDDEN}`)) {
    const isHidden = panel.getAttribute('hidden') !== null || panel.getAttribute('aria-hidden') === 'true'
    const opener = openerOf(panel)
    const isPanel = opener || panel.getAttribute('role') === 'tabpanel' || panel.getAttribute('hidden') === 'until-found'
    if (!isPanel) {
      if (isHidden) panel.remove()
      continue
    }
    panel.removeAttribute('hidden')
    panel.removeAttribute('aria-hidden')
    // What the style hides, Readability leaves out.
    if (opener) panel.removeAttribute('style')
    // Buttons are left out of the text, except those in headings.
    const isApart = opener?.tagName.toUpperCase() === 'BUTTON' && opener.closest('h1, h2, h3, h4, h5, h6') === null
    const title = isApart ? opener.textContent?.trim() : undefined
    if (!title) continue
    const paragraph = document.createElement('p')
    paragraph.textContent = title
    panel.prepend(paragraph)
  }
}

function isOpener(control: HtmlElement): boolean {
  const popup = control.getAttribute('aria-haspopup') ?? 'false'
  return popup === 'false' && !/^(modal|dropdown|offcanvas)$/.test(toggleOf(control))
}

const toggleOf = (control: HtmlElement): string =>
  control.getAttribute('data-bs-toggle') ?? control.getAttribute('data-toggle') ?? ''

/** The button just before a panel that tells whether it is open, alone or in a heading. */
function openerBefore(panel: HtmlElement): HtmlElement | undefined {
  const before = panel.previousElementSibling
  if (!before || !/^(BUTTON|H[1-6]|DT)$/i.test(before.tagName)) return undefined
  const button = /^BUTTON$/i.test(before.tagName) ? before : before.querySelector('button')
  return button && button.getAttribute('aria-expanded') !== null && isOpener(button) ? button : undefined
}

function removeAround(document: HtmlElement): void {
  for (const element of document.querySelectorAll(AROUND.join(', '))) element.remove()
  for (const footer of document.querySelectorAll('footer')) if (!footer.closest('blockquote')) footer.remove()
  for (const aside of document.querySelectorAll('aside, [role=complementary]')) {
    const isRemark = REMARK.test(`${aside.className} ${aside.id}`) && aside.closest('main, article') !== null
    if (!isRemark) aside.remove()
  }
}

/** True if the page may have more than its text: elements with such names, or many links. */
function needsReadability(body: HtmlElement): boolean {
  const named = [...body.querySelectorAll('[class], [id]')]
  if (named.some(element => BOILERPLATE.test(`${element.className} ${element.id}`))) return true
  const linked = [...body.querySelectorAll('a')].reduce((sum, link) => sum + textLength(link), 0)
  return linked > textLength(body) * 0.2
}

const textLength = (element: HtmlElement): number => (element.textContent ?? '').replace(/\s+/gu, ' ').trim().length
