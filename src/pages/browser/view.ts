import type { ListedQuery } from '../query-list.js'
import type { PageAnswer, PageState } from '../view.js'
import { ask, follow, recall, remember } from './api.js'
import { documentText } from './document.js'
import { button, count, frame, h, say } from './dom.js'

export function viewPage(state: PageState): HTMLElement {
  let shown: string | undefined
  let words = state.words
  const status = h('p', { class: 'status', role: 'status' })
  const given = { type: 'search', id: 'box', name: 'q', autocomplete: 'off', required: true, maxlength: '100000' }
  const box = h('input', given)
  const results = h('div', { class: 'columns' }, ...state.systems.map(({ name }) => column(name)))
  const about = h('p', { class: 'about', 'aria-live': 'polite' }, 'Type a query, or choose one of the list.')
  const list = queryList(choose)

  function choose(query: string): void {
    box.value = query
    search(query)
  }

  async function search(query: string): Promise<void> {
    shown = query
    remember('q', query)
    results.ariaBusy = 'true'
    try {
      const answer = await ask('search', { query })
      if (shown !== query) return
      show(answer)
      list.select(query)
    } catch (error) {
      say(about, (error as Error).message)
    } finally {
      results.ariaBusy = null
    }
  }

  function show(answer: PageAnswer): void {
    const { query, relevant, columns } = answer
    const known = relevant === undefined ? '' : ` ${count(relevant, 'relevant document')} known, marked ✓.`
    say(about, `Results for “${query}”.${known}`)
    results.replaceChildren(...state.systems.map(({ name }, i) => column(name, columns[i] ?? undefined, answer)))
  }

  const form = h('form', { role: 'search' }, h('label', { for: 'box' }, 'Query'), box, h('button', { type: 'submit' }, 'Search'))
  form.addEventListener('submit', event => {
    event.preventDefault()
    if (box.value.trim() !== '') search(box.value)
  })
  document.addEventListener('keydown', event => {
    if (event.key !== '/' || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    box.focus()
  })
  follow(status, now => {
    list.refresh()
    if (now.words && !words && shown !== undefined) search(shown)
    words = now.words
    return !now.doing
  })
  const kept = recall('q')
  if (kept) choose(kept)
  const main = h('main', { id: 'main', tabindex: '-1' }, about, results)
  return frame('view', state.title, [form, status], h('nav', { 'aria-label': 'Queries' }, list.element), main)
}

function column(name: string, result?: PageAnswer['columns'][number], answer?: PageAnswer): HTMLElement {
  const lines: HTMLElement[] = []
  if (result?.familiar) {
    const { similarity, unfamiliar } = result.familiar
    const like = unfamiliar ? 'unlike its training queries' : 'like its training queries'
    lines.push(h('p', { class: `fact${unfamiliar ? ' bad' : ''}` }, `${like} (cosine ${similarity.toFixed(2)})`))
  }
  if (result?.terms?.length) {
    const terms = result.terms.map(({ term, share }) => h('li', {}, h('bdi', {}, term), ` ${Math.round(100 * share)}%`))
    lines.push(h('p', { class: 'fact' }, 'moved by the words'), h('ul', { class: 'terms' }, ...terms))
  }
  const hits = result?.hits.map((found, i) => hit(answer!, found, i + 1)) ?? []
  const empty = answer && !result ? 'is being built …' : answer ? 'finds nothing.' : ''
  const found = hits.length > 0 ? h('ol', { class: 'hits' }, ...hits) : h('p', { class: 'fact' }, empty)
  return h('section', { 'aria-label': name }, h('h2', {}, h('bdi', {}, name)), ...lines, found)
}

type PageHit = NonNullable<PageAnswer['columns'][number]>['hits'][number]

function hit({ documents, query }: PageAnswer, { id, score, from }: PageHit, rank: number): HTMLElement {
  const { grade } = documents[id]
  const graded = grade && grade > 0 ? `✓ relevant (${grade})` : '✗ not relevant'
  const head = h(
    'p',
    { class: 'head' },
    h('b', {}, `${rank}`),
    h('bdi', { class: 'id', title: id }, id),
    grade !== undefined && h('span', { class: 'grade' }, graded),
    move(rank, from),
    h('span', { class: 'score' }, score.toFixed(3)),
  )
  return h('li', { class: grade ? 'relevant' : '' }, head, documentText(documents[id], query))
}

function move(rank: number, from: number | null | undefined): HTMLElement | undefined {
  if (from === undefined) return undefined
  if (from === null) return h('span', { class: 'move up' }, '▲ new')
  const by = from - rank
  if (by === 0) return h('span', { class: 'move' }, '= same rank')
  return h('span', { class: `move ${by > 0 ? 'up' : 'down'}` }, `${by > 0 ? '▲' : '▼'} ${Math.abs(by)} (was ${from})`)
}

function queryList(choose: (query: string) => void) {
  let from = 0
  let selected: string | undefined
  let last = ''
  const items = h('ol', { class: 'queries' })
  const total = h('p', { class: 'fact' })
  const filter = h('input', { type: 'search', id: 'filter', 'aria-label': 'Filter the queries', placeholder: 'Filter' })
  filter.addEventListener('input', () => refresh(0))
  const earlier = button(() => refresh(from - 100), { class: 'quiet', hidden: true }, 'Earlier')
  const more = button(() => refresh(from + 100), { class: 'quiet', hidden: true }, 'More')

  async function refresh(start = from): Promise<void> {
    const found = await ask('queries', { contains: filter.value, from: start }).catch(() => undefined)
    if (!found || JSON.stringify(found) === last) return
    last = JSON.stringify(found)
    from = found.from
    say(total, count(found.total, 'query', 'queries'))
    earlier.hidden = from === 0
    more.hidden = from + found.queries.length >= found.total
    items.replaceChildren(...found.queries.map(item))
  }

  function item({ text, gain, changed, searches }: ListedQuery): HTMLElement {
    const effect = gain === undefined ? changed && `${changed} new of 10` : gain !== 0 && gainText(gain)
    const facts = [effect, searches > 1 && `${searches}×`].filter(Boolean).join(' ')
    const kind = gain ? (gain > 0 ? 'up' : 'down') : ''
    const choice = button(
      () => choose(text),
      { 'aria-current': text === selected ? 'true' : undefined },
      h('span', { class: 'q', dir: 'auto' }, text.length > 300 ? `${text.slice(0, 300)}…` : text),
      h('span', { class: `move ${kind}` }, facts || ' '),
    )
    return h('li', {}, choice)
  }

  const wide = matchMedia('(min-width: 901px)').matches
  const summary = h('summary', {}, 'Queries: wins and losses first')
  return {
    element: h('details', { open: wide }, summary, filter, total, items, h('div', {}, earlier, more)),
    refresh: () => refresh(),
    select(query: string) {
      selected = query
      for (const choice of items.querySelectorAll('button'))
        choice.ariaCurrent = choice.querySelector('.q')?.textContent === query ? 'true' : null
    },
  }
}

const gainText = (gain: number): string => `${gain > 0 ? '▲ +' : '▼ −'}${Math.abs(gain).toFixed(2)}`
