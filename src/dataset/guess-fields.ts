import type { FieldNames } from './fields.js'
import { JsonCursor, JsonSyntaxError } from './json-cursor.js'
import type { Probe } from './probe.js'
import { misnamedFields, type RecordField } from './records.js'
import { sampleOf } from './sample.js'

/** Rows that are looked at; fewer where the head of the file ends before them. */
const ROWS = [50, 5, 1]
/** Mean characters below which a column is no text: ids, dates, flags. */
const SHORTEST_TEXT = 8

/** Names that people give to our fields, beyond those that other tools do; whole words of a column's name. */
const WORDS: readonly (readonly [RecordField, RegExp])[] = [
  ['query', /^(quer(y|ies)|questions?|search|prompt|utterance|frage|pregunta|domanda|anfrage)$/],
  ['document', /^(documents?|answers?|text|passage|context|content|body|chunk|response|article|antwort|respuesta)$/],
]

/** The columns of a file, and which of them are most likely what. */
export interface GuessedFields {
  readonly columns: readonly string[]
  /** In the file's own names; empty where no two columns hold texts. */
  readonly fields: FieldNames
}

/**
 * Guesses which column or key of a file of records holds the query and which the document: by their names, else by the length of
 * their texts, of which questions are the shorter.
 *
 * @returns undefined where the file holds no records
 */
export async function guessFields(probe: Probe): Promise<GuessedFields | undefined> {
  const rows = await rowsOf(probe)
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))]
  if (rows.length === 0 || columns.length < 2) return undefined
  const named = Object.fromEntries(misnamedFields(columns).map(([found, field]) => [field, found]))
  for (const field of ['query', 'document'] as const) if (columns.includes(field)) named[field] = field
  const taken = (): string[] => Object.values(named)
  for (const [field, pattern] of WORDS) {
    const isNamed = (column: string): boolean =>
      column
        .toLowerCase()
        .split(/[^\p{L}]+/u)
        .some(word => pattern.test(word))
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

/** The first records of a table, of JSON Lines or of a JSON array; none where it is something else. */
async function rowsOf(probe: Probe): Promise<Record<string, unknown>[]> {
  if (probe.entries) return []
  const text = probe.head.trimStart()
  if (/^[[{]/.test(text)) return jsonRows(text)
  // Words in lines are no table: every row has to have the columns of the header.
  const header = text.split('\n', 1)[0]
  const delimiter = [',', ';', '\t'].reduce((a, b) => (header.split(b).length > header.split(a).length ? b : a))
  if (!header.includes(delimiter)) return []
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
