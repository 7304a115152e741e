import { termKey } from './keys.js'

/** How the texts of a corpus become words; the file of a table records it. */
export interface Analysis {
  /** Whether queries or documents are English: plural endings and a list of stop words are left out. */
  readonly english: boolean
  /** Keys of the words to leave out if the texts are not English: those in most documents. */
  readonly common: readonly number[]
  /** Version of ICU that found the words of scripts without spaces; absent if the corpus has none. */
  readonly icu?: string
}

export interface Tokens {
  /** In the order of the text, with repetitions; without stop words, if any others are left. */
  readonly words: readonly string[]
  /** Numbers, part numbers and identifiers as a whole, and the parts of camelCase words. */
  readonly extras: readonly string[]
}

export type Tokenizer = (text: string) => Tokens

const STOP_WORDS: ReadonlySet<string> = /* @__PURE__ */ new Set(
  /* @__PURE__ */ (
    'a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will ' +
    'with what how do does i my can you me which when where who why did from its has have had'
  ).split(' '),
)

/** Stop words that no other language has, and the share of words that they make up at least in English texts. */
const ENGLISH = /^(?:the|of|and|to|for|that|with|this|are|from|how|what|which|my|you|can|do|not|by|it)$/
const ENGLISH_SHARE = 0.1
/** Share of the documents from which on a word says nothing. */
const COMMON_SHARE = 0.5
/** Documents that {@link analyze} looks at, and queries, at most. */
const LOOKED_AT = 5000
/** Length of the longest number or identifier that is kept whole. */
const LONGEST_WHOLE = 64
const LETTER = '[\\p{L}\\p{M}\\p{N}]'
/** A run of letters and digits, or several joined, as in `10-K`, `12/31/2019`, `snake_case`, `v1.2`. */
const COMPOUND = /* @__PURE__ */ new RegExp(`${LETTER}+(?:[-_./:,]${LETTER}+)*`, 'gu')
const JOINS = /[-_./:,]/
const MAKES_WHOLE = /[\p{N}_]/u
const CASE_CHANGE = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u
/** Scripts that put no spaces between words. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u
const NOT_ASCII = /[^\0-\x7f]/
let segmenter: Intl.Segmenter | undefined

/**
 * A function that splits texts into words: runs of letters and digits, or in scripts without spaces the words that `Intl.Segmenter`
 * finds, with case and accents folded.
 */
export function createTokenizer({ english, common }: Analysis): Tokenizer {
  const left = new Set(common)
  const isStop = (word: string): boolean => (english ? STOP_WORDS.has(word) : left.size > 0 && left.has(termKey(word)))
  const fold = (word: string): string => (english ? singular(lowerCase(word)) : lowerCase(word))
  return text => {
    const all: string[] = []
    const extras: string[] = []
    for (const [compound] of withoutAccents(text).matchAll(COMPOUND)) {
      const runs = compound.split(JOINS)
      if (runs.length > 1 && compound.length <= LONGEST_WHOLE && MAKES_WHOLE.test(compound)) extras.push(lowerCase(compound))
      for (const run of runs) {
        if (needsSegmenter(run)) {
          segmenter ??= new Intl.Segmenter('und', { granularity: 'word' })
          for (const { segment } of segmenter.segment(run)) all.push(fold(segment))
          continue
        }
        all.push(fold(run))
        const parts = run.split(CASE_CHANGE)
        if (parts.length > 1) for (const part of parts) extras.push(fold(part))
      }
    }
    const words = all.filter(word => !isStop(word))
    return { words: words.length > 0 ? words : all, extras }
  }
}

/** The terms of a text, each once: words and extras, and pairs of neighbouring words. */
export function termsOf({ words, extras }: Tokens): Terms {
  const pairs = new Set<string>()
  for (let i = 1; i < words.length; i++) pairs.add(`${words[i - 1]} ${words[i]}`)
  return { words: new Set([...words, ...extras]), pairs }
}

export type Terms = { readonly words: ReadonlySet<string>; readonly pairs: ReadonlySet<string> }

/** True if the words of a text depend on the host's `Intl.Segmenter`, and so on its version of ICU. */
export const needsSegmenter = (text: string): boolean => NOT_ASCII.test(text) && UNSPACED.test(text)

/** Finds out how a corpus is to be split into words, from a part of its documents and of the queries asked of it. */
export function analyze(documents: SomeTexts, queries: SomeTexts, icu: string | undefined): Analysis {
  const [docs, asked] = [spread(documents), spread(queries)]
  const plain = createTokenizer({ english: false, common: [] })
  const tokens = docs.map(text => plain(text).words)
  const english = [tokens.flat(), asked.flatMap(text => plain(text).words)].some(
    words => words.filter(word => ENGLISH.test(word)).length >= ENGLISH_SHARE * Math.max(1, words.length),
  )
  const frequency = new Map<string, number>()
  for (const words of tokens) for (const word of new Set(words)) frequency.set(word, (frequency.get(word) ?? 0) + 1)
  const common = english ? [] : [...frequency].filter(([, df]) => df > COMMON_SHARE * docs.length)
  const segmented = docs.some(needsSegmenter)
  return { english, common: common.map(([word]) => termKey(word)), ...(segmented && icu !== undefined && { icu }) }
}

type SomeTexts = readonly (string | undefined)[]

/** At most {@link LOOKED_AT} of the texts that are known, from beginning to end. */
function spread(texts: SomeTexts): string[] {
  const known = texts.filter(text => text !== undefined)
  const step = Math.ceil(known.length / LOOKED_AT)
  return known.filter((_, i) => i % step === 0)
}

function withoutAccents(text: string): string {
  if (!NOT_ASCII.test(text)) return text
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
}

/** Upper before lower case, so that `ß` equals `SS`. */
const lowerCase = (word: string): string => (NOT_ASCII.test(word) ? word.toUpperCase().toLowerCase() : word.toLowerCase())

/** Takes plural endings off (the S-stemmer). See Harman, How effective is suffixing?, 1991 */
function singular(word: string): string {
  if (word.length <= 3 || !word.endsWith('s')) return word
  if (word.endsWith('ies') && !/[ea]ies$/.test(word)) return `${word.slice(0, -3)}y`
  if (word.endsWith('es') && !/[aeo]es$/.test(word)) return word.slice(0, -1)
  return /[us]s$/.test(word) ? word : word.slice(0, -1)
}
