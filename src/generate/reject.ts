import type { Chunk } from '../documents/chunk.js'

/** Reasons to drop a model's text, and their meaning. */
const DROP_REASONS = {
  preamble: 'words about the list, such as "Here are 3 questions:"',
  refusal: 'the model would not answer',
  empty: 'no letter and no digit',
  'too-short': 'one word',
  'too-long': 'more than 60 words',
  'self-reference': 'speaks of "the passage", "according to the text", "this document"',
  verbatim: '8 or more consecutive words of the chunk, or all of its 5 or more words',
  duplicate: 'the same text as an earlier query',
  surplus: 'more than requested',
  'round-trip': 'its own chunk is not among the first k',
  'near-duplicate': 'nearly the same as an earlier query of another chunk',
} as const

export type DropReason = keyof typeof DROP_REASONS

const LEAST_WORDS = 2
const MOST_WORDS = 60
/** Words of a quotation: a run of the chunk of this length, or a whole query of at least the second. */
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

/** Finds the reason to drop a cleaned candidate; `undefined` for a good query. */
export function rejectionOf(text: string, raw: string, isQuotation?: ReturnType<typeof quotationsOf>) {
  const plain = raw.replace(/[*_`#]/g, '').trim()
  const straight = text.replaceAll('’', "'")
  // A user's "I cannot log in" is a query.
  if (REFUSAL.some(pattern => pattern.test(straight))) return 'refusal'
  if (PREAMBLE.some(pattern => pattern.test(plain) || pattern.test(text))) return 'preamble'
  if (!/[\p{L}\p{N}]/u.test(text)) return 'empty'
  const words = wordsOf(text)
  if (words.length < LEAST_WORDS) return 'too-short'
  if (words.length > MOST_WORDS) return 'too-long'
  if (SELF_REFERENCE.some(pattern => pattern.test(straight))) return 'self-reference'
  return isQuotation?.(words) ? 'verbatim' : undefined
}

/** Returns a test for words that quote the chunk. */
export function quotationsOf(chunk: Chunk): (words: readonly string[]) => boolean {
  const text = ` ${wordsOf(chunk.text).join(' ')} `
  const includes = (words: readonly string[]): boolean => text.includes(` ${words.join(' ')} `)
  return words => {
    if (words.length < QUOTED_RUN) return words.length >= QUOTED_WHOLE && includes(words)
    return words.some((_, i) => i + QUOTED_RUN <= words.length && includes(words.slice(i, i + QUOTED_RUN)))
  }
}

const UNSPACED = '[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}ー\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}]+'
const RUN = new RegExp(
  `(${UNSPACED})|(?:(?!${UNSPACED})[\\p{L}\\p{M}\\p{N}])+(?:['’](?!${UNSPACED})[\\p{L}\\p{M}\\p{N}]+)*`,
  'gu',
)
const SEGMENTER = new Intl.Segmenter('und', { granularity: 'word' })

/** Splits a text into folded words: lower case, without punctuation; also in scripts without spaces. */
export function wordsOf(text: string): string[] {
  const words: string[] = []
  for (const [run, unspaced] of text.normalize('NFKC').toLowerCase().matchAll(RUN)) {
    // Not for a whole text, because it is some ten times slower.
    if (unspaced) for (const { segment } of SEGMENTER.segment(run)) words.push(segment)
    else words.push(run)
  }
  return words
}
