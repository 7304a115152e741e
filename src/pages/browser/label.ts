import type { ShownDocument } from '../documents.js'
import type { PageState } from '../view.js'
import { type Answer, ask, follow, recall, remember } from './api.js'
import { documentText } from './document.js'
import { button, count, frame, h, say } from './dom.js'

const GRADES = ['not relevant', 'related', 'relevant', 'exactly right'] as const

interface Card {
  readonly id: string
  readonly element: HTMLElement
  readonly buttons: readonly HTMLButtonElement[]
  grade: number | null
}

/** Builds the page that collects judgements. */
export function labelPage(state: PageState): HTMLElement {
  let query: Answer<'query'>['query']
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
  const key = (name: string, effect: string): HTMLElement => h('li', {}, h('kbd', {}, name), ` ${effect}`)
  const tools = h(
    'div',
    { class: 'tools' },
    button(undo, {}, h('kbd', {}, 'u'), ' Undo'),
    button(next, {}, h('kbd', {}, 'n'), ' Next query'),
    h('ul', { class: 'keys', 'aria-label': 'Keys' }, key('0–3', 'grade'), key('j', 'down'), key('k', 'up')),
  )
  const asked = h('section', { class: 'asked', 'aria-labelledby': 'query' }, heading, place, tools)
  const list = h('ol', { class: 'cards', 'aria-label': 'Documents to judge' })
  const agreement = h('details', { class: 'agreement' }, h('summary', {}, 'Agreement of judges'))
  agreement.addEventListener('toggle', () => agreement.open && attempt(showAgreement))
  const main = h('main', { id: 'main', tabindex: '-1', hidden: true }, asked, list, agreement)
  // Nothing moves when the first data arrive: what they fill is not there before.
  const facts = h('div', { hidden: true }, counted, proven)

  async function attempt(work: () => Promise<void>): Promise<void> {
    queue = queue.then(work).catch(error => say(status, (error as Error).message))
    await queue
  }

  function showProgress({ judgements, done, total, proven: text }: Answer<'query'>['progress']): void {
    for (const element of [facts, main]) element.hidden = false
    bar.max = Math.max(1, total)
    bar.value = done
    const queries = `${done} of ${count(total, 'query', 'queries')} done`
    say(counted, `${queries}, ${count(judgements, 'judgement')} by ${state.judge}`)
    say(proven, text)
  }

  async function open(body: object): Promise<void> {
    const { documents = [], progress, ...shown } = await ask('query', body)
    showProgress(progress)
    query = shown.query
    cards = documents.map(card)
    list.replaceChildren(...cards.map(({ element }) => element))
    say(heading, query?.text ?? 'All queries are judged.')
    say(place, query ? `Query ${query.position} of ${query.total}: how well does each document answer it?` : '')
    if (!query) return
    remember('query', query.id)
    select(Math.max(0, firstOpen()))
    say(status, '')
  }

  /** The first card without a grade from `start` on; -1 without one. */
  const firstOpen = (start = 0): number => cards.findIndex(({ grade }, i) => i >= start && grade === null)

  function card(document: ShownDocument, i: number): Card {
    const buttons = GRADES.map((name, grade) => button(() => judge(i, grade), {}, h('kbd', {}, `${grade}`), ` ${name}`))
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
    for (const [i, choice] of one.buttons.entries()) choice.ariaPressed = String(i === grade)
  }

  function mark(i: number): void {
    current = i
    for (const [j, { element }] of cards.entries()) element.ariaCurrent = j === i ? 'true' : null
  }

  function select(i: number): void {
    const place = Math.min(Math.max(i, 0), cards.length - 1)
    if (place < 0) return
    mark(place)
    const { element } = cards[place]
    element.focus({ preventScroll: true })
    element.scrollIntoView({ block: 'nearest' })
  }

  function judge(i: number, grade: number): void {
    const one = cards[i]
    const id = query!.id
    const before = one.grade
    setGrade(one, grade)
    const behind = firstOpen(i + 1)
    const next = behind >= 0 ? behind : firstOpen()
    if (next >= 0) select(next)
    attempt(async () => {
      try {
        showProgress((await ask('judge', { query: id, document: one.id, grade })).progress)
        const rest = next >= 0 ? '' : ' All documents of this query are judged: n for the next query.'
        say(status, `Document ${i + 1}: ${grade}, ${GRADES[grade]}.${rest}`)
      } catch (error) {
        setGrade(one, before)
        select(i)
        throw error
      }
    })
  }

  function undo(): void {
    attempt(async () => {
      const taken = await ask('undo')
      showProgress(taken.progress)
      if (taken.query === undefined) return say(status, 'There is nothing to undo.')
      if (taken.query !== query?.id) await open({ id: taken.query })
      const i = cards.findIndex(({ id }) => id === taken.document)
      if (i < 0) return
      setGrade(cards[i], taken.grade)
      select(i)
      say(status, `Document ${i + 1}: the last judgement is taken back.`)
    })
  }

  function next(): void {
    attempt(async () => {
      await open({ after: query?.id })
      heading.scrollIntoView({ block: 'nearest' })
    })
  }

  async function showAgreement(): Promise<void> {
    const { agreements } = await ask('agreement')
    const parts = agreements.flatMap(({ judges, pairs, kappa, disagreements }) => {
      const names = judges.flatMap((name, i) => [i > 0 && ' and ', h('bdi', {}, name)])
      const found = `Cohen’s kappa ${kappa === undefined ? 'unknown' : kappa.toFixed(3)}`
      const items = disagreements.slice(0, 50).map(({ query: id, text, documents }) => {
        const show = button(() => attempt(() => open({ id })), { class: 'quiet' }, text.slice(0, 200))
        return h('li', {}, show, ` ${count(documents, 'grade')} differ`)
      })
      const shared = `: ${found} on ${count(pairs, 'document')} that both judged`
      return [h('p', {}, ...names, shared), h('ul', {}, ...items)]
    })
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

  async function begin(): Promise<void> {
    const id = recall('query')
    await (id === undefined ? open({}) : open({ id }).catch(() => open({})))
  }

  follow(status, ({ words }) => {
    if (words) attempt(begin)
    return words
  })
  return frame('label', state.title, [bar, status, facts], main)
}
