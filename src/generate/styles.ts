import { createHash } from 'node:crypto'
import { AdapterTrainError } from '../errors.js'
import { nearest } from '../nearest.js'

/** What a query may be like, as it is asked for in the prompt. */
export const STYLES = {
  question: 'a complete question, as someone asks who has not seen the passage',
  keyword: 'a keyword query of 2 to 6 words, as typed into a search box, not a sentence and without a question mark',
  misspelled: 'a question typed in haste, with one or two spelling mistakes',
  'follow-up': 'a short question in the middle of a conversation, which still names what it is about',
} as const

export type StyleName = keyof typeof STYLES

export const STYLE_NAMES = Object.keys(STYLES) as readonly StyleName[]

/** @throws USAGE when a style is not known, or there is none */
export function checkStyles(names: readonly string[]): readonly StyleName[] {
  const unknown = names.find(name => !Object.hasOwn(STYLES, name))
  if (unknown === undefined && names.length > 0) return names as readonly StyleName[]
  const near = unknown && nearest(unknown, STYLE_NAMES)
  const found = unknown === undefined ? 'none' : `"${unknown}"`
  throw new AdapterTrainError(
    'USAGE',
    `expected styles of questions out of ${STYLE_NAMES.join(', ')}, found ${found}${near ? ` (did you mean ${near}?)` : ''}`,
  )
}

/**
 * The style of each of a chunk's questions: the styles in turn, from one that the seed and the chunk decide. Other chunks have no
 * part in it, so a chunk keeps its styles when documents come and go.
 */
export function assignStyles(styles: readonly StyleName[], count: number, seed: number, chunkId: string): StyleName[] {
  const start =
    createHash('sha256')
      .update(JSON.stringify([seed, chunkId]))
      .digest()
      .readUInt32LE() % styles.length
  return Array.from({ length: count }, (_, i) => styles[(start + i) % styles.length])
}
