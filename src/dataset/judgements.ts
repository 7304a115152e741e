import { isObject, tryJson } from '../json.js'
import { getOrInsert } from '../maps.js'
import { quote, show, toGrade, toId } from './check.js'

/** One line of a file of judgements: who gave which grade to a document for a query, and when. */
export interface Judgement {
  readonly query_id: string
  readonly document_id: string
  /** Above 0 is relevant; null takes a judgement back. */
  readonly grade: number | null
  readonly judge: string
  /** ISO 8601, UTC. */
  readonly time: string
  /** True if the line takes the judge's last one back; `grade` is then the one before it. */
  readonly undo?: true
  /** Text of the query and of the document, at their first judgement in the file. */
  readonly query?: string
  readonly document?: string
  /** Place of the query in its source, from 0: queries are read in that order. */
  readonly at?: number
  /** Group of like queries that the query was drawn from, and how often it was asked. */
  readonly stratum?: string
  readonly searches?: number
  readonly pool?: number
}

/** First line of a file, and of every further run that adds to it. */
export interface JudgementsHeader {
  readonly judgements: 1
  /** Where the documents are: paths relative to this file's folder. */
  readonly documents: { readonly data?: string; readonly split?: string; readonly corpus?: string; readonly index?: string }
  /** How queries and candidates were chosen. */
  readonly sampling: Readonly<Record<string, unknown>>
}

/** Judgements, taken line by line. */
export type Judgements = ReturnType<typeof collectJudgements>
type Grades = Map<string, Map<string, number>>

export function collectJudgements() {
  const queries = new Map<string, { text: string; at: number; pool?: number }>()
  const documents = new Map<string, string>()
  const grades = new Map<string, Grades>()
  const histories = new Map<string, { query: string; document: string; before: number | null }[]>()
  let header: JudgementsHeader | undefined
  let torn = 0

  /** Takes a line. Returns its problem, as the end of a sentence, if it is JSON and wrong. */
  const take = (line: string): string | undefined => {
    const entry = tryJson(line)
    if (entry === undefined) {
      torn++
      return undefined
    }
    if (!isObject(entry)) return `is ${show(entry)}, expected an object`
    if ('judgements' in entry) {
      const { judgements: version, documents: where } = entry
      if (version !== 1) return `has the version ${show(version)}, expected 1`
      if (!isPlaces(where)) return `has the "documents" ${show(where)}, expected an object of texts`
      header = entry as unknown as JudgementsHeader
      return undefined
    }
    const { query_id, document_id, grade, judge, undo, at, pool, ...texts } = entry
    const [query, document] = [toId(query_id), toId(document_id)]
    if (query === undefined) return `has the query_id ${show(query_id)}, expected a text`
    if (document === undefined) return `has the document_id ${show(document_id)}, expected a text`
    if (grade !== null && toGrade(grade) === undefined) return `the grade is ${show(grade)}, expected a number or null`
    if (typeof judge !== 'string') return `the judge is ${show(judge)}, expected a text`
    if (!queries.has(query)) {
      if (typeof texts.query !== 'string') return `query ${quote(query)} has no text, expected "query"`
      const place = typeof at === 'number' ? at : queries.size
      queries.set(query, { text: texts.query, at: place, ...(typeof pool === 'number' && { pool }) })
    }
    if (!documents.has(document)) {
      if (typeof texts.document !== 'string') return `document ${quote(document)} has no text, expected "document"`
      documents.set(document, texts.document)
    }
    const own = getOrInsert(grades, judge, () => new Map<string, Map<string, number>>())
    const judged = getOrInsert(own, query, () => new Map<string, number>())
    const history = getOrInsert(histories, judge, () => [])
    if (undo === true) history.pop()
    else history.push({ query, document, before: judged.get(document) ?? null })
    if (grade === null) judged.delete(document)
    else judged.set(document, toGrade(grade)!)
    return undefined
  }

  return {
    queries,
    documents,
    take,
    header: () => header,
    /** Lines that are not JSON: cut off when a machine stopped. */
    torn: () => torn,
    judges: () => [...grades.keys()],
    /** Present grades of a judge: query id -> document id -> grade. */
    of: (judge: string): ReadonlyMap<string, ReadonlyMap<string, number>> => grades.get(judge) ?? new Map(),
    /** Judgements of a judge that can be taken back, the last one last, each with the grade before it. */
    history: (judge: string) => histories.get(judge) ?? [],
  }
}

const isPlaces = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every(place => typeof place === 'string')

/** One grade per pair: the median of its judges, the lower one of two in the middle. */
export function medianGrades(judgements: Judgements): Grades {
  const all = new Map<string, Map<string, number[]>>()
  for (const judge of judgements.judges()) {
    for (const [query, judged] of judgements.of(judge)) {
      const own = getOrInsert(all, query, () => new Map<string, number[]>())
      for (const [document, grade] of judged) getOrInsert(own, document, () => []).push(grade)
    }
  }
  const median = (grades: number[]): number => grades.sort((a, b) => a - b)[(grades.length - 1) >> 1]
  return new Map([...all].map(([query, own]) => [query, new Map([...own].map(([id, given]) => [id, median(given)]))]))
}
