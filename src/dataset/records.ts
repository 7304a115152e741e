import { createHash } from 'node:crypto'
import { quote, show, textProblem, toGrade, toId } from './check.js'
import type { JsonCursor } from './json-cursor.js'
import type { DatasetSink } from './sink.js'
import { invalidFile, type Place } from './text-file.js'

/** Fields of one line, row or array element; further fields are ignored. */
export const RECORD_FIELDS = ['query', 'document', 'query_id', 'document_id', 'grade'] as const
/** Name of a field of a record. */
export type RecordField = (typeof RECORD_FIELDS)[number]
export type DatasetRecord = Readonly<Record<string, unknown>>

/** Other tools' names of our fields, which must not be ignored silently. */
const OTHER_NAMES: Readonly<Record<RecordField, readonly string[]>> = {
  query: ['question', 'anchor', 'sentence1'],
  document: ['text', 'passage', 'context', 'answer', 'chunk', 'doc', 'positive', 'pos', 'sentence2'],
  query_id: ['query-id', 'queryid', 'qid', 'question_id'],
  document_id: ['document-id', 'documentid', 'doc_id', 'docid', 'corpus_id', 'corpus-id', 'passage_id'],
  grade: ['score', 'relevance'],
}

/** Finds fields that seem to be meant as a missing one of ours, as `[found, expected]`. */
export function misnamedFields(keys: readonly string[]): [string, string][] {
  return RECORD_FIELDS.flatMap(field => {
    if (keys.includes(field)) return []
    const names = [field, ...OTHER_NAMES[field]]
    const found = keys.find(key => names.includes(key.toLowerCase()))
    return found === undefined ? [] : [[found, field] as [string, string]]
  })
}

/** The command that reads a file by its own names of the fields. */
export function importLine(path: string, names: readonly string[]): string {
  const found = new Map(misnamedFields(names).map(([name, field]) => [field, name]))
  const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
  const nameOf = (field: string): string => word(found.get(field) ?? (names.includes(field) ? field : 'NAME'))
  return `adapter-train import ${word(path)} --query ${nameOf('query')} --document ${nameOf('document')}`
}

export function hasRecordField(keys: readonly string[]): boolean {
  return keys.some(key => (RECORD_FIELDS as readonly string[]).includes(key))
}

interface RecordStyle {
  /** The file's names of the texts, for messages. */
  readonly query?: string
  readonly document?: string
  /** True if the record has only our own fields, so that none can be misnamed. */
  readonly exact?: boolean
}

/** Makes a reader of whole records; a text without an id gets that of an earlier equal one, or one of its content. */
export function createRecordReader(sink: DatasetSink) {
  const sides = {
    query: { ids: new Map<string, string>(), texts: sink.queries, add: sink.addQuery },
    document: { ids: new Map<string, string>(), texts: sink.corpus, add: sink.addDocument },
  }

  type Resolved = { id?: string; problem?: string }
  const resolve = (kind: 'query' | 'document', text: unknown, rawId: unknown, style: RecordStyle): Resolved => {
    const given = rawId === undefined ? undefined : toId(rawId)
    if (rawId !== undefined && given === undefined)
      return { problem: `${kind}_id is ${show(rawId)}, expected a string that is not empty` }
    if (text === undefined) return { id: given }
    const problem = textProblem(text)
    if (problem) return { id: given, problem: `the ${style[kind] ?? kind} ${problem}` }
    const { ids, texts } = sides[kind]
    const id = given ?? ids.get(text as string) ?? contentId(kind, text as string)
    const known = texts.get(id)
    if (known === undefined || known === text) return { id }
    return { problem: `${kind}_id ${quote(id)} has the text ${quote(text as string)}, earlier it had ${quote(known)}` }
  }

  const add = (kind: 'query' | 'document', id: string, text: unknown, place: Place): void => {
    const { ids, texts, add: pour } = sides[kind]
    if (text === undefined || texts.has(id)) return
    pour(id, text, place)
    if (!ids.has(text as string)) ids.set(text as string, id)
  }

  return (record: DatasetRecord, place: Place, style: RecordStyle = {}): void => {
    const [misnamed] = style.exact ? [] : misnamedFields(Object.keys(record))
    if (misnamed) {
      const [found, expected] = misnamed
      throw invalidFile(place, `has ${quote(found)} but no "${expected}". Rename it to "${expected}", or remove it.`)
    }
    const text = { query: record.query ?? undefined, document: record.document ?? undefined }
    const query = resolve('query', text.query, record.query_id ?? undefined, style)
    const document = resolve('document', text.document, record.document_id ?? undefined, style)
    const grade = record.grade ?? 1
    const problem = query.problem ?? document.problem ?? recordProblem(query.id, document.id, text.document, grade)
    if (problem) {
      sink.leaveOut(problem, place, undefined, { query: query.id, document: document.id })
      return
    }
    add('document', document.id!, text.document, place)
    if (query.id === undefined) return
    add('query', query.id, text.query, place)
    sink.addJudgement(query.id, document.id, grade, place)
  }
}

function recordProblem(query: unknown, document: unknown, text: unknown, grade: unknown): string | undefined {
  if (document === undefined) return `has no document, expected "document"`
  if (query === undefined && text === undefined) return 'has only a document_id, expected "query" or "document" too'
  if (toGrade(grade) === undefined) return `the grade is ${show(grade)}, expected a number`
  return undefined
}

/** Makes an id from a text: equal texts have equal ids. */
export function contentId(kind: 'query' | 'document', text: string): string {
  return `${kind[0]}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
}

/** Reads the object at the cursor, or gives the sink its problem. @throws JsonSyntaxError */
export function readJsonRecord(cursor: JsonCursor, sink: DatasetSink, place: Place): DatasetRecord | undefined {
  if (cursor.peek() !== '{') {
    sink.leaveOut(`is ${show(cursor.value())}, expected an object with "query" and "document"`, place)
    return undefined
  }
  // Without a prototype, so that the key "__proto__" is a key like any other.
  const record: Record<string, unknown> = Object.create(null)
  let repeated: string | undefined
  cursor.object(key => {
    if (key in record) repeated ??= key
    record[key] = cursor.value()
  })
  if (repeated === undefined) return record
  const lost = { query: record.query_id, document: record.document_id }
  sink.leaveOut(`has the key ${quote(repeated)} twice`, place, undefined, lost)
  return undefined
}
