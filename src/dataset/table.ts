import { quote } from './check.js'
import type { DatasetSink } from './sink.js'
import { invalidFile, type Place, readTextLines } from './text-file.js'

/** One character. */
export type Delimiter = string
const DELIMITERS: readonly Delimiter[] = [',', ';', '\t']
/** The first line that names the delimiter to Excel: `sep=;` */
const SEPARATOR_LINE = /^\s*"?sep=(.)"?[ \t]*\r?(?:\n|$)/iu

/** Text of a table without the line that names its delimiter. */
export const withoutSeparatorLine = (text: string): string => text.replace(SEPARATOR_LINE, '')

/** Makes lines that end with CR alone end with LF. */
export const lineFeeds = (text: string): string => (text.includes('\n') ? text : text.replaceAll('\r', '\n'))

/** One row: cells by column name (in lower case). */
export type TableRow = { readonly cells: Readonly<Record<string, string>>; readonly place: Place }

interface TableOptions {
  readonly delimiter: Delimiter
  /**
   * `always`: CSV as of RFC 4180, in which a cell with a quote is quoted. `as-needed`: tab-separated values, in which a
   * quote is an ordinary character unless the whole cell is quoted as in CSV.
   */
  readonly quotes: 'always' | 'as-needed'
  /** Checks the column names. @throws DATASET_INVALID if they are not the expected ones */
  checkHeader(columns: readonly string[], place: Place): void
}

/** Reads a table with a header row; invalid rows go to the sink. */
export async function* readTable(path: string, sink: DatasetSink, options: TableOptions): AsyncGenerator<TableRow> {
  const { delimiter, quotes, checkHeader } = options
  let columns: readonly string[] | undefined
  for await (const { line, text } of readRows(path, quotes === 'always' ? oddQuotes : opensCell)) {
    const place = { file: path, line }
    if (!columns && SEPARATOR_LINE.test(text)) continue
    const cells = toCells(text, delimiter, quotes) ?? (columns ? undefined : blankedCells(text, delimiter))
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
    } else if (cells.every(cell => cell.trim() === '')) {
      // A spreadsheet leaves such rows where something was deleted.
    } else if (cells.length === columns.length || differsInBlanks(cells, columns)) {
      const row: Record<string, string> = Object.create(null)
      for (const [i, name] of columns.entries()) row[name] = cells[i] ?? ''
      yield { cells: row, place }
    } else {
      const expected = `expected ${columns.length} as in the header (a text that holds the delimiter has to be quoted)`
      sink.leaveOut(`has ${cells.length} columns, ${expected}`, place)
    }
  }
}

/** Cuts a header whose quoted names have blanks around them; undefined if it is broken. */
function blankedCells(text: string, delimiter: Delimiter): string[] | undefined {
  const cells = text.split(delimiter)
  return cells.every(cell => /^\s*(?:"[^"]*"|[^"]*)\s*$/.test(cell)) ? cells : undefined
}

/** True if nothing but empty cells at the end of a row, or columns without a name, are more. */
function differsInBlanks(cells: readonly string[], columns: readonly string[]): boolean {
  const isBlank = (text: string): boolean => text.trim() === ''
  return cells.slice(columns.length).every(isBlank) && columns.slice(cells.length).every(isBlank)
}

/** Finds the delimiter that gives the first line most of the known columns. */
export function delimiterOf(head: string, isKnown: (column: string) => boolean): Delimiter {
  return bestDelimiter(head, delimiter => headerColumns(head, delimiter).filter(isKnown).length)
}

/** Finds the delimiter that is most frequent in the first line, outside quotes. */
export function frequentDelimiter(text: string): Delimiter {
  const head = text.trimStart().slice(0, 1 << 16)
  const [header] = head.replace(/"(?:[^"]|"")*"/gu, '""').split('\n', 1)
  return bestDelimiter(text, delimiter => header.split(delimiter).length)
}

/** The delimiter that the file declares, else that of the highest count, the first of equal ones. */
function bestDelimiter(text: string, count: (delimiter: Delimiter) => number): Delimiter {
  const declared = SEPARATOR_LINE.exec(text)?.[1]
  return declared ?? DELIMITERS.reduce((best, next) => (count(next) > count(best) ? next : best))
}

/** Splits the first line into column names; quoted delimiters do not matter, as no field name has one. */
export function headerColumns(head: string, delimiter: Delimiter): string[] {
  const [first] = withoutSeparatorLine(head).trimStart().split('\n', 1)
  return first.split(delimiter).map(columnName)
}

/** Normalises a column name: without white space and quotes around it, in lower case. */
export function columnName(cell: string): string {
  return cell
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
    .toLowerCase()
}

/** @throws DATASET_INVALID if a known column occurs twice */
export function assertNoRepeatedColumn(columns: readonly string[], place: Place, isKnown: (c: string) => boolean) {
  const repeated = columns.find((name, i) => columns.indexOf(name) !== i && isKnown(name))
  if (repeated !== undefined) throw invalidFile(place, `the header has the column ${quote(repeated)} twice`)
}

/** Cuts a row into cells; undefined if a quote is misplaced. */
function toCells(text: string, delimiter: Delimiter, quotes: TableOptions['quotes']): string[] | undefined {
  const asNeeded = quotes === 'as-needed'
  if (!text.includes('"') || (asNeeded && !quotedCell(text))) return text.split(delimiter)
  return cutQuoted(text, delimiter) ?? (asNeeded && !text.includes('\n') ? text.split(delimiter) : undefined)
}

/** Cuts a row with quoted cells. Written out, as a parser's start-up for every row costs more than the row. */
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

const quotedCell = (text: string): boolean => text.startsWith('"') || text.includes('\t"')

const oddQuotes = (text: string): boolean => (text.split('"').length - 1) % 2 === 1

/** True if a cell of a tab-separated row starts with a quote and does not end in this line. */
function opensCell(text: string): boolean {
  return quotedCell(text) && text.split('\t').some(cell => cell.startsWith('"') && oddQuotes(cell))
}

/** Joins lines to rows: a row with an open quote goes on up to a line with an odd number of quotes. */
async function* readRows(path: string, opens: (line: string) => boolean) {
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
  const problem = 'is not CSV: a quote is opened in this row and never closed. Close it.'
  throw invalidFile({ file: path, line: first }, problem)
}
