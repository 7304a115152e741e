import { AdapterTrainError } from '../errors.js'
import { quote, show, textProblem, toGrade, toId } from './check.js'
import type { DatasetIssue, LoadedDataset } from './dataset.js'
import { location, type Place } from './place.js'

/** Ids that an entry left out would have given or judged: what goes missing because of it is no problem of its own. */
export interface Affected {
  readonly query?: unknown
  readonly document?: unknown
}

/** What a format's reader pours its entries into; it checks them and gathers what is wrong. */
export interface DatasetSink {
  /** The data set's name; a reader may set a better one than the path's last part. */
  name: string
  readonly skipInvalid: boolean
  /** Whether a pair that is judged twice keeps its highest grade, instead of being wrong. */
  keepHighest: boolean
  readonly queries: ReadonlyMap<string, string>
  readonly corpus: ReadonlyMap<string, string>
  addQuery(id: unknown, text: unknown, place: Place): void
  addDocument(id: unknown, text: unknown, place: Place): void
  /** Queries and documents that it names may come later. */
  addJudgement(queryId: unknown, documentId: unknown, grade: unknown, place: Place): void
  /** Notes one thing that is wrong and cannot be used. */
  leaveOut(problem: string, place: Place, id?: string, affected?: Affected): void
  /** Says in a sentence what was read otherwise than one may think, and is not wrong. */
  note(text: string): void
  /**
   * Checks what only the whole can tell (unknown ids, queries without a relevant document).
   * @throws DATASET_INVALID when something is wrong and `skipInvalid` is off, or when nothing usable remains
   */
  finish(): LoadedDataset
}

interface Judgement {
  readonly query: string
  readonly document: string
  readonly grade: number
  readonly place: Place
}

