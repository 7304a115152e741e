/** Levels of nesting of the JSON and YAML files that are read; what people write has a dozen. */
export const MAX_DEPTH = 512

/** Parses the text of a JSON file, without its byte order mark. Needs no Node API. */
export function parseJsonText(text: string): unknown {
  if (nestsTooDeep(text)) throw new SyntaxError(`expected at most ${MAX_DEPTH} levels of nesting, found more`)
  return JSON.parse(text.replace(/^\uFEFF/, ''))
}

/** Parses JSON; undefined if it is none. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function nestsTooDeep(text: string): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '"') while (++i < text.length && text[i] !== '"') i += text[i] === '\\' ? 1 : 0
    else if (c === '[' || c === '{') depth++
    else if (c === ']' || c === '}') depth--
    if (depth > MAX_DEPTH) return true
  }
  return false
}
