import { parseGrade, quote } from './check.js'
import { invalidFile, type Place } from './place.js'
import { type DatasetRecord, hasRecordField, misnamedFields, RECORD_FIELDS, type RecordField } from './records.js'
import { assertNoRepeatedColumn, columnName, type TableRow } from './table.js'

/** The user's own names for the fields of a record; `negative` is a document, or a list of them, judged not relevant. */
export type FieldNames = { readonly [field in RecordField | 'negative']?: string }

/** A record in our field names, from one in the user's. */
export function renameFields(record: DatasetRecord, fields: FieldNames): DatasetRecord {
  const renamed: Record<string, unknown> = Object.create(null)
  for (const field of RECORD_FIELDS) {
    const value = record[fields[field] ?? field]
    if (value !== undefined) renamed[field] = value
  }
  if (fields.negative !== undefined) renamed.negative = record[fields.negative]
  return renamed
}

/** Whether a column is a field of a record, in the user's names where there are any. */
export function isRecordColumn(fields: FieldNames | undefined): (column: string) => boolean {
  const own = new Set(Object.values(fields ?? {}).map(columnName))
  return column => own.has(column) || hasRecordField([column])
}

/** The names in the form in which column names are compared. */
export function columnFields(fields: FieldNames): FieldNames {
  return Object.fromEntries(Object.entries(fields).map(([field, name]) => [field, columnName(name)]))
}

/** @throws DATASET_INVALID when the columns of a table do not make records */
export function checkRecordHeader(columns: readonly string[], place: Place, fields: FieldNames = {}): void {
  assertNoRepeatedColumn(columns, place, isRecordColumn(fields))
  const found = `the header has the columns ${columns.map(quote).join(', ')}`
  const absent = Object.values(fields).find(name => !columns.includes(name))
  if (absent !== undefined) throw invalidFile(place, `${found}, expected ${quote(absent)} too, as asked for`)
  const has = (field: RecordField) => columns.includes(fields[field] ?? field)
  if ((has('query') || has('query_id')) && (has('document') || has('document_id'))) return
  const [query, document] = [fields.query ?? 'query', fields.document ?? 'document'].map(quote)
  const renamed = misnamedFields(columns).map(([name, field]) => ` Rename ${quote(name)} to "${field}".`)
  throw invalidFile(place, `${found}, expected ${query} and ${document}.${renamed.join('')}`)
}

/** A row of a table as a record. */
export function rowToRecord({ cells }: TableRow, fields?: FieldNames): DatasetRecord {
  const record = { ...(fields ? renameFields(cells, fields) : cells) } as Record<string, unknown>
  const { grade, negative } = record
  if (typeof grade === 'string') record.grade = grade.trim() === '' ? undefined : parseGrade(grade)
  if (negative === '') record.negative = undefined
  // An empty id means "none"; an empty text is a mistake, as a table cannot say "no text" otherwise.
  for (const field of ['query_id', 'document_id']) if (record[field] === '') record[field] = undefined
  return record
}
