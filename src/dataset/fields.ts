import { parseGrade, quote } from './check.js'
import { JsonCursor, JsonSyntaxError } from './json-cursor.js'
import type { Probe } from './probe.js'
import type { DatasetRecord, RecordField } from './records.js'
import { hasRecordField, importLine, misnamedFields, RECORD_FIELDS } from './records.js'
import { sampleOf } from './sample.js'
import { assertNoRepeatedColumn, columnName, frequentDelimiter, type TableRow, withoutSeparatorLine } from './table.js'
import { invalidFile, type Place } from './text-file.js'

/** The user's own names for the fields of a record; `negative` is a document, or a list of them, judged not relevant. */
export type FieldNames = { readonly [field in RecordField | 'negative']?: string }

/** Renames the fields of a record from the user's names to ours. */
export function renameFields(record: DatasetRecord, fields: FieldNames): DatasetRecord {
  const renamed: Record<string, unknown> = Object.create(null)
  for (const field of RECORD_FIELDS) {
    const value = record[fields[field] ?? field]
    if (value !== undefined) renamed[field] = value
  }
  if (fields.negative !== undefined) renamed.negative = record[fields.negative]
  return renamed
}

/** Makes a test for the fields of a record, also by the user's names. */
export function isRecordColumn(fields: FieldNames | undefined): (column: string) => boolean {
  const own = new Set(Object.values(fields ?? {}).map(columnName))
  return column => own.has(column) || hasRecordField([column])
}

export function columnFields(fields: FieldNames): FieldNames {
  return Object.fromEntries(Object.entries(fields).map(([field, name]) => [field, columnName(name)]))
}

/** @throws DATASET_INVALID if a table has not the columns of records */
export function checkRecordHeader(columns: readonly string[], place: Place, fields: FieldNames = {}): void {
  assertNoRepeatedColumn(columns, place, isRecordColumn(fields))
  const found = `the header has the columns ${columns.map(quote).join(', ')}`
  const absent = Object.values(fields).find(name => !columns.includes(name))
  if (absent !== undefined) throw invalidFile(place, `${found}, expected ${quote(absent)} too, as asked for`)
  const has = (field: RecordField) => columns.includes(fields[field] ?? field)
  if ((has('query') || has('query_id')) && (has('document') || has('document_id'))) return
  const [query, document] = [fields.query ?? 'query', fields.document ?? 'document'].map(quote)
  const renamed = misnamedFields(columns).map(([name, field]) => ` Rename ${quote(name)} to "${field}".`)
  const named = Object.keys(fields).length > 0 ? '' : ` Or name them: ${importLine(place.file, columns)}`
  throw invalidFile(place, `${found}, expected ${query} and ${document}.${renamed.join('')}${named}`)
}

export function rowToRecord({ cells }: TableRow, fields?: FieldNames): DatasetRecord {
  const record = { ...(fields ? renameFields(cells, fields) : cells) } as Record<string, unknown>
  const { grade, negative } = record
  if (typeof grade === 'string') record.grade = grade.trim() === '' ? undefined : parseGrade(grade)
  if (negative === '') record.negative = undefined
  // An empty id means "none"; an empty text is a mistake, as a table cannot say "no text" otherwise.
  for (const field of ['query_id', 'document_id']) if (record[field] === '') record[field] = undefined
  return record
}

/** Names of the query of a pair or triplet. */
export const ANCHOR_FIELDS = ['anchor', 'query'] as const
/** Names of its relevant documents. */
export const POSITIVE_FIELDS = ['positive', 'positives', 'pos'] as const
/** Names of its hard negatives. */
export const NEGATIVE_FIELDS = /^(negatives?|neg|negative_\d+)$/

/** True for the keys of a pair or triplet of sentence-transformers. */
export function hasTripletFields(keys: readonly string[]): boolean {
  return [ANCHOR_FIELDS, POSITIVE_FIELDS].every(names => names.some(name => keys.includes(name)))
}

