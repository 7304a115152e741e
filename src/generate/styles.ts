import { hash } from 'node:crypto'
import { usageError } from '../errors.js'
import { nearest } from '../words.js'

/** Styles of a query, in the words of the prompt. */
export const STYLES = {
  question: 'a complete question, as someone asks who has not seen the passage',
  keyword: 'a keyword query of 2 to 6 words, as typed into a search box, not a sentence and without a question mark',
  misspelled: 'a question typed in haste, with one or two spelling mistakes',
  'follow-up': 'a short question in the middle of a conversation, which still names what it is about',
} as const

export type StyleName = keyof typeof STYLES

export const STYLE_NAMES = Object.keys(STYLES) as readonly StyleName[]

/** Returns the styles if all are known. @throws USAGE when one is not, or the list is empty */
export function checkStyles(names: readonly string[]): readonly StyleName[] {
  const unknown = names.find(name => !Object.hasOwn(STYLES, name))
  if (unknown === undefined && names.length > 0) return names as readonly StyleName[]
  const near = unknown && nearest(unknown, STYLE_NAMES)
  const found = unknown === undefined ? 'none' : `"${unknown}"`
  const hint = near ? ` (did you mean ${near}?)` : ''
  throw usageError(`styles: expected some of ${STYLE_NAMES.join(', ')}, found ${found}${hint}`)
}

/** Assigns styles to a chunk's questions in turn, from one that seed and chunk alone determine, so it keeps them. */
export function assignStyles(styles: readonly StyleName[], count: number, seed: number, chunkId: string): StyleName[] {
  const start = hash('sha256', JSON.stringify([seed, chunkId]), 'buffer').readUInt32LE() % styles.length
  return Array.from({ length: count }, (_, i) => styles[(start + i) % styles.length])
}
