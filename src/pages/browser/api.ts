import type { ShownDocument } from '../documents.js'
import type { AboutQuery, Doing, System } from '../look.js'
import type { ListedQuery } from '../query-list.js'

/** A document, with its grade: null if the judge has not given one. */
export type PageDocument = Omit<ShownDocument, 'grade'> & { readonly grade?: number | null }

export interface PageState {
  readonly page: 'view' | 'label'
  readonly title: string
  readonly systems: readonly Pick<System, 'name' | 'kind'>[]
  readonly doing?: Doing
  readonly searchable: boolean
  readonly words: boolean
  readonly exported?: boolean
  readonly judge?: string
}

export interface PageColumn extends AboutQuery {
  readonly hits: readonly { readonly id: string; readonly score: number; readonly from?: number | null }[]
}

export interface PageAnswer {
  readonly query: string
  readonly relevant?: number
  readonly columns: readonly (PageColumn | null)[]
  readonly documents: Readonly<Record<string, PageDocument>>
}

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
export async function ask<T>(name: string, body: object = {}): Promise<T> {
  if (exported) return fromExport(exported, name, body as Record<string, string>) as T
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
