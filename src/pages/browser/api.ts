import type { labelRoutes } from '../label.js'
import type { ListedQuery } from '../query-list.js'
import type { PageAnswer, PageState, viewRoutes } from '../view.js'
import { say } from './dom.js'

type Routes = ReturnType<typeof viewRoutes> & Omit<ReturnType<typeof labelRoutes>, 'state' | 'document'>

export type Answer<N extends keyof Routes> = Awaited<ReturnType<Routes[N]>>

interface Exported {
  readonly state: PageState
  readonly queries: readonly ListedQuery[]
  readonly answers: readonly PageAnswer[]
}

const embedded = document.getElementById('data')?.textContent
const exported: Exported | undefined = embedded ? JSON.parse(embedded) : undefined
const parameters = new URLSearchParams(location.hash.slice(1))
const token = parameters.get('token') ?? ''

/** Value of the address behind `#` that a reload keeps. */
export const recall = (name: string): string | undefined => parameters.get(name) ?? undefined

export function remember(name: string, value: string): void {
  parameters.set(name, value)
  if (!exported) history.replaceState(null, '', `#${parameters}`)
}

/** Asks the program, or the data of an exported page. @throws Error with a sentence to show */
export async function ask<N extends keyof Routes>(name: N, body: object = {}): Promise<Answer<N>> {
  if (exported) return fromExport(exported, name, body as Record<string, string>) as Answer<N>
  const response = await fetch(`/api/${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new Error('The program does not answer. Start it again, then reload this page.')
  })
  const value = await response.json()
  if (!response.ok) throw new Error(value.message)
  return value
}

const POLL_MS = 400

/** Says what the program does, again and again until `seen` is content with its state. */
export async function follow(status: HTMLElement, seen: (state: PageState) => boolean): Promise<void> {
  let wait = POLL_MS
  try {
    const state = await ask('state')
    const { step = 'Ready.', done, total } = state.doing ?? {}
    const progress = total === undefined ? '' : `: ${done?.toLocaleString('en')} of ${total.toLocaleString('en')}`
    say(status, `${step[0].toUpperCase()}${step.slice(1)}${progress}`)
    if (seen(state)) return
  } catch (error) {
    say(status, (error as Error).message)
    wait = 5 * POLL_MS
  }
  setTimeout(follow, wait, status, seen)
}

function fromExport({ state, queries, answers }: Exported, name: string, body: Record<string, string>): unknown {
  const fold = (text = ''): string => text.trim().toLowerCase()
  if (name === 'state') return state
  if (name === 'queries') {
    const found = queries.filter(({ text }) => fold(text).includes(fold(body.contains)))
    return { total: found.length, from: 0, queries: found }
  }
  const answer = answers.find(({ query }) => fold(query) === fold(body.query))
  if (name === 'search' && answer) return answer
  throw new Error('This file holds only the queries of its list. Choose one of them.')
}
