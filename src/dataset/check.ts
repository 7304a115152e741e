import { usageError } from '../errors.js'

const SHOWN = 60

/** Finds a format by its name. @throws USAGE if there is none */
export function formatNamed<F extends { readonly name: string }>(formats: readonly F[], name: string): F {
  const format = formats.find(candidate => candidate.name === name)
  if (format) return format
  const names = formats.map(candidate => candidate.name).join(', ')
  throw usageError(`unknown dataset format ${quote(name)}; expected one of: ${names}`)
}

/** Describes a value for a message: its kind, or a short literal. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? quote(value) : `the ${typeof value} ${String(value)}`
}

/** Quotes a text for a message: escaped and cut. */
export const quote = (text: string): string => JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)

/** Finds the problem of a query's or document's text, as the end of a sentence. */
export function textProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return value === undefined ? 'is missing' : `is ${show(value)}, expected a string`
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

/** Converts an id to a string (whole numbers are accepted); undefined if it is invalid. */
export function toId(value: unknown): string | undefined {
  if (Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' && textProblem(value) === undefined ? value : undefined
}

/** Returns a grade, 0 for one below: judged not relevant, as in trec_eval; undefined if it is no finite number. */
export function toGrade(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? Math.max(0, value) : undefined
}

/** Parses a grade in decimal digits, such as in a table, or a small one as pandas writes it, `1e-05`; `0x1` and `1e3` stay texts. */
export const parseGrade = (text: string): unknown => (/^[+-]?(\d+\.?\d*|\.\d+)(e-\d+)?$/i.test(text.trim()) ? Number(text) : text)
