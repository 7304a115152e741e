import { JsonCursor, JsonSyntaxError, leadingKeys } from './json-cursor.js'
import type { Probe } from './probe.js'
import { type Delimiter, delimiterOf, headerColumns } from './table.js'

/** Lines examined, so that a broken first line does not hide the others. */
const LINES = 20

export type Layout = 'array' | 'lines' | 'table'

/** Form of the first entry of a file. */
export interface Sample {
  readonly layout: Layout
  /** Its keys, or the columns of a table (in lower case). */
  readonly keys: readonly string[]
  /** True if it is an array that starts with two texts. */
  readonly isTuple: boolean
  readonly delimiter?: Delimiter
}

/** Examines the head of a file: a JSON array, JSON Lines, or a table whose header has known columns. */
export function sampleOf({ head }: Probe, isKnown: (column: string) => boolean): Sample {
  const text = head.trimStart()
  if (/^\[\s*([[{\]]|$)/.test(text)) {
    const first = text.slice(1).trimStart()
    return { layout: 'array', keys: leadingKeys(first), isTuple: startsWithTuple(first) }
  }
  const lines = text.split('\n', LINES)
  const entries = lines.filter(line => /^\s*(\{\s*"|\[)/.test(line))
  if (entries.length > 0 || /^[[{]/.test(text)) {
    const keys = entries.map(leadingKeys).find(found => found.length > 0) ?? []
    return { layout: 'lines', keys, isTuple: keys.length === 0 && entries.some(startsWithTuple) }
  }
  const delimiter = delimiterOf(head, isKnown)
  return { layout: 'table', keys: headerColumns(head, delimiter), isTuple: false, delimiter }
}

function startsWithTuple(text: string): boolean {
  const cursor = new JsonCursor(text)
  let texts = 0
  try {
    if (cursor.peek() !== '[') return false
    cursor.array(index => {
      if (index === texts && cursor.peek() === '"') texts++
      cursor.skip()
    })
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
  }
  return texts >= 2
}