export const hasClickFields = (keys: readonly string[]): boolean => keys.includes('query') && keys.includes('clicked')

/** Rows examined; fewer if the head of the file is shorter. */
const ROWS = [50, 5, 1]
/** Mean characters below which a column is not text: ids, dates, flags. */
const SHORTEST_TEXT = 8

/** Further names of our fields; whole words of a column's name. */
const WORDS: readonly (readonly [RecordField, RegExp])[] = [
  ['query', /^(quer(y|ies)|questions?|search|prompt|utterance|frage|pregunta|domanda|anfrage)$/],
  ['document', /^(documents?|answers?|text|passage|context|content|body|chunk|response|article|antwort|respuesta)$/],
]

/** The columns of a file, and the likely fields among them in the file's own names; these are empty without two columns of texts. */
export type GuessedFields = { readonly columns: readonly string[]; readonly fields: FieldNames }

/** Guesses the columns or keys of queries and documents: by name, else by length, as questions are shorter. */
export async function guessFields(probe: Probe): Promise<GuessedFields | undefined> {
  const rows = await rowsOf(probe)
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))]
  if (rows.length === 0 || columns.length < 2) return undefined
  const named = Object.fromEntries(misnamedFields(columns).map(([found, field]) => [field, found]))
  for (const field of ['query', 'document'] as const) if (columns.includes(field)) named[field] = field
  const taken = (): string[] => Object.values(named)
  for (const [field, pattern] of WORDS) {
    const words = (column: string): string[] => column.toLowerCase().split(/[^\p{L}]+/u)
    const isNamed = (column: string): boolean => words(column).some(word => pattern.test(word))
    const column = columns.find(name => !taken().includes(name) && isNamed(name))
    if (column !== undefined) named[field] ??= column
  }
  const lengths = columns
    .filter(column => !taken().includes(column))
    .map(column => ({ column, length: meanLength(rows.map(row => row[column])) }))
    .filter(({ length }) => length >= SHORTEST_TEXT)
    .sort((a, b) => b.length - a.length)
  named.document ??= lengths.shift()?.column as string
  named.query ??= lengths.shift()?.column as string
  const isWhole = named.query !== undefined && named.document !== undefined
  return { columns, fields: isWhole ? named : {} }
}

/** Reads the first records of a table, JSON Lines or a JSON array; none from another file. */
async function rowsOf(probe: Probe): Promise<Record<string, unknown>[]> {
  if (probe.entries) return []
  const delimited = probe.head.trimStart()
  const text = withoutSeparatorLine(delimited)
  if (/^[[{]/.test(text)) return jsonRows(text)
  // Words in lines are no table: every row has to have the columns of the header.
  const delimiter = frequentDelimiter(delimited)
  if (!text.split('\n', 1)[0].includes(delimiter)) return []
  const { parse } = await import('csv-parse/sync')
  for (const to of ROWS) {
    try {
      return parse(text, { columns: true, delimiter, to, trim: true, bom: true, skip_empty_lines: true })
    } catch {}
  }
  return []
}

function jsonRows(text: string): Record<string, unknown>[] {
  if (sampleOf({ path: '', head: text }, () => false).isTuple) return []
  const rows: Record<string, unknown>[] = []
  const cursor = new JsonCursor(text.startsWith('[') ? text.slice(1) : text)
  try {
    while (rows.length < ROWS[0] && cursor.peek() === '{') {
      rows.push(cursor.value() as Record<string, unknown>)
      if (cursor.peek() === ',') cursor.offset++
    }
  } catch (error) {
    // The head of a long file ends in the middle of a record.
    if (!(error instanceof JsonSyntaxError)) throw error
  }
  return rows
}

function meanLength(values: readonly unknown[]): number {
  if (!values.every(value => typeof value === 'string')) return 0
  return values.reduce((sum, value) => sum + (value as string).length, 0) / values.length
}
