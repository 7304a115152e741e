import type { HtmlElement } from './html-sections.js'

/** What stands around the text of a page. */
const AROUND = [
  'nav',
  'script, style, noscript, template, iframe, svg, dialog',
  '[role=navigation], [role=banner], [role=contentinfo], [role=search], [role=menu], [role=menubar], [role=dialog]',
  '[hidden], [aria-hidden=true]',
]
/** An aside that is a remark within the text. */
const REMARK = /note|tip|hint|warning|caution|danger|important|admonition|callout|info/i
/** Names that pages give to what is not their text. */
const BOILERPLATE =
  /nav|menu|sidebar|breadcrumb|cookie|consent|banner|footer|header|share|social|promo|related|advert|\bads?\b|newsletter|subscribe|popup|modal|comment/i
/** Less text than this is not the article of a page, if the page has more. */
const SHORTEST_ARTICLE = 140

/**
 * Finds the text of a page: its `<main>` or only `<article>`, else what Readability finds, else all but navigation, headers,
 * footers and asides.
 */
export async function mainContent(html: string): Promise<HtmlElement> {
  const { parseHTML } = await import('linkedom')
  // The parser adds neither of the two elements, and takes no text outside of the first.
  const body = /<body\b/i.test(html) ? html : `<body>${html}</body>`
  const { document } = parseHTML(/<html\b/i.test(html) ? html : `<html>${body}</html>`)
  const declared = document.querySelector('main, [role=main]') ?? onlyArticle(document)
  removeAround(document)
  if (declared && hasText(declared)) return declared
  const root: HtmlElement = document.documentElement
  if (!needsReadability(root)) return root

  const { Readability } = await import('@mozilla/readability')
  const copy = parseHTML(document.toString()).document
  const found = new Readability(copy, { charThreshold: SHORTEST_ARTICLE }).parse()
  if (!found?.content) return root
  const article = parseHTML(`<html><body>${found.content}</body></html>`).document.body
  const length = textLength(article)
  if (length === 0 || (length < SHORTEST_ARTICLE && length * 2 < textLength(root))) return root
  // Readability takes out a heading that is the title of the page.
  const title = document.querySelector('h1')
  if (title && hasText(title) && !article.textContent.includes(title.textContent.trim())) article.prepend(title)
  return article
}

function onlyArticle(document: HtmlElement): HtmlElement | null {
  const articles = [...document.querySelectorAll('article')]
  return articles.length === 1 ? articles[0] : null
}

function removeAround(document: HtmlElement): void {
  for (const element of document.querySelectorAll(AROUND.join(', '))) element.remove()
  for (const footer of document.querySelectorAll('footer')) if (!footer.closest('blockquote')) footer.remove()
  for (const aside of document.querySelectorAll('aside, [role=complementary]')) {
    const isRemark = REMARK.test(`${aside.className} ${aside.id}`) && aside.closest('main, article') !== null
    if (!isRemark) aside.remove()
  }
}

/** Whether something on the page may not be its text: elements with names of such, or many links. */
function needsReadability(body: HtmlElement): boolean {
  const named = [...body.querySelectorAll('[class], [id]')]
  if (named.some(element => BOILERPLATE.test(`${element.className} ${element.id}`))) return true
  const linked = [...body.querySelectorAll('a')].reduce((sum, link) => sum + textLength(link), 0)
  return linked > textLength(body) * 0.2
}

function hasText(element: HtmlElement): boolean {
  return textLength(element) > 0
}

function textLength(element: HtmlElement): number {
  return (element.textContent ?? '').replace(/\s+/gu, ' ').trim().length
}
