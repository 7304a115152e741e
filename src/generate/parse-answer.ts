/** The queries in an answer, as they were written. */
export interface ParsedAnswer {
  readonly candidates: readonly string[]
  /** Lines of a list have numbers that are not theirs; the texts of a JSON array seldom do. */
  readonly form: 'json' | 'lines'
}

/** Keys under which models put a query. */
const QUERY_KEY = /^(q|questions?|quer(y|ies)|text|content|search_?(query|term))?[ _-]?\d*$/i

/** Where JSON starts: on a line of its own, or after the end of a sentence, so that JSON within a query does not count. */
const JSON_START = /^([^{[\n]*[.:!]\s)?\s*[{[]\s*["'{[]/m

/**
 * Finds the queries in whatever a model answered: JSON of any shape, also in a fence, among other words, or cut off; else one a line.
 * What is no query (a preamble, a closing word) is still among them.
 */
export function parseAnswer(text: string): ParsedAnswer {
  const said = withoutThoughts(text)
  const fenced = [...said.matchAll(/```[a-z]*\s*\n?([\s\S]*?)(?:```|$)/gi)].map(match => match[1].trim())
  for (const part of [said.trim(), ...fenced]) {
    const value = parseJson(part)
    if (value !== undefined) return { candidates: textsIn(value), form: 'json' }
  }
  const found = JSON_START.exec(said)
  if (found) {
    const start = found.index + found[0].search(/[{[]/)
    const end = Math.max(said.lastIndexOf('}'), said.lastIndexOf(']'))
    const value = parseJson(said.slice(start, end + 1))
    if (value !== undefined) return { candidates: textsIn(value), form: 'json' }
    const salvaged = salvage(said.slice(start))
    if (salvaged.length > 0) return { candidates: salvaged, form: 'json' }
  }
  return { candidates: linesOf(said), form: 'lines' }
}

/** Without what a model that reasons writes before its answer. */
function withoutThoughts(text: string): string {
  return text
    .replace(/<(think|thinking|reasoning)>[\s\S]*?<\/\1>/gi, '')
    .replace(/^[\s\S]*<\/(think|thinking|reasoning)>/i, '')
}

/** An object or an array; other JSON, such as a text in quotes, is read as lines. */
function parseJson(text: string): object | undefined {
  if (!/^[{[]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap(textsIn)
  const entries = Object.entries(value)
  const named = entries.filter(([key]) => QUERY_KEY.test(key))
  // An object such as {"result": {"questions": [...]}} holds them deeper; {"style": "...", "note": "..."} holds none.
  const held = named.length > 0 ? named : entries.filter(([, inner]) => typeof inner === 'object')
  return held.flatMap(([, inner]) => textsIn(inner))
}

/** The complete texts of JSON that is broken or cut off, or of a list in Python's single quotes. */
function salvage(text: string): string[] {
  const found: string[] = []
  let key: string | undefined
  for (const [, literal, colon, brace] of text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?|([{}])/g)) {
    if (brace) key = undefined
    else if (colon) key = literal
    else if (key === undefined || QUERY_KEY.test(key)) found.push(unescaped(literal))
  }
  if (found.length > 0) return found
  return Array.from(text.matchAll(/'((?:[^'\n]|'(?!\s*[,\]]))*)'(?=\s*[,\]])/g), ([, single]) => single)
}

function unescaped(literal: string): string {
  try {
    return JSON.parse(`"${literal}"`)
  } catch {
    return literal
  }
}

function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .flatMap(splitInlineList)
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('```') && !/^\**(answer|a)\**\s*[:：]/i.test(line))
}

/** "1. How ...? 2. What ...?" on one line. */
function splitInlineList(line: string): string[] {
  const parts: string[] = []
  let rest = line
  for (let number = Number(/^\s*(\d+)[.)]\s/.exec(line)?.[1] ?? Number.NaN) + 1; ; number++) {
    const at = rest.search(new RegExp(`(?<=[?.!？。"”])\\s${number}[.)]\\s`))
    if (Number.isNaN(number) || at < 0) return [...parts, rest]
    parts.push(rest.slice(0, at))
    rest = rest.slice(at + 1)
  }
}
