import { parseGrade, quote } from '../check.js'
import { invalidFile, type Place } from '../place.js'
import { createRecordReader, hasRecordField, misnamedFields, type RECORD_FIELDS } from '../records.js'
import { readTextLines } from '../text-file.js'
import type { DatasetFormat } from './format.js'

const DELIMITERS = [',', ';', '\t'] as const

/** CSV as of RFC 4180 with a header row; the delimiter (comma, semicolon or tab) is read off the header. */
export const csv = {
  name: 'csv',
  description: 'CSV (comma, semicolon or tab) with the header query, document, optionally query_id, document_id, grade',
  hasSplits: false,
  detect: ({ head }) => hasRecordField(header(head, delimiterOf(head))),
  async read({ path, head }, sink) {
    // Loaded only here: most data sets are JSON.
    const { parse, CsvError } = await import('csv-parse/sync')
    const delimiter = delimiterOf(head)
    const take = createRecordReader(sink)
    let columns: string[] | undefined
    for await (const { line, text } of readRows(path)) {
      const place = { file: path, line }
      let cells: string[]
      try {
        cells = text.includes('"') ? parse(text, { delimiter, record_delimiter: '\n' })[0] : text.split(delimiter)
      } catch (error) {
        if (!(error instanceof CsvError)) throw error
        const lines = text.split('\n').length
        const where = lines === 1 ? '' : ` (the row reaches to line ${line + lines - 1})`
        const remedy = 'such a field has to be quoted, and the quotes in it doubled'
        const problem = `is not CSV: a quote stands inside a field${where}; ${remedy}`
        if (!columns) throw invalidFile(place, problem, error)
        sink.leaveOut(problem, place)
        continue
      }
      if (!columns) columns = checkHeader(place, cells.map(columnName))
      else if (cells.length === columns.length) take(toRecord(columns, cells), place)
      else {
        const expected = `expected ${columns.length} as in the header (a text that holds the delimiter has to be quoted)`
        sink.leaveOut(`has ${cells.length} columns, ${expected}`, place)
      }
    }
  },
} as const satisfies DatasetFormat

/**
 * Puts lines together to rows: a line break ends a row when the row's quotes are even in number.
 *
 * @throws DATASET_INVALID where a line is not UTF-8 or a quote is never closed: then no single row can be left out
 */
async function* readRows(path: string): AsyncGenerator<{ line: number; text: string }> {
  let open: string[] = []
  let first = 1
  for await (const { line, text, problem } of readTextLines(path)) {
    if (problem) throw invalidFile({ file: path, line }, `${problem}. Save it as UTF-8.`)
    if (open.length === 0) first = line
    const odd = (text.split('"').length - 1) % 2 === 1
    const ends = odd === open.length > 0
    if (open.length === 0 && ends) {
      const row = text.replace(/\r$/, '')
      if (row !== '') yield { line, text: row }
    } else {
      open.push(text)
      if (!ends) continue
      yield { line: first, text: open.join('\n').replace(/\r$/, '') }
      open = []
    }
  }
  if (open.length === 0) return
  throw invalidFile(
    { file: path, line: first },
    'is not CSV: a quote is opened in this row and never closed. Close it.',
  )
}

function delimiterOf(head: string): string {
  const known = (delimiter: string) => header(head, delimiter).filter(name => hasRecordField([name])).length
  return DELIMITERS.reduce((best, delimiter) => (known(delimiter) > known(best) ? delimiter : best), DELIMITERS[0])
}

/** The column names of the first line; enough to tell the delimiter, as no field name holds one. */
function header(head: string, delimiter: string): string[] {
  const [first] = head.trimStart().split('\n', 1)
  return first.split(delimiter).map(columnName)
}

function columnName(cell: string): string {
  return cell
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
    .toLowerCase()
}

function checkHeader(place: Place, columns: string[]): string[] {
  const repeated = columns.find((name, i) => columns.indexOf(name) !== i && hasRecordField([name]))
  if (repeated !== undefined) throw invalidFile(place, `the header has the column ${quote(repeated)} twice`)
  const has = (name: (typeof RECORD_FIELDS)[number]) => columns.includes(name)
  if ((has('query') || has('query_id')) && (has('document') || has('document_id'))) return columns
  const renamed = misnamedFields(columns).map(([found, field]) => ` Rename ${quote(found)} to "${field}".`)
  const found = columns.map(quote).join(', ')
  throw invalidFile(place, `the header has the columns ${found}, expected "query" and "document".${renamed.join('')}`)
}

function toRecord(columns: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const record: Record<string, unknown> = Object.create(null)
  columns.forEach((name, i) => {
    const cell = cells[i]
    if (name === 'grade') record[name] = cell.trim() === '' ? undefined : parseGrade(cell)
    // An empty id means "none"; an empty text is a mistake, as a table cannot say "no text" otherwise.
    else if (name.endsWith('_id')) record[name] = cell === '' ? undefined : cell
    else record[name] = cell
  })
  return record
}
