/** `batchSize` -> `batch-size` */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

/** Finds a suggestion for a mistyped word: at most two edits and half of the word away, or the only one that begins so. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map(candidate => ({ candidate, distance: editDistance(word.toLowerCase(), candidate) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  if (best && best.distance <= 2 && best.distance * 2 <= word.length) return best.candidate
  const begun = candidates.filter(candidate => candidate.startsWith(word.toLowerCase()))
  return word.length >= 3 && begun.length === 1 ? begun[0] : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]
}

/** 0.04 -> "+0.0400", as differences of metrics are written. */
export const signed = (x: number): string => `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(4)}`

/** 0.0412 -> "p = 0.041", 0.0002 -> "p < 0.001" */
export const pText = (p: number): string => (p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`)

/** 0.0412 -> "4.1%" */
export const percent = (share: number): string => `${(100 * share).toFixed(1)}%`

/** Control characters except tab and line feed, and marks that turn the direction of a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are escaped
const UNPRINTABLE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Escapes what would steer a terminal, or make a line read as another one: ESC becomes `\u001b`. Also keeps JSON the same value. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escaped)

/** Marks that the command line sets on a terminal: bold, dim, red, green, yellow, and their ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins each of them
const MARKS = /(\x1b\[(?:1|2|22|3[123]|39)m)/

/** The same, except for the marks that this package sets on a terminal with colours. */
export function printableMarked(text: string): string {
  return text
    .split(MARKS)
    .map((part, i) => (i % 2 === 1 ? part : printable(part)))
    .join('')
}

/** Escapes line feeds, so that a text of others cannot begin a line of its own. */
export const oneLine = (text: string): string => text.replaceAll('\n', escaped)

/** The same, except before lines of a list, which are indented. */
export const asMessage = (text: string): string => text.replace(/\n(?! {2}|$)/g, escaped)

/** Masks `user:password@` in addresses, also those taken for a path. */
export function withoutPasswords(text: string): string {
  return text.replace(/(\b[a-z][a-z0-9+.-]+:\/{1,2})[^/?#\s]*@/gi, '$1[redacted]@')
}

let optionWords: Readonly<Record<string, string>> = {}

/** Sets the names under which messages mention options: those of a command line; '' for an option that it does not have. */
export function nameOptions(words: Readonly<Record<string, string>>): void {
  optionWords = words
}

/** Adds to an option of the command line its form in code; nothing on a command line. */
export function inCode(form: string): string {
  return Object.keys(optionWords).length > 0 ? '' : ` (${form} in code)`
}

/** Names an option in a message, by default as programs write it. */
export const optionWord = (name: string): string => optionWords[name] ?? name
