import type { Agreement } from '../agreement.js'
import { ask, type PageDocument, type PageState, recall, remember } from './api.js'
import { documentText } from './document.js'
import { count, h, say } from './dom.js'

const GRADES = ['not relevant', 'related', 'relevant', 'exactly right'] as const
const POLL_MS = 400

interface Progress {
  readonly judgements: number
  readonly done: number
  readonly total: number
  readonly proven: string
}

interface Shown {
  readonly query?: { readonly id: string; readonly text: string; readonly position: number; readonly total: number }
  readonly documents: readonly PageDocument[]
  readonly progress: Progress
}

interface Card {
  readonly id: string
  readonly element: HTMLElement
  readonly buttons: readonly HTMLButtonElement[]
  grade: number | null
}

/** Builds the page that collects judgements. */
export function labelPage(state: PageState): HTMLElement {
  let query: Shown['query']
  let cards: Card[] = []
  let current = 0
  // One request after the other: the order of the keys is that of the file.
  let queue: Promise<unknown> = Promise.resolve()

  const status = h('p', { class: 'status', role: 'status' })
  const bar = h('progress', { 'aria-label': 'queries done', max: '1', value: '0' })
  const counted = h('p', { class: 'fact counted' })
  const proven = h('p', { class: 'proven' })
  const heading = h('h2', { id: 'query', tabindex: '0', dir: 'auto' })
  const place = h('p', { class: 'fact' })
  const list = h('ol', { class: 'cards', 'aria-label': 'Documents to judge' })
  const agreement = h('details', { class: 'agreement' }, h('summary', {}, 'Agreement of judges'))
  agreement.addEventListener('toggle', () => agreement.open && attempt(showAgreement))

  async function attempt<T>(work: () => Promise<T>): Promise<void> {
    const next = queue.then(work)
    queue = next.catch(error => say(status, (error as Error).message))
    await queue
  }

  const key = (name: string, effect: string): HTMLElement => h('li', {}, h('kbd', {}, name), ` ${effect}`)
  const main = h(
    'main',
    { id: 'main', tabindex: '-1', hidden: true },
    h(
      'section',
      { class: 'asked', 'aria-labelledby': 'query' },
      heading,
      place,
      h(
        'div',
        { class: 'tools' },
        h('button', { type: 'button', click: () => undo() }, h('kbd', {}, 'u'), ' Undo'),
        h('button', { type: 'button', click: () => next() }, h('kbd', {}, 'n'), ' Next query'),
        h('ul', { class: 'keys', 'aria-label': 'Keys' }, key('0–3', 'grade'), key('j', 'down'), key('k', 'up')),
      ),
    ),
    list,
    agreement,
  )
  // Nothing moves when the first data arrive: what they fill is not there before.
  const facts = h('div', { hidden: true }, counted, proven)

  function showProgress({ judgements, done, total, proven: text }: Progress): void {
    for (const element of [facts, main]) element.hidden = false
    bar.max = Math.max(1, total)
    bar.value = done
    say(
      counted,
      `${done} of ${count(total, 'query', 'queries')} done, ${count(judgements, 'judgement')} by ${state.judge}`,
    )
    say(proven, text)
  }

  async function open(body: object, focus = true): Promise<void> {
    const shown = await ask<Shown>('query', body)
    showProgress(shown.progress)
    query = shown.query
    if (!query) {
      say(heading, 'All queries are judged.')
      say(place, '')
      list.replaceChildren()
      cards = []
      return
    }
    remember('query', query.id)
    say(heading, query.text)
    say(place, `Query ${query.position} of ${query.total}: how well does each document answer it?`)
    cards = shown.documents.map((document, i) => card(document, i))
    list.replaceChildren(...cards.map(({ element }) => element))
    const first = cards.findIndex(({ grade }) => grade === null)
    select(Math.max(0, first), focus)
    say(status, '')
  }

  function card(document: PageDocument, i: number): Card {
    const buttons = GRADES.map((name, grade) =>
      h(
        'button',
        { type: 'button', 'aria-pressed': 'false', click: () => judge(i, grade) },
        h('kbd', {}, `${grade}`),
        ` ${name}`,
      ),
    )
    const group = h('div', { role: 'group', class: 'grades', 'aria-label': `Grade of document ${i + 1}` }, ...buttons)
    const element = h('li', { tabindex: '-1' }, documentText(document, query!.text), group)
    element.addEventListener('focusin', () => mark(i))
    const made: Card = { id: document.id, element, buttons, grade: null }
    setGrade(made, document.grade ?? null)
    return made
  }

  function setGrade(one: Card, grade: number | null): void {
    one.grade = grade
    one.element.classList.toggle('judged', grade !== null)
    for (const [i, button] of one.buttons.entries()) button.setAttribute('aria-pressed', String(i === grade))
  }

  function mark(i: number): void {
    current = i
    for (const [j, { element }] of cards.entries()) {
      if (j === i) element.setAttribute('aria-current', 'true')
      else element.removeAttribute('aria-current')
    }
  }

  function select(i: number, focus = true): void {
    const target = cards[Math.min(Math.max(i, 0), cards.length - 1)]
    if (!target) return
    mark(cards.indexOf(target))
    if (!focus) return
    target.element.focus({ preventScroll: true })
    target.element.scrollIntoView({ block: 'nearest' })
  }

  function judge(i: number, grade: number): void {
    const one = cards[i]
    const id = query!.id
    const before = one.grade
    setGrade(one, grade)
    const open = cards.findIndex((other, j) => j > i && other.grade === null)
    const next = open >= 0 ? open : cards.findIndex(other => other.grade === null)
    if (next >= 0) select(next)
    attempt(async () => {
      try {
        const { progress } = await ask<{ progress: Progress }>('judge', { query: id, document: one.id, grade })
        showProgress(progress)
        const rest = next >= 0 ? '' : ' All documents of this query are judged: n for the next query.'
        say(status, `Document ${i + 1}: ${grade}, ${GRADES[grade]}.${rest}`)
      } catch (error) {
        setGrade(one, before)
        select(i)
        throw error
      }
    })
  }

  const undo = (): Promise<void> =>
    attempt(async () => {
      const taken = await ask<{ query?: string; document?: string; grade?: number | null; progress: Progress }>('undo')
      showProgress(taken.progress)
      if (taken.query === undefined) return say(status, 'There is nothing to undo.')
      if (taken.query !== query?.id) await open({ id: taken.query })
      const i = cards.findIndex(({ id }) => id === taken.document)
      if (i < 0) return
      setGrade(cards[i], taken.grade ?? null)
      select(i)
      say(status, `Document ${i + 1}: the last judgement is taken back.`)
    })
  const next = (): Promise<void> =>
    attempt(async () => {
      await open({ after: query?.id })
      heading.scrollIntoView({ block: 'nearest' })
    })

  async function showAgreement(): Promise<void> {
    const { agreements } = await ask<{ agreements: readonly Agreement[] }>('agreement')
    const parts = agreements.flatMap(({ judges, pairs, kappa, disagreements }) => [
      h(
        'p',
        {},
        ...judges.flatMap((name, i) => [i > 0 && ' and ', h('bdi', {}, name)]),
        `: Cohen’s kappa ${kappa === undefined ? 'unknown' : kappa.toFixed(3)} on ${count(pairs, 'document')} that both judged`,
      ),
      h(
        'ul',
        {},
        ...disagreements
          .slice(0, 50)
          .map(({ query: id, text, documents }) =>
            h(
              'li',
              {},
              h(
                'button',
                { type: 'button', class: 'quiet', click: () => attempt(() => open({ id })) },
                text.slice(0, 200),
              ),
              ` ${count(documents, 'grade')} differ`,
            ),
          ),
      ),
    ])
    const none = h('p', {}, 'One judge or none so far: there is nobody to agree with.')
    agreement.replaceChildren(agreement.firstElementChild!, ...(parts.length > 0 ? parts : [none]))
  }

  document.addEventListener('keydown', event => {
    const { key, target } = event
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || target instanceof HTMLInputElement) return
    if (/^[0-3]$/.test(key) && cards[current]) judge(current, Number(key))
    else if (key === 'j') select(current + 1)
    else if (key === 'k') select(current - 1)
    else if (key === 'u') undo()
    else if (key === 'n') next()
    else return
    event.preventDefault()
  })

  async function start(): Promise<void> {
    try {
      const now = await ask<PageState>('state')
      if (now.words) return attempt(begin)
      const { step, done, total } = now.doing ?? { step: 'reading' }
      say(status, `${step[0].toUpperCase()}${step.slice(1)}${total === undefined ? '' : `: ${done} of ${total}`}`)
    } catch (error) {
      say(status, (error as Error).message)
    }
    setTimeout(start, POLL_MS)
  }

  async function begin(): Promise<void> {
    const id = recall('query')
    await (id === undefined ? open({}) : open({ id }).catch(() => open({})))
  }

  start()
  return h('div', { class: 'label' }, h('header', {}, h('h1', {}, h('bdi', {}, state.title)), bar, status, facts), main)
}