/** A sink for one data set. */
export function createSink(path: string, name: string, skipInvalid: boolean): DatasetSink {
  const texts = { query: new Map<string, string>(), document: new Map<string, string>() }
  const places = { query: new Map<string, Place>(), document: new Map<string, Place>() }
  const affected = { query: new Set<string>(), document: new Set<string>() }
  const judgements: Judgement[] = []
  const issues: DatasetIssue[] = []
  const notes: string[] = []

  const leaveOut: DatasetSink['leaveOut'] = (problem, place, id, lost = {}) => {
    issues.push({ ...place, ...(id === undefined ? {} : { id }), problem })
    for (const kind of ['query', 'document'] as const) {
      const lostId = toId(lost[kind])
      if (lostId !== undefined) affected[kind].add(lostId)
    }
  }

  /** Something that is missing only because something else was left out: listed as left out, but not an error of its own. */
  const follow = (problem: string, place: Place, id: string): void => {
    if (skipInvalid) leaveOut(problem, place, id)
  }

  const addText = (kind: 'query' | 'document', rawId: unknown, text: unknown, place: Place): void => {
    const id = toId(rawId)
    if (id === undefined) {
      leaveOut(`the id of a ${kind} is ${show(rawId)}, expected a string that is not empty`, place)
      return
    }
    const first = places[kind].get(id)
    const problem = textProblem(text)
    if (first) leaveOut(`${kind} ${quote(id)} is given again (first ${at(first)})`, place, id)
    else if (problem) leaveOut(`the text of ${kind} ${quote(id)} ${problem}`, place, id, { [kind]: id })
    else {
      texts[kind].set(id, text as string)
      places[kind].set(id, place)
    }
  }

  const collectQrels = (): Map<string, Map<string, number>> => {
    const qrels = new Map([...texts.query.keys()].map(id => [id, new Map<string, number>()]))
    let raised = 0
    for (const { query, document, grade, place } of judgements) {
      const judged = qrels.get(query)
      const known = judged?.get(document)
      if (!judged) {
        if (affected.query.has(query))
          follow(`query ${quote(query)} was left out, and so is its judgement`, place, query)
        else leaveOut(`the judgements name query ${quote(query)}, which is not among the queries`, place, query)
      } else if (!texts.document.has(document)) {
        const text = `query ${quote(query)} names document ${quote(document)}`
        if (affected.document.has(document)) follow(`${text}, which was left out`, place, query)
        else leaveOut(`${text}, which is not in the corpus`, place, query)
        affected.query.add(query)
      } else if (known !== undefined && known !== grade && sink.keepHighest) {
        judged.set(document, Math.max(known, grade))
        raised++
      } else if (known !== undefined && known !== grade) {
        const text = `query ${quote(query)} and document ${quote(document)} are judged twice`
        leaveOut(`${text}, with grade ${known} and with grade ${grade}`, place, query)
      } else judged.set(document, grade)
    }
    if (raised > 0) notes.push(`${raised} judgements of a pair that has another grade too: the highest is kept`)
    return qrels
  }

  const dropUnanswered = (qrels: Map<string, Map<string, number>>): void => {
    for (const [query, judged] of qrels) {
      if ([...judged.values()].some(grade => grade > 0)) continue
      const place = places.query.get(query)!
      if (affected.query.has(query)) follow(`query ${quote(query)} has no relevant document left`, place, query)
      else {
        const found = judged.size === 0 ? 'no relevant document' : 'only documents of grade 0'
        const problem = `query ${quote(query)} has ${found}, expected at least one of grade 1 or more`
        issues.push({ ...place, id: query, problem, unanswered: true })
      }
      qrels.delete(query)
      texts.query.delete(query)
    }
  }

  const sink: DatasetSink = {
    name,
    skipInvalid,
    keepHighest: false,
    queries: texts.query,
    corpus: texts.document,
    addQuery: (id, text, place) => addText('query', id, text, place),
    addDocument: (id, text, place) => addText('document', id, text, place),
    addJudgement(rawQuery, rawDocument, rawGrade, place) {
      const [query, document, grade] = [toId(rawQuery), toId(rawDocument), toGrade(rawGrade)]
      const lost = { query }
      if (query === undefined) leaveOut(`a query id is ${show(rawQuery)}, expected a string that is not empty`, place)
      else if (document === undefined) {
        const expected = 'expected a document id'
        leaveOut(`query ${quote(query)} names as document ${show(rawDocument)}, ${expected}`, place, query, lost)
      } else if (grade === undefined) {
        const pair = `query ${quote(query)} and document ${quote(document)}`
        leaveOut(`the grade of ${pair} is ${show(rawGrade)}, expected a number of at least 0`, place, query, lost)
      } else judgements.push({ query, document, grade, place })
    },
    leaveOut,
    note: text => notes.push(text),
    finish() {
      const qrels = collectQrels()
      dropUnanswered(qrels)
      if (issues.length > 0 && !skipInvalid) throw firstIssue(issues)
      if (qrels.size === 0) throw nothingUsable(path, texts.document.size, issues)
      return {
        dataset: { name: sink.name, queries: texts.query, corpus: texts.document, qrels },
        skipped: issues,
        notes,
      }
    },
  }
  return sink
}

function at(place: Place): string {
  return place.line === undefined ? `in ${place.file}` : `in line ${place.line}`
}

function firstIssue(issues: readonly DatasetIssue[]): AdapterTrainError {
  const { file, line, id, problem } = issues[0]
  const rest = issues.length - 1
  const more = rest === 0 ? '' : ` (and ${rest} more ${rest === 1 ? 'problem' : 'problems'})`
  const remedy = 'Fix it, or use --skip-invalid (skipInvalid: true) to leave such entries out.'
  return new AdapterTrainError('DATASET_INVALID', `${location(issues[0])}: ${problem}${more}. ${remedy}`, {
    details: { file, line, id, problems: issues.length },
  })
}

function nothingUsable(path: string, documents: number, issues: readonly DatasetIssue[]): AdapterTrainError {
  const found = `no query with a relevant document, and ${documents} ${documents === 1 ? 'document' : 'documents'}`
  const reason =
    issues.length === 0
      ? 'Expected at least one pair of a query and a document.'
      : `${issues.length} invalid entries were left out, the first: ${location(issues[0])}: ${issues[0].problem}.`
  return new AdapterTrainError('DATASET_INVALID', `${path}: nothing usable: found ${found}. ${reason}`, {
    details: { file: path, problems: issues.length },
  })
}
