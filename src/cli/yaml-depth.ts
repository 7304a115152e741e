import { createRequire } from 'node:module'
import { MAX_DEPTH } from '../json.js'

/** What is wrong with such a file. */
export const TOO_DEEP = `expected at most ${MAX_DEPTH} levels of nesting, found more`

/** Token of the lexer where open brackets end for want of indentation. */
const FLOW_END = '\x18'

/**
 * Finds the line at which YAML nests deeper than {@link MAX_DEPTH} levels, before a parser that would run out of memory sees it:
 * brackets, indicators one after the other (`- - -`), and steps of indentation.
 */
export function tooDeepAt(content: string): number | undefined {
  const { Lexer }: typeof import('yaml') = createRequire(import.meta.url)('yaml')
  let [line, flow, inLine] = [1, 0, 0]
  for (const token of new Lexer().lex(content)) {
    if (token === '[' || token === '{') flow++
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1)
    else if (token === FLOW_END) flow = 0
    // Within brackets a colon is between a key and its value.
    else if (flow === 0 && (token === '-' || token === '?' || token === ':')) inLine++
    if (Math.max(flow, inLine) > MAX_DEPTH) return line
    const breaks = token.split('\n').length - 1
    line += breaks
    if (breaks > 0) inLine = 0
    if (/^ +$/.test(token) && flow === 0 && inLine === 0 && token.length > 2 * MAX_DEPTH) return line
  }
  return undefined
}

/** Calls a YAML parser, whose stack can end below that many levels where brackets and indicators mix. @param problem what is thrown then */
export function withinStack<T>(parse: () => T, problem: Error = new Error(TOO_DEEP)): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof RangeError) throw problem
    throw error
  }
}
