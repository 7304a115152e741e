import type { Chunk } from '../documents/chunk.js'
import { wordsOf } from './words.js'

/** Why the words of a model do not become a query, and what that means. */
const DROP_REASONS = {
  preamble: 'words about the list, such as "Here are 3 questions:"',
  refusal: 'the model would not answer',
  empty: 'no letter and no digit',
  'too-short': 'one word',
  'too-long': 'more than 60 words',
  'self-reference': 'speaks of "the passage", "according to the text", "this document"',
  verbatim: '8 or more consecutive words of the chunk, or all of its 5 or more words',
  duplicate: 'the same text as an earlier query',
  surplus: 'more than were asked for',
  'round-trip': 'its own chunk is not among the first k',
  'near-duplicate': 'nearly the same as an earlier query of another chunk',
} as const

export type DropReason = keyof typeof DROP_REASONS

const LEAST_WORDS = 2
const MOST_WORDS = 60
/** A run of this many words of the chunk is a quotation; all of a shorter query is, from the second on. */
const QUOTED_RUN = 8
const QUOTED_WHOLE = 5

const PREAMBLE = [
  // A query does not end with a colon, in any language.
  /[:：]$/u,
  /^(sure|certainly|of course|absolutely|great|okay|ok|yes)\s*[!,.]/i,
  /^(here|below|following) (is|are)\b/i,
  /^(these|the (following|above)) (\w+ )?(questions|queries)\b/i,
  /^(i hope|let me know|feel free|please let me|if you('d| would) like|note( that)?\b\s*:?)/i,
  /^\W*(questions?|queries|search queries|generated (questions|queries))\W*$/i,
]

const REFUSAL = [
  /^(i'?m|i am)? ?(very |so |really )?sorry\b.{0,40}\b(can'?t|cannot|can not|unable|not able|won'?t|but)\b/i,
  /\bas an? (ai|artificial intelligence|language model)\b/i,
  /^(unfortunately,? )?i('m| am)? ?(can'?t|cannot|can not|unable to|not able to|won'?t|will not) (\w+ )?(assist|help with|comply|fulfil|fulfill)\b/i,
  /^(unfortunately,? )?i('m| am)? ?(can'?t|cannot|can not|unable to|not able to|won'?t|will not) .*\b(questions?|queries|this request|passage|text)\b/i,
  /^(?:the|this) (?:provided |given |above )?(?:passage|text|context|document|excerpt|content)\b.{0,40}\b(?:does not|doesn't|do not|don't|lacks?|contains? no|has no|is (?:empty|insufficient|not enough|too short))\b.*\b(?:information|content|context|details|questions?|queries)\b[^?]*$/i,
]

const TEXT =
  '(?:passages?|texts?|excerpts?|snippets?|chunks?|context|documents?|articles?|sections?|paragraphs?|page|information|author)'
const SAID =
  '(?:stated|described|mentioned|discussed|outlined|listed|presented|referred to|covered|explained|given|provided|shown)'
const SELF_REFERENCE = [
  new RegExp(
    `\\b(?:according to|based on|as per|${SAID} (?:in|by)) (?:the|this|that) (?:(?:given|provided|above|following|supplied) )?${TEXT}\\b`,
    'i',
  ),
  /\b(?:the|this) (?:given|provided|above|supplied) (?:passage|text|excerpt|snippet|chunk|context|document|article|section|paragraph)\b/i,
  /\b(?:passage|text|excerpt|snippet|document|article|section|paragraph) (?:above|below|provided|given)\b/i,
  /\bthis (?:passage|text|excerpt|snippet|chunk|paragraph|document|article|section)\b/i,
  // Other words of this kind are what users ask about: "the colour of the text", "in the document".
  /\b(?:in|from|of|by|to) the (?:passage|excerpt|snippet|given context)\b|\bin the text\b/i,
  /\b(?:does|do|did|what|how|why) the (?:passage|excerpt|snippet|text|author|document|article) (?:say|state|mention|describe|explain|discuss|suggest|claim|recommend)/i,
  /\b(?:im|laut|gemäß|nach) (?:dem |des )?(?:obigen |vorliegenden |gegebenen )?(?:text(?:es)?|abschnitts?|textabschnitts?|textauszug)\b/i,
  /\b(?:dans|selon|d'après) (?:le|ce|cet) (?:texte|passage|extrait|document ci-dessus)\b/i,
  /\b(?:según|en) (?:el|este) (?:texto|pasaje|fragmento)\b/i,
  /\b(?:nel|secondo il|in questo) (?:testo|brano|passaggio)\b/i,
]

/** Whether it is a refusal of the model, not a query; a user's "I cannot log in" is a query. */
export function isRefusal(text: string): boolean {
  return REFUSAL.some(pattern => pattern.test(text.replaceAll('’', "'")))
}

/**
 * Why a cleaned candidate is no good query for its chunk; `undefined` for a good one.
 *
 * @param raw as the model wrote it
 * @param chunkWords of the chunk, where quoting it counts
 */
export function rejectionOf(text: string, raw: string, chunkWords: ChunkWords | undefined): DropReason | undefined {
  const plain = raw.replace(/[*_`#]/g, '').trim()
  if (isRefusal(text)) return 'refusal'
  if (PREAMBLE.some(pattern => pattern.test(plain) || pattern.test(text))) return 'preamble'
  if (!/[\p{L}\p{N}]/u.test(text)) return 'empty'
  const words = wordsOf(text)
  if (words.length < LEAST_WORDS) return 'too-short'
  if (words.length > MOST_WORDS) return 'too-long'
  const straight = text.replaceAll('’', "'")
  if (SELF_REFERENCE.some(pattern => pattern.test(straight))) return 'self-reference'
  return chunkWords?.quotedBy(words) ? 'verbatim' : undefined
}

/** The words of a chunk, to find quotations of it. */
export interface ChunkWords {
  quotedBy(words: readonly string[]): boolean
}

export function chunkWordsOf(chunk: Chunk): ChunkWords {
  const text = ` ${wordsOf(chunk.text).join(' ')} `
  const holds = (words: readonly string[]): boolean => text.includes(` ${words.join(' ')} `)
  return {
    quotedBy(words) {
      if (words.length < QUOTED_RUN) return words.length >= QUOTED_WHOLE && holds(words)
      return words.some((_, i) => i + QUOTED_RUN <= words.length && holds(words.slice(i, i + QUOTED_RUN)))
    },
  }
}
