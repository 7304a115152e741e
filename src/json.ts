/** Levels of nesting of the JSON and YAML files that are read; what people write has a dozen. */
export const MAX_DEPTH = 512

/** Parses the text of a JSON file, without its byte order mark. Needs no Node API. */
export function parseJsonText(text: string): unknown {
  if (nestsTooDeep(text)) throw new SyntaxError(`expected at most ${MAX_DEPTH} levels of nesting, found more`)
  return JSON.parse(text.replace(/^\uFEFF/, ''))
}

/** True for an object that is not a list. */
export function isObject(x: unknown): x is Record<string, unknown> {
  return typeof x === 'object' && x !== null && !Array.isArray(x)
}

/** Parses JSON as `parseJsonText`; undefined if it is none. */
export function tryJson(text: string): unknown {
  try {
    return parseJsonText(text)
  } catch {
    return undefined
  }
}

/** Writes a value as JSON; '' if it nests too deep for that, as an answer that a client has read may. */
export function tryStringify(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return ''
  }
}

const QUOTE = 34
const BACKSLASH = 92
/** Code of `{`, and of `[` with bit 5 set; those of `}` and `]` lie two above. */
const OPENING = 123
const CLOSING = 125

function nestsTooDeep(text: string): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) while (++i < text.length && text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 1 : 0
    else if ((c | 32) === OPENING && ++depth > MAX_DEPTH) return true
    else if ((c | 32) === CLOSING) depth--
  }
  return false
}
