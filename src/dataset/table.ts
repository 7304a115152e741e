import { quote } from './check.js'
import { invalidFile, type Place } from './place.js'
import type { DatasetSink } from './sink.js'
import { readTextLines } from './text-file.js'

export type Delimiter = ',' | ';' | '\t'
const DELIMITERS: readonly Delimiter[] = [',', ';', '\t']

/** One row: cells by column name (in lower case). */
export interface TableRow {
  readonly cells: Readonly<Record<string, string>>
  readonly place: Place
}

export interface TableOptions {
  readonly delimiter: Delimiter
  /**
   * `always`: CSV as of RFC 4180, in which a cell that holds a quote is itself in quotes. `as-needed`: tab-separated values,
   * in which a quote is a character like any other, unless the whole cell is quoted as in CSV.
   */
  readonly quotes: 'always' | 'as-needed'
  /** Looks at the column names. @throws DATASET_INVALID when they are not those that are expected */
  checkHeader(columns: readonly string[], place: Place): void
}

/**
 * Reads a table with a header row; rows that are wrong go to the sink.
 *
 * @throws DATASET_INVALID where a line is not UTF-8, the header is wrong, or a quote is never closed
 */
export async function* readTable(path: string, sink: DatasetSink, options: TableOptions): AsyncGenerator<TableRow> {
  const { delimiter, quotes, checkHeader } = options
  let columns: readonly string[] | undefined
  for await (const { line, text } of readRows(path, quotes === 'always' ? oddQuotes : opensCell)) {
    const place = { file: path, line }
    const cells = toCells(text, delimiter, quotes)
    if (!cells) {
      const lines = text.split('\n').length
      const where = lines === 1 ? '' : ` (the row reaches to line ${line + lines - 1})`
      const remedy = 'such a field has to be quoted, and the quotes in it doubled'
      const problem = `is not CSV: a quote stands inside a field${where}; ${remedy}`
      if (!columns) throw invalidFile(place, problem)
      sink.leaveOut(problem, place)
    } else if (!columns) {
      columns = cells.map(columnName)
      checkHeader(columns, place)
    } else if (cells.length === columns.length) {
      const row: Record<string, string> = Object.create(null)
      columns.forEach((name, i) => {
        row[name] = cells[i]
      })
      yield { cells: row, place }
    } else {
      const expected = `expected ${columns.length} as in the header (a text that holds the delimiter has to be quoted)`
      sink.leaveOut(`has ${cells.length} columns, ${expected}`, place)
    }
  }
}

/** The delimiter with which the first line has most of the columns that are known. */
export function delimiterOf(head: string, isKnown: (column: string) => boolean): Delimiter {
  const known = (delimiter: Delimiter) => headerColumns(head, delimiter).filter(isKnown).length
  return DELIMITERS.reduce((best, delimiter) => (known(delimiter) > known(best) ? delimiter : best), DELIMITERS[0])
}

/** The column names of the first line; enough to tell the delimiter, as no field name holds one. */
export function headerColumns(head: string, delimiter: Delimiter): string[] {
  const [first] = head.trimStart().split('\n', 1)
  return first.split(delimiter).map(columnName)
}

/** A column name as it is compared: without white space and quotes around it, in lower case. */
export function columnName(cell: string): string {
  return cell
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
    .toLowerCase()
}

/** @throws DATASET_INVALID when one of the columns that are known is there twice */
export function assertNoRepeatedColumn(
  columns: readonly string[],
  place: Place,
  isKnown: (c: string) => boolean,
): void {
  const repeated = columns.find((name, i) => columns.indexOf(name) !== i && isKnown(name))
  if (repeated !== undefined) throw invalidFile(place, `the header has the column ${quote(repeated)} twice`)
}

/** Cuts a row into cells; `undefined` where a quote stands where none may. */
function toCells(text: string, delimiter: Delimiter, quotes: TableOptions['quotes']): string[] | undefined {
  if (!text.includes('"') || (quotes === 'as-needed' && !quotedCell(text))) return text.split(delimiter)
  return (
    cutQuoted(text, delimiter) ?? (quotes === 'as-needed' && !text.includes('\n') ? text.split(delimiter) : undefined)
  )
}

/** Cells of which some are quoted. Written out, as a parser's start-up for every row costs more than the row. */
function cutQuoted(text: string, delimiter: Delimiter): string[] | undefined {
  const cells: string[] = []
  for (let start = 0; ; ) {
    let end: number
    if (text[start] === '"') {
      let close = text.indexOf('"', start + 1)
      while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2)
      if (close < 0) return undefined
      cells.push(text.slice(start + 1, close).replaceAll('""', '"'))
      end = close + 1
      if (end < text.length && text[end] !== delimiter) return undefined
    } else {
      const next = text.indexOf(delimiter, start)
      end = next < 0 ? text.length : next
      const cell = text.slice(start, end)
      if (cell.includes('"')) return undefined
      cells.push(cell)
    }
    if (end === text.length) return cells
    start = end + 1
  }
}

/** Whether a cell of a tab-separated row starts with a quote. */
function quotedCell(text: string): boolean {
  return text.startsWith('"') || text.includes('\t"')
}

function oddQuotes(text: string): boolean {
  return (text.split('"').length - 1) % 2 === 1
}

/** Whether a cell of a tab-separated row starts with a quote and does not end in this line. */
function opensCell(text: string): boolean {
  return quotedCell(text) && text.split('\t').some(cell => cell.startsWith('"') && oddQuotes(cell))
}

/**
 * Puts lines together to rows: a row goes on where a quote is open, up to a line with an odd number of quotes.
 *
 * @throws DATASET_INVALID where a line is not UTF-8 or a quote is never closed: then no single row can be left out
 */
async function* readRows(
  path: string,
  opens: (line: string) => boolean,
): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  let open: string[] = []
  let first = 1
  for await (const { line, text, problem } of readTextLines(path)) {
    if (problem) throw invalidFile({ file: path, line }, `${problem}. Save it as UTF-8.`)
    if (open.length === 0) {
      first = line
      if (opens(text)) open.push(text)
      else {
        const row = text.replace(/\r$/, '')
        if (row !== '') yield { line, text: row }
      }
    } else {
      open.push(text)
      if (!oddQuotes(text)) continue
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
