import { AdapterTrainError } from '../errors.js'
import { optionWord } from '../words.js'
import { quote, show, textProblem, toGrade, toId } from './check.js'
import type { DatasetIssue, LoadedDataset } from './dataset.js'
import { invalidFile, location, type Place } from './text-file.js'

/** Receiver of a format's entries, which checks them and collects problems. */
export type DatasetSink = ReturnType<typeof createSink>

/** Ids of an entry that is left out: what is missing because of them is not a problem of its own. */
type Lost = { readonly query?: unknown; readonly document?: unknown }

export function createSink(path: string, name: string, skipInvalid: boolean) {
  const texts = { query: new Map<string, string>(), document: new Map<string, string>() }
  const places = { query: new Map<string, Place>(), document: new Map<string, Place>() }
  const affected = { query: new Set<string>(), document: new Set<string>() }
  const judgements: { query: string; document: string; grade: number; place: Place }[] = []
  const issues: DatasetIssue[] = []
  const notes: string[] = []

  const leaveOut = (problem: string, place: Place, id?: string, lost: Lost = {}): void => {
    issues.push({ ...place, ...(id === undefined ? {} : { id }), problem })
    for (const kind of ['query', 'document'] as const) {
      const lostId = toId(lost[kind])
      if (lostId !== undefined) affected[kind].add(lostId)
    }
  }

  /** Lists what is missing only because something else was left out, which is not an error of its own. */
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
    // Ids count as they stand, blanks included; a table may have blanks around its cells.
    const known = (kind: 'query' | 'document', id: string): string =>
      !texts[kind].has(id) && texts[kind].has(id.trim()) ? id.trim() : id
    for (const judgement of judgements) {
      const { grade, place } = judgement
      const [query, document] = [known('query', judgement.query), known('document', judgement.document)]
      const judged = qrels.get(query)
      const before = judged?.get(document)
      if (!judged) {
        if (affected.query.has(query)) follow(`query ${quote(query)} was left out, and so is its judgement`, place, query)
        else leaveOut(`the judgements name query ${quote(query)}, which is not among the queries`, place, query)
      } else if (!texts.document.has(document) && !sink.documentsElsewhere) {
        const text = `query ${quote(query)} names document ${quote(document)}`
        if (affected.document.has(document)) follow(`${text}, which was left out`, place, query)
        else leaveOut(`${text}, which is not in the corpus`, place, query)
        affected.query.add(query)
      } else if (before !== undefined && before !== grade && sink.keepHighest) {
        judged.set(document, Math.max(before, grade))
        raised++
      } else if (before !== undefined && before !== grade) {
        const text = `query ${quote(query)} and document ${quote(document)} are judged twice`
        leaveOut(`${text}, with grade ${before} and with grade ${grade}`, place, query)
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
        const found = judged.size === 0 ? 'no relevant document' : 'only documents of grade 0 or below'
        const problem = `query ${quote(query)} has ${found}, expected at least one above 0`
        issues.push({ ...place, id: query, problem, unanswered: true })
      }
      qrels.delete(query)
      texts.query.delete(query)
    }
  }

  const sink = {
    /** A reader may set a better one than the path's last part. */
    name,
    /** True if a pair judged twice keeps its highest grade, instead of being invalid. */
    keepHighest: false,
    /** True if judgements may name documents that are not here. */
    documentsElsewhere: false,
    sharedIds: false,
    /** Query text -> time of its first search. */
    times: new Map<string, number>(),
    queries: texts.query as ReadonlyMap<string, string>,
    corpus: texts.document as ReadonlyMap<string, string>,
    addQuery: (id: unknown, text: unknown, place: Place): void => addText('query', id, text, place),
    addDocument: (id: unknown, text: unknown, place: Place): void => addText('document', id, text, place),
    /** Adds a judgement; its query and document may come later. */
    addJudgement(rawQuery: unknown, rawDocument: unknown, rawGrade: unknown, place: Place): void {
      const [query, document, grade] = [toId(rawQuery), toId(rawDocument), toGrade(rawGrade)]
      const lost = { query }
      if (query === undefined) leaveOut(`a query id is ${show(rawQuery)}, expected a string that is not empty`, place)
      else if (document === undefined) {
        const expected = 'expected a document id'
        leaveOut(`query ${quote(query)} names as document ${show(rawDocument)}, ${expected}`, place, query, lost)
      } else if (grade === undefined) {
        const pair = `query ${quote(query)} and document ${quote(document)}`
        leaveOut(`the grade of ${pair} is ${show(rawGrade)}, expected a number`, place, query, lost)
      } else judgements.push({ query, document, grade, place })
    },
    /** Records an invalid entry. */
    leaveOut,
    /** Adds a sentence about valid input that may surprise. */
    note: (text: string) => notes.push(text),
    /** Checks ids and relevant documents. @throws DATASET_INVALID unless all is valid, or left out and something remains */
    finish(): LoadedDataset {
      const qrels = collectQrels()
      dropUnanswered(qrels)
      if (issues.length > 0 && !skipInvalid) throw firstIssue(issues)
      if (qrels.size === 0) throw nothingUsable(path, texts.document.size, issues)
      const { name, sharedIds, times } = sink
      const timed = [...texts.query].flatMap(([id, text]) => (times.has(text) ? [[id, times.get(text)!] as const] : []))
      return {
        dataset: {
          name,
          queries: texts.query,
          corpus: texts.document,
          qrels,
          ...(sharedIds && { sharedIds }),
          ...(timed.length > 0 && { times: new Map(timed) }),
        },
        skipped: issues,
        notes,
      }
    },
  }
  return sink
}

/** Makes a sink for a file in which no entry may be left out. */
export function strictSink(path: string): DatasetSink {
  const leaveOut = (problem: string, place: Place): never => {
    throw invalidFile(place, problem)
  }
  return { ...createSink(path, path, false), leaveOut }
}

const at = (place: Place): string => (place.line === undefined ? `in ${place.file}` : `in line ${place.line}`)

function firstIssue(issues: readonly DatasetIssue[]): AdapterTrainError {
  const { file, line, id, problem } = issues[0]
  const rest = issues.length - 1
  const more = rest === 0 ? '' : ` (and ${rest} more ${rest === 1 ? 'problem' : 'problems'})`
  const remedy = `Fix it, or use ${optionWord('skipInvalid: true')} to leave such entries out.`
  const message = `${location(issues[0])}: ${problem}${more}. ${remedy}`
  return new AdapterTrainError('DATASET_INVALID', message, { details: { file, line, id, problems: issues.length } })
}

function nothingUsable(path: string, documents: number, issues: readonly DatasetIssue[]): AdapterTrainError {
  const found = `no query with a relevant document, and ${documents} ${documents === 1 ? 'document' : 'documents'}`
  const reason =
    issues.length === 0
      ? 'Expected at least one pair of a query and a document.'
      : `${issues.length} invalid entries were left out, the first: ${location(issues[0])}: ${issues[0].problem}.`
  const message = `${path}: nothing usable: found ${found}. ${reason}`
  return new AdapterTrainError('DATASET_INVALID', message, { details: { file: path, problems: issues.length } })
}
