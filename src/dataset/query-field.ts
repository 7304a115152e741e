import { statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, usageError } from '../errors.js'
import { isObject, tryJson } from '../json.js'
import { columnName, frequentDelimiter, lineFeeds } from './table.js'
import { foldText } from './text.js'
import { invalidFile, readTextFile } from './text-file.js'

const IDS = ['_id', 'query_id', 'query-id', 'qid', 'id']
const TEXTS = ['query', 'text', 'question', 'anchor']

/**
 * Reads a field of the queries besides their text, such as their language, from the file of a dataset: a column of CSV or TSV, a
 * key of JSON, JSON Lines or a BEIR folder's `queries.jsonl` (also inside `metadata`), or in LlamaIndex's JSON an object from query
 * id to value. Names of columns are compared without regard to case, as in datasets.
 * @returns the value for a query, by its id or its text; undefined if it has none
 */
export async function readQueryField(
  path: string,
  field: string,
): Promise<(id: string, text: string | undefined) => string | undefined> {
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, 'queries.jsonl') : path
  const content = await readTextFile(file)
  const values = new Map<string, string>()
  const add = (key: unknown, value: unknown) => {
    if (value !== undefined && value !== null && value !== '') values.set(String(key), String(value))
  }
  for (const record of await recordsOf(file, content, field)) {
    const { metadata } = record
    const value = record[field] ?? record[columnName(field)] ?? (isObject(metadata) ? metadata[field] : undefined)
    const id = IDS.find(name => record[name] !== undefined)
    const text = TEXTS.find(name => typeof record[name] === 'string')
    if (id) add(`id ${record[id]}`, value)
    if (text) add(`text ${foldText(String(record[text]))}`, value)
  }
  if (values.size > 0) {
    return (id, text) => values.get(`id ${id}`) ?? (text === undefined ? undefined : values.get(`text ${foldText(text)}`))
  }
  const problem = `--by ${field}: expected a field of the queries in ${file}, found none of that name`
  throw usageError(problem, { details: { file } })
}

type Fields = Readonly<Record<string, unknown>>

async function recordsOf(file: string, content: string, field: string): Promise<Fields[]> {
  const head = content.trimStart()[0]
  if (head === '[' || head === '{') {
    const parsed = tryJson(content)
    if (parsed === undefined) {
      return content.split('\n').flatMap(line => {
        const value = tryJson(line)
        return isObject(value) ? [value] : []
      })
    }
    if (Array.isArray(parsed)) return parsed.filter(isObject)
    if (!isObject(parsed)) return []
    const byId = parsed[field]
    if (isObject(byId)) return Object.entries(byId).map(([id, value]) => ({ _id: id, [field]: value }))
    return [parsed]
  }
  const { parse } = await import('csv-parse/sync')
  const columns = (header: string[]) => header.map(columnName)
  const table = { columns, bom: true, delimiter: frequentDelimiter(lineFeeds(content)) } as const
  try {
    return parse(content, { ...table, relax_quotes: true, relax_column_count: true, trim: true })
  } catch (cause) {
    throw invalidFile({ file }, `is not a table: ${messageOf(cause)}`, cause)
  }
}
