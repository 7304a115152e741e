import { foldText } from '../dataset/text.js'
import type { Chunk } from '../documents/chunk.js'
import { tryJson } from '../json.js'
import type { ChatAnswer } from './llm/chat-model.js'
import { type DropReason, quotationsOf, rejectionOf } from './reject.js'
import { STYLE_NAMES } from './styles.js'

/** Part of an answer that did not become a query. */
export interface Dropped {
  readonly chunk: string
  /** Text as the model wrote it. */
  readonly text: string
  readonly reason: DropReason
}

/**
 * Reads the good queries in one answer.
 * @param extractive true if the queries are sentences of the chunk: quotations and spare ones are then not dropped
 * @param seen folded texts of earlier queries; those of this answer are added
 * @returns also the number of queries from which numbering, bullets, labels or quotes were removed
 */
export function readQuestions(chunk: Chunk, answer: ChatAnswer, count: number, extractive: boolean, seen: Set<string>) {
  const texts: string[] = []
  const dropped: Dropped[] = []
  let stripped = 0
  const drop = (text: string, reason: DropReason): void => {
    dropped.push({ chunk: chunk.id, text, reason })
  }
  if (answer.refused) drop(answer.text, 'refusal')
  const { candidates, form } = answer.refused
    ? { candidates: [], form: 'lines' }
    : parseAnswer(answer.text, extractive ? Number.POSITIVE_INFINITY : count)
  const isQuotation = extractive ? undefined : quotationsOf(chunk)
  for (const [i, candidate] of candidates.entries()) {
    if (extractive && texts.length === count) break
    const text = cleanQuestion(candidate, form === 'json' ? i + 1 : undefined)
    const reason = rejectionOf(text, candidate, isQuotation)
    if (reason !== undefined) {
      drop(candidate, reason)
      continue
    }
    const folded = foldText(text).replace(/[\s\p{P}]+$/u, '')
    if (seen.has(folded)) drop(candidate, 'duplicate')
    else if (texts.length < count) {
      seen.add(folded)
      texts.push(text)
      if (text !== candidate.trim()) stripped++
    } else drop(candidate, 'surplus')
  }
  return { texts, dropped, stripped }
}

const QUERY_KEY = /^(q|questions?|quer(y|ies)|text|content|search_?(query|term))?[ _-]?\d*$/i
/** Characters of an answer that are read: so many, and so many more per query. */
const [ROOM, ROOM_PER_QUERY] = [20_000, 1000]
/** Start of JSON: on a line of its own or after the end of a sentence, not within a query. */
const JSON_START = /^([^{[\n]*[.:!]\s)?\s*[{[]\s*["'{[]/m

/**
 * Finds the queries in an answer: JSON of any shape, also in a fence, among other words, or cut off; else one per line. Candidates
 * include what is not a query (a preamble, a closing word). Lines of a list have numbers that are not part of the query; the texts
 * of a JSON array seldom do.
 * @param count queries that were asked for: what is far longer comes of a model that repeats itself, and is cut
 */
export function parseAnswer(
  text: string,
  count = 1,
): { readonly candidates: readonly string[]; readonly form: 'json' | 'lines' } {
  const said = withoutThoughts(text).slice(0, ROOM + ROOM_PER_QUERY * count)
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

function withoutThoughts(text: string): string {
  let [said, at, open] = ['', 0, '']
  for (const { 0: tag, 1: slash, 2: name, index } of text.matchAll(/<(\/?)(think|thinking|reasoning)>/gi)) {
    const isEnd = slash !== '' && (open === '' || name.toLowerCase() === open)
    if (slash === '' && open === '') {
      said += text.slice(at, index)
      at = index
      open = name.toLowerCase()
    } else if (isEnd) {
      // An end without a start: all before it is thought.
      if (open === '') said = ''
      at = index + tag.length
      open = ''
    }
  }
  return (said + text.slice(at)).replace(/^[\s\S]*<\/(think|thinking|reasoning)>/i, '')
}

/** Parses an object or an array; other JSON, such as a text in quotes, is read as lines. */
function parseJson(text: string): object | undefined {
  return /^[{[]/.test(text) ? (tryJson(text) as object | undefined) : undefined
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap(textsIn)
  const entries = Object.entries(value)
  const named = entries.filter(([key]) => QUERY_KEY.test(key))
  // An object such as {"result": {"questions": [...]}} has them deeper; {"style": "...", "note": "..."} has none.
  const held = named.length > 0 ? named : entries.filter(([, inner]) => typeof inner === 'object')
  return held.flatMap(([, inner]) => textsIn(inner))
}

/** Finds the complete texts of JSON that is broken or cut off, or of a list in Python's single quotes. */
function salvage(text: string): string[] {
  const found: string[] = []
  let key: string | undefined
  for (const [, literal, colon, brace] of text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?|([{}])/g)) {
    if (brace) key = undefined
    else if (colon) key = literal
    else if (key === undefined || QUERY_KEY.test(key)) found.push((tryJson(`"${literal}"`) as string | undefined) ?? literal)
  }
  if (found.length > 0) return found
  return Array.from(text.matchAll(/'((?:[^'\n]|'(?!\s*[,\]]))*)'(?=\s*[,\]])/g), ([, single]) => single)
}

function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .flatMap(splitInlineList)
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('```') && !/^\**(answer|a)\**\s*[:：]/i.test(line))
}

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

const STYLE = STYLE_NAMES.join('|').replaceAll('-', '[ -]')
const LABEL = new RegExp(
  `^(?:(?:question|query|q|frage|pregunta|domanda|vraag)\\s*\\d{0,3}\\s*[:：.)]|(?:${STYLE})(?: query| question)?\\s*[:：])\\s*`,
  'iu',
)
const STYLE_MARK = new RegExp(
  `^[([](?:${STYLE})(?: query| question)?[)\\]]\\s*|\\s*[([](?:${STYLE})(?: query| question)?[)\\]]$`,
  'iu',
)
const NUMBER = /^[([]?(\d{1,3})\s*[.):\]、]\s+/u
const BULLET = /^(?:[-*•‣◦▪●–—>]|#{1,6})\s+/u
const EMPHASIS = /^(\*\*|__|\*|_|`+)(?=\S)(.*\S)\1$/su
/** The quotes that close each opening one. */
const QUOTES = new Map(['""', "''", '“”', '„“', '‘’', '«»', '»«', '「」'].map(([open, close]) => [open, close]))

/**
 * Removes what a model puts around a query: numbering, bullets, labels such as "Question 1:", emphasis, quotes, white space.
 * @param number place in the list, from 1, if only that number can be numbering ("3. Liga" is a name); default any number
 */
export function cleanQuestion(candidate: string, number?: number): string {
  let text = candidate.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  for (let before = ''; before !== text; ) {
    before = text
    const numbered = NUMBER.exec(text)
    if (numbered && (number === undefined || Number(numbered[1]) === number)) text = text.slice(numbered[0].length)
    // A label may stand in emphasis of its own: "**Question 1:** How ...?"
    text = text
      .replace(/^(\*\*|__)([^*_]{1,40}[:：.)])\1\s*/u, '$2 ')
      .replace(BULLET, '')
      .replace(LABEL, '')
      .replace(STYLE_MARK, '')
    text = unquoted(text.replace(EMPHASIS, '$2').trim())
  }
  return text
}

function unquoted(text: string): string {
  const close = QUOTES.get(text[0])
  if (close === undefined || text.length < 2 || !text.endsWith(close)) return text
  const inner = text.slice(1, -1)
  return inner.includes(text[0]) || inner.includes(close) ? text : inner.trim()
}
