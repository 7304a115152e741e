import type { ListedQuery } from '../query-list.js'
import { ask, type PageAnswer, type PageColumn, type PageDocument, type PageState, recall, remember } from './api.js'
import { documentText } from './document.js'
import { count, h, say } from './dom.js'

const POLL_MS = 400

/** Builds the search page. */
export function viewPage(state: PageState): HTMLElement {
  let shown: string | undefined
  let words = state.words
  const status = h('p', { class: 'status', role: 'status' })
  const box = h('input', {
    type: 'search',
    id: 'box',
    name: 'q',
    autocomplete: 'off',
    required: true,
    maxlength: '100000',
  })
  const results = h('div', { class: 'columns' }, ...state.systems.map(system => column(system.name, undefined)))
  const about = h('p', { class: 'about', 'aria-live': 'polite' }, 'Type a query, or choose one of the list.')
  const list = queryList(query => {
    box.value = query
    search(query)
  })

  async function search(query: string): Promise<void> {
    shown = query
    remember('q', query)
    results.setAttribute('aria-busy', 'true')
    try {
      const answer = await ask<PageAnswer>('search', { query })
      if (shown !== query) return
      show(answer)
      list.select(query)
    } catch (error) {
      say(about, (error as Error).message)
    } finally {
      results.removeAttribute('aria-busy')
    }
  }

  function show(answer: PageAnswer): void {
    const known =
      answer.relevant === undefined ? '' : ` ${count(answer.relevant, 'relevant document')} known, marked ✓.`
    say(about, `Results for “${answer.query}”.${known}`)
    results.replaceChildren(...state.systems.map(({ name }, i) => column(name, answer.columns[i] ?? undefined, answer)))
  }

  async function poll(): Promise<void> {
    try {
      const now = await ask<PageState>('state')
      const { step, done, total } = now.doing ?? {}
      const progress = total === undefined ? '' : `: ${done?.toLocaleString('en')} of ${total.toLocaleString('en')}`
      say(status, step === undefined ? 'Ready.' : `${step[0].toUpperCase()}${step.slice(1)}${progress}`)
      list.refresh()
      if (now.words && !words && shown !== undefined) search(shown)
      words = now.words
      if (now.doing) setTimeout(poll, POLL_MS)
    } catch (error) {
      say(status, (error as Error).message)
      setTimeout(poll, 5 * POLL_MS)
    }
  }

  const form = h(
    'form',
    {
      role: 'search',
      submit(event) {
        event.preventDefault()
        if (box.value.trim() !== '') search(box.value)
      },
    },
    h('label', { for: 'box' }, 'Query'),
    box,
    h('button', { type: 'submit' }, 'Search'),
  )
  document.addEventListener('keydown', event => {
    if (event.key !== '/' || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    box.focus()
  })
  poll()
  const kept = recall('q')
  if (kept) {
    box.value = kept
    search(kept)
  }
  return h(
    'div',
    { class: 'view' },
    h('header', {}, h('h1', {}, h('bdi', {}, state.title)), form, status),
    h('nav', { 'aria-label': 'Queries' }, list.element),
    h('main', { id: 'main', tabindex: '-1' }, about, results),
  )
}

function column(name: string, result: PageColumn | undefined, answer?: PageAnswer): HTMLElement {
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
  const hits = result?.hits.map(({ id, score, from }, i) =>
    hit(answer!.documents[id], { rank: i + 1, score, from, query: answer!.query }),
  )
  const empty = answer && !result ? 'is being built …' : answer ? 'finds nothing.' : ''
  return h(
    'section',
    { 'aria-label': name },
    h('h2', {}, h('bdi', {}, name)),
    ...lines,
    hits?.length ? h('ol', { class: 'hits' }, ...hits) : h('p', { class: 'fact' }, empty),
  )
}

interface Place {
  readonly rank: number
  readonly score: number
  readonly from?: number | null
  readonly query: string
}

function hit(document: PageDocument, { rank, score, from, query }: Place): HTMLElement {
  const { id, grade } = document
  return h(
    'li',
    { class: grade ? 'relevant' : '' },
    h(
      'p',
      { class: 'head' },
      h('b', {}, `${rank}`),
      h('bdi', { class: 'id', title: id }, id),
      grade !== undefined &&
        grade !== null &&
        h('span', { class: 'grade' }, grade > 0 ? `✓ relevant (${grade})` : '✗ not relevant'),
      move(rank, from),
      h('span', { class: 'score' }, score.toFixed(3)),
    ),
    documentText(document, query),
  )
}

function move(rank: number, from: number | null | undefined): HTMLElement | undefined {
  if (from === undefined) return undefined
  if (from === null) return h('span', { class: 'move up' }, '▲ new')
  const by = from - rank
  if (by === 0) return h('span', { class: 'move' }, '= same rank')
  return h('span', { class: `move ${by > 0 ? 'up' : 'down'}` }, `${by > 0 ? '▲' : '▼'} ${Math.abs(by)} (was ${from})`)
}

/** Makes the list of queries. */
function queryList(choose: (query: string) => void) {
  let from = 0
  let selected: string | undefined
  let last = ''
  const items = h('ol', { class: 'queries' })
  const total = h('p', { class: 'fact' })
  const filter = h('input', { type: 'search', id: 'filter', 'aria-label': 'Filter the queries', placeholder: 'Filter' })
  const buttons = [-100, 100].map(step =>
    h(
      'button',
      { type: 'button', class: 'quiet', hidden: true, click: () => refresh(from + step) },
      step < 0 ? 'Earlier' : 'More',
    ),
  )
  filter.addEventListener('input', () => refresh(0))

  async function refresh(start = from): Promise<void> {
    const found = await ask<{ total: number; from: number; queries: readonly ListedQuery[] }>('queries', {
      contains: filter.value,
      from: start,
    }).catch(() => undefined)
    if (!found || JSON.stringify(found) === last) return
    last = JSON.stringify(found)
    from = found.from
    say(total, count(found.total, 'query', 'queries'))
    buttons[0].hidden = from === 0
    buttons[1].hidden = from + found.queries.length >= found.total
    items.replaceChildren(...found.queries.map(item))
  }

  function item({ text, gain, changed, searches }: ListedQuery): HTMLElement {
    const effect =
      gain === undefined
        ? changed && `${changed} new of 10`
        : gain === 0
          ? ''
          : `${gain > 0 ? '▲ +' : '▼ −'}${Math.abs(gain).toFixed(2)}`
    const kind = gain ? (gain > 0 ? 'up' : 'down') : ''
    return h(
      'li',
      {},
      h(
        'button',
        { type: 'button', 'aria-current': text === selected ? 'true' : undefined, click: () => choose(text) },
        h('span', { class: 'q', dir: 'auto' }, text.length > 300 ? `${text.slice(0, 300)}…` : text),
        h('span', { class: `move ${kind}` }, [effect, searches > 1 && `${searches}×`].filter(Boolean).join(' ') || ' '),
      ),
    )
  }

  const wide = matchMedia('(min-width: 901px)').matches
  const element = h(
    'details',
    { open: wide },
    h('summary', {}, 'Queries: wins and losses first'),
    filter,
    total,
    items,
    h('div', {}, ...buttons),
  )
  return {
    element,
    refresh: () => refresh(),
    select(query: string) {
      selected = query
      for (const button of items.querySelectorAll('button')) {
        const is = button.querySelector('.q')?.textContent === query
        if (is) button.setAttribute('aria-current', 'true')
        else button.removeAttribute('aria-current')
      }
    },
  }
}
