const SHOWN = 60

/** A value as shown in a message: its kind, and a short literal where that helps. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? quote(value) : `the ${typeof value} ${String(value)}`
}

/** A text in quotes with control characters escaped, cut to a length that fits in a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)
}

/** What is wrong with the text of a query or document, as the end of a sentence; `undefined` when nothing is. */
export function textProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') {
    return value === undefined ? 'is missing' : `is ${show(value)}, expected a string`
  }
  if (value === '') return 'is empty'
  // White space, control and format characters (such as a zero-width space) leave nothing to embed.
  if (!/[^\s\p{Cc}\p{Cf}]/u.test(value)) return 'has no visible character'
  const lone = value.search(/\p{Surrogate}/u)
  if (lone >= 0) {
    const unit = value.charCodeAt(lone).toString(16)
    return `holds half of a surrogate pair (\\u${unit} at character ${lone + 1}), which is not valid Unicode`
  }
  return undefined
}

/** The id as a string (whole numbers are accepted), or `undefined` when it is none. */
export function toId(value: unknown): string | undefined {
  if (Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' && textProblem(value) === undefined ? value : undefined
}

/** The grade as a finite number of at least 0, or `undefined` when it is none. */
export function toGrade(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

/** A grade written as text, such as in a table: decimal digits only, so that `0x1` and `1e3` are no grades. */
export function parseGrade(text: string): unknown {
  return /^[+-]?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text
}
