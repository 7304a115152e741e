import { isObject, tryJson } from '../../json.js'
import { loadText, normalizeText, onOneLine } from '../decode-text.js'
import { rowOf, type Section } from '../section.js'
import type { DocumentLoader } from './loader.js'

/** Fields that hold the text of a record, by precedence. */
const TEXT_FIELDS = ['text', 'content', 'page_content', 'body', 'document', 'passage', 'contents']
const SHOWN = 5

/**
 * JSON Lines: an object with a text (`text`, `content`, `body`, ...) is a separate text, with `title` as its heading;
 * any other becomes one line, `name: value; ...`.
 */
export const jsonl: DocumentLoader = {
  name: 'JSON Lines',
  extensions: ['.jsonl', '.ndjson'],
  load: loadText(lines => {
    const sections: Section[] = []
    const broken: number[] = []
    let rows: string[] = []
    const closeRows = () => {
      if (rows.length > 0) sections.push({ text: rows.join('\n'), rows: true })
      rows = []
    }
    lines.split('\n').forEach((line, i) => {
      if (line.trim() === '') return
      const record = parseRecord(line)
      if (record === undefined) {
        broken.push(i + 1)
        return
      }
      const text = textOf(record)
      if (text !== undefined) {
        closeRows()
        if (text.text !== '') sections.push(text)
      } else {
        const row = rowOf(Object.entries(record).map(([name, value]) => [name, show(value)]))
        if (row !== '') rows.push(row)
      }
    })
    closeRows()
    if (broken.length === 0) return { sections }
    const shown = `${broken.slice(0, SHOWN).join(', ')}${broken.length > SHOWN ? ', ...' : ''}`
    const which = broken.length === 1 ? `line ${shown} holds` : `${broken.length} lines (${shown}) hold`
    const rest = sections.length > 0 ? '; the other lines were read' : ''
    return { sections, problem: `${which} no JSON object${rest}` }
  }),
}

function parseRecord(line: string): Record<string, unknown> | undefined {
  const value = tryJson(line)
  if (typeof value === 'string') return { text: value }
  return isObject(value) ? value : undefined
}

function textOf(record: Record<string, unknown>): Section | undefined {
  const field = TEXT_FIELDS.find(name => typeof record[name] === 'string')
  if (field === undefined) return undefined
  const text = normalizeText(record[field] as string).trim()
  const title = typeof record.title === 'string' ? onOneLine(record.title) : ''
  if (title === '') return { text, starts: 'record' }
  return { text: text.startsWith(title) ? text : `${title}\n\n${text}`.trim(), heading: title, starts: 'record' }
}

function show(value: unknown): string {
  if (value === null || value === undefined) return ''
  return normalizeText(typeof value === 'string' ? value : JSON.stringify(value))
}
