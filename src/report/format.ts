import { kebab } from '../words.js'

const NAMES: Readonly<Record<string, string>> = { ndcg: 'nDCG', mrr: 'MRR', map: 'MAP', hit: 'hit rate' }

/** "ndcg@10" -> "nDCG@10" */
export function metricName(spec: string): string {
  const [name, cut] = spec.split('@')
  return `${NAMES[name] ?? name}@${cut}`
}

/** 0.48951 -> "0.490" */
export const score = (value: number): string => (value < 0 ? change(value) : value.toFixed(3))

/** -0.0123 -> "−0.012", with the sign of the rounded value */
export function change(value: number): string {
  const rounded = Math.abs(value).toFixed(3)
  return Number(rounded) === 0 ? rounded : `${value < 0 ? '−' : '+'}${rounded}`
}

type Bounds = { readonly low: number; readonly high: number }

/** The bounds of a difference: [0.016, 0.059] -> "+0.016 to +0.059" */
export const interval = ({ low, high }: Bounds): string => `${change(low)} to ${change(high)}`

/** The bounds of a mean: [0.47, 0.51] -> "0.470 to 0.510" */
export const range = ({ low, high }: Bounds): string => `${score(low)} to ${score(high)}`

/** 12345 -> "12,345" */
export const whole = (value: number): string => value.toLocaleString('en')

/** 1, "query", "queries" -> "1 query" */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${whole(value)} ${value === 1 ? one : many}`
}

/** 25600 -> "25.6 kB", in powers of 1000 */
export function bytes(value: number): string {
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, value)) / 3))
  return `${power === 0 ? value : (value / 1000 ** power).toPrecision(3)} ${['B', 'kB', 'MB', 'GB'][power]}`
}

/** 0.00042 -> "$0.0004", 12.3 -> "$12.30" */
export const formatDollars = (dollars: number): string => `$${dollars.toFixed(dollars > 0 && dollars < 0.1 ? 4 : 2)}`

/** 0.0002 -> "< 0.001" */
export const pValue = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3))

/** At most `most` significant digits, without zeros at the end. */
export const digits = (value: number, most = 3): string => String(Number(value.toPrecision(most)))

/** `{ batchSize: 8, pull: 10 }` -> "batch-size 8, pull 10" */
export function optionWords(options: object): string {
  const words = Object.entries(options).map(([name, value]) => `${kebab(name)} ${value}`)
  return words.length > 0 ? words.join(', ') : 'recipe'
}

/** Shortens a text to its first characters on one line, never splitting a character. */
export function shorten(text: string, most: number): string {
  const line = text.replace(/\s+/gu, ' ').trim()
  return line.length <= most ? line : `${line.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** Shortens a label to a width in pixels, at about seven per character. */
export const fitted = (label: string, width: number): string => shorten(label, Math.max(4, Math.floor(width / 7)))

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Escapes text for HTML, also between quotes; replaces what no document may hold, such as a lone surrogate. */
export function escapeHtml(text: string): string {
  return (
    text
      .replace(/\p{Surrogate}/gu, '\uFFFD')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what HTML forbids
      .replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/g, '\uFFFD')
      .replace(/[&<>"']/g, character => ENTITIES[character])
  )
}

/** Escapes text for a line of Markdown, such as a cell of a table. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replace(/\s+/gu, ' ')
    .replace(/[\\`*_{}[\]<>#|~$!&]/g, character => `\\${character}`)
}
