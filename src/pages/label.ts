import { createHash } from 'node:crypto'
import { ApiError } from '../serve/errors.js'
import { agreements } from './agreement.js'
import type { Hit } from './collection.js'
import { LABEL_POOL } from './defaults.js'
import type { JudgementFile } from './judgement-file.js'
import type { PageRoute } from './local-server.js'
import type { Look } from './look.js'
import { provenText } from './proven.js'
import { ndcgOf } from './query-list.js'
import type { OrderedQuery } from './query-order.js'
import { type PageState, stateOf, textField, viewFor, wholeDocument } from './view.js'

const HIGHEST_GRADE = 3

interface Pool {
  /** Documents that any search finds first. */
  readonly ids: readonly string[]
  readonly sides: readonly (readonly Hit[])[]
}

export interface LabelOptions {
  readonly look: Look
  readonly title: string
  readonly file: JudgementFile
  readonly queries: Promise<readonly OrderedQuery[]>
  readonly judge: string
  readonly pool: number
  readonly seed: number
}

/** Requests of the page that collects judgements. */
export function labelRoutes(options: LabelOptions) {
  const { look, title, file, queries, judge, seed } = options
  const pools = new Map<string, Promise<Pool>>()
  const pooled = new Map<string, Pool>()

  const gradesOf = (query: string): ReadonlyMap<string, number> => file.judgements.of(judge).get(query) ?? new Map()

  /** Pools what any search finds first, with documents judged before, in an order that tells nothing. */
  async function poolOf(query: OrderedQuery): Promise<readonly string[]> {
    if (!pools.has(query.id)) {
      const asked = searchAll(query.text)
      pools.set(query.id, asked)
      asked.then(
        pool => pooled.set(query.id, pool),
        () => pools.delete(query.id),
      )
    }
    return candidatesOf(query, await pools.get(query.id)!)
  }

  async function searchAll(text: string): Promise<Pool> {
    await look.words
    const { found } = await look.ask(text, options.pool)
    const first = found.flatMap(result => result?.hits.slice(0, options.pool).map(({ id }) => id) ?? [])
    const sides = found.filter((_, i) => look.systems[i].kind === 'base' || look.systems[i].kind === 'adapter')
    return { ids: [...new Set(first)], sides: sides.slice(0, 2).map(side => side!.hits.slice(0, LABEL_POOL)) }
  }

  function candidatesOf({ id, grades }: OrderedQuery, { ids }: Pool): readonly string[] {
    const { judgements } = file
    const before = judgements.judges().flatMap(one => [...(judgements.of(one).get(id)?.keys() ?? [])])
    const all = [...new Set([...ids, ...(grades?.keys() ?? []), ...before])]
    const chance = new Map(all.map(one => [one, createHash('sha256').update(`${seed} ${id} ${one}`).digest('hex')]))
    return all.sort((a, b) => (chance.get(a)! < chance.get(b)! ? -1 : 1))
  }

  /** True if the judge has graded every candidate; of an earlier run, as many as there were. */
  function isDone(query: OrderedQuery): boolean {
    const grades = gradesOf(query.id)
    const pool = pooled.get(query.id)
    if (pool) return candidatesOf(query, pool).every(id => grades.has(id))
    return grades.size > 0 && grades.size >= (file.judgements.queries.get(query.id)?.pool ?? 1)
  }

  /** The first query behind another one, or of all, that is not done. */
  async function nextOf(after: string | undefined): Promise<OrderedQuery | undefined> {
    const all = await queries
    const start = all.findIndex(({ id }) => id === after) + 1
    return [...all.slice(start), ...all.slice(0, start)].find(query => !isDone(query))
  }

  async function known(body: Readonly<Record<string, unknown>>, name: string): Promise<OrderedQuery> {
    const id = textField(body, name)
    const query = (await queries).find(other => other.id === id)
    if (query) return query
    throw new ApiError(404, 'not_found', 'there is no query of this id')
  }

  async function progress() {
    const all = await queries
    const judged = all.filter(({ id }) => gradesOf(id).size > 0)
    const answered = judged.filter(({ id }) => [...gradesOf(id).values()].some(grade => grade > 0))
    const gains = answered.flatMap(({ id }) => {
      const [base, adapted] = pooled.get(id)?.sides ?? []
      return adapted ? [ndcgOf(adapted, gradesOf(id))! - ndcgOf(base, gradesOf(id))!] : []
    })
    return {
      judgements: judged.reduce((sum, { id }) => sum + gradesOf(id).size, 0),
      done: judged.filter(isDone).length,
      total: all.length,
      proven: provenText(gains, answered.length, seed),
    }
  }

  /** Searches again for the queries of earlier runs, whose labels count in what can be proven. */
  async function catchUp(): Promise<void> {
    for (const query of await queries) if (gradesOf(query.id).size > 0) await poolOf(query)
  }
  catchUp().catch(() => {})

  async function shown(query: OrderedQuery) {
    const [ids, documents, all] = [await poolOf(query), await look.collection, await queries]
    const view = viewFor(look, query.text)
    const grades = gradesOf(query.id)
    const list = await Promise.all(
      ids.map(async id => ({ ...view(id, await documents.text(id)), grade: grades.get(id) ?? null })),
    )
    const { id, text } = query
    return { query: { id, text, position: all.indexOf(query) + 1, total: all.length }, documents: list }
  }

  return {
    state: (): PageState => ({ ...stateOf(look, 'label', title), systems: [], judge }),
    async query(body) {
      file.refresh()
      const asked = body.id === undefined ? undefined : await known(body, 'id')
      const query = asked ?? (await nextOf(typeof body.after === 'string' ? body.after : undefined))
      return { ...(query && (await shown(query))), progress: await progress() }
    },
    async judge(body) {
      const query = await known(body, 'query')
      const document = textField(body, 'document')
      const { grade } = body
      if (!Number.isInteger(grade) || (grade as number) < 0 || (grade as number) > HIGHEST_GRADE)
        throw new ApiError(400, 'invalid_input', `expected "grade" to be a whole number from 0 to ${HIGHEST_GRADE}`)
      file.refresh()
      if (!(await poolOf(query)).includes(document))
        throw new ApiError(400, 'invalid_input', 'expected "document" to be one of the query’s candidates')
      await write(query, document, grade as number)
      return { grade, progress: await progress() }
    },
    async undo() {
      file.refresh()
      const last = file.judgements.history(judge).at(-1)
      const query = last && (await queries).find(({ id }) => id === last.query)
      if (!query) return { progress: await progress() }
      await write(query, last.document, last.before, true)
      return { query: query.id, document: last.document, grade: last.before, progress: await progress() }
    },
    document: body => wholeDocument(look, body),
    agreement() {
      file.refresh()
      return { agreements: agreements(file.judgements) }
    },
  } satisfies Record<string, PageRoute>

  async function write(query: OrderedQuery, document: string, grade: number | null, undo?: true): Promise<void> {
    const text = await (await look.collection).text(document)
    const { queries: writtenQueries, documents } = file.judgements
    const { at, stratum, searches } = query
    file.append({
      query_id: query.id,
      document_id: document,
      grade,
      judge,
      time: new Date().toISOString(),
      undo,
      ...(writtenQueries.has(query.id) ? {} : { query: query.text, at, stratum, searches, pool: (await poolOf(query)).length }),
      ...(documents.has(document) ? {} : { document: text ?? '' }),
    })
  }
}

/** Sums up where queries come from: per stratum its queries and searches, so that figures can be weighted back. */
export function strataOf(queries: readonly OrderedQuery[]) {
  const strata: Record<string, { queries: number; searches: number }> = {}
  for (const { stratum = 'all', searches } of queries) {
    strata[stratum] ??= { queries: 0, searches: 0 }
    strata[stratum].queries++
    strata[stratum].searches += searches
  }
  return strata
}
