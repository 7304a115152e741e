import { createHash } from 'node:crypto'
import { queryKey } from '../dataset/read-queries.js'
import { ApiError } from '../serve/errors.js'
import { createTokenizer } from '../terms/tokens.js'
import { VIEW_TOP } from './defaults.js'
import { documentView } from './documents.js'
import { type PageRoute, readAsset } from './local-server.js'
import type { Look } from './look.js'
import { listQueries } from './query-list.js'

const MOST_TOP = 100
const LISTED = 100

/** Reads a text of a request. @throws ApiError 400 unless it is one */
export function textField(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name]
  if (typeof value === 'string' && value.trim() !== '' && !/\p{Surrogate}/u.test(value)) return value
  throw new ApiError(400, 'invalid_input', `expected "${name}" to be a text that is not empty`)
}

/** Shows documents of a search for a query. */
export function viewFor(look: Look, query: string) {
  return documentView(query, createTokenizer(look.wordsNow()?.analysis ?? { english: true, common: [] }))
}

/** The whole text of a document. @throws ApiError 404 */
export async function wholeDocument(look: Look, body: Readonly<Record<string, unknown>>) {
  const id = textField(body, 'id')
  const text = await (await look.collection).text(id)
  if (text === undefined) throw new ApiError(404, 'not_found', 'there is no document of this id')
  return viewFor(look, typeof body.query === 'string' ? body.query : '')(id, text, true)
}

/** What the page shows before and beside any result. */
export interface PageState extends ReturnType<typeof stateOf> {
  readonly exported?: boolean
  readonly judge?: string
}

/** State of a page, which asks for it until nothing is being done. */
export function stateOf(look: Look, page: 'view' | 'label', title: string) {
  const systems = look.systems.map(({ name, kind }) => ({ name, kind }))
  return { page, title, systems, doing: look.doing(), words: look.wordsNow() !== undefined }
}

/** Requests of the search page. */
export function viewRoutes(look: Look, title: string) {
  const list = listQueries(look)
  return {
    state(): PageState {
      const state = stateOf(look, 'view', title)
      const { done, total } = list.progress()
      return { ...state, doing: state.doing ?? (done < total ? { step: 'comparing the queries', done, total } : undefined) }
    },
    async search(body) {
      const top = Number.isSafeInteger(body.top) ? Math.min(MOST_TOP, Math.max(1, body.top as number)) : VIEW_TOP
      return shownAnswer(look, textField(body, 'query'), top)
    },
    queries({ contains, from }) {
      const words = typeof contains === 'string' ? queryKey(contains) : ''
      const all = list.sorted().filter(({ text }) => words === '' || queryKey(text).includes(words))
      const start = Number.isSafeInteger(from) ? Math.max(0, from as number) : 0
      return { total: all.length, from: start, queries: all.slice(start, start + LISTED) }
    },
    document: body => wholeDocument(look, body),
  } satisfies Record<string, PageRoute>
}

export type PageAnswer = Awaited<ReturnType<typeof shownAnswer>>

/** Lays an answer out for the page: columns of ids with their moves, and each document once. */
async function shownAnswer(look: Look, query: string, top: number) {
  const { found, about } = await look.ask(query, top)
  const [{ queries }, documents] = await Promise.all([look.data, look.collection])
  const grades = queries.find(({ text }) => queryKey(text) === queryKey(query))?.grades
  const base = found[0]!
  const view = viewFor(look, query)
  const columns = found.map((result, i) => {
    if (!result) return null
    // null: not among the documents that the base was asked for.
    const from = (id: string) => (i > 0 ? (base.rank(id) ?? null) : undefined)
    return { hits: result.hits.slice(0, top).map(hit => ({ ...hit, from: from(hit.id) })), ...about[i] }
  })
  const ids = [...new Set(columns.flatMap(column => column?.hits.map(({ id }) => id) ?? []))]
  const shown = await Promise.all(ids.map(async id => ({ ...view(id, await documents.text(id)), grade: grades?.get(id) })))
  const relevant = grades && [...grades.values()].filter(grade => grade > 0).length
  return { query, relevant, columns, documents: Object.fromEntries(shown.map(document => [document.id, document])) }
}

/** Writes the page with the results of some queries, wins and losses first, as one HTML file that needs no server. */
export async function exportPage(look: Look, title: string, most: number): Promise<string> {
  await look.words
  const list = listQueries(look)
  await list.compared
  const queries = list.sorted().slice(0, most)
  const answers = []
  for (const { text } of queries) answers.push(await shownAnswer(look, text, VIEW_TOP))
  const state: PageState = { ...stateOf(look, 'view', title), exported: true }
  const data = JSON.stringify({ state, queries, answers }).replace(
    /[<\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const [script, style] = ['page.js', 'page.css'].map(readAsset)
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; form-action 'none'`
  return readAsset('page.html')
    .replace(
      /<link rel="stylesheet"[^>]*>/,
      () => `<meta http-equiv="Content-Security-Policy" content="${policy}"><style>${style}</style>`,
    )
    .replace(/<script [^>]*><\/script>/, () => '')
    .replace(
      '</body>',
      () => `<script type="application/json" id="data">${data}</script><script type="module">${script}</script></body>`,
    )
}
