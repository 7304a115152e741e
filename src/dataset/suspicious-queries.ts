import { getOrInsert } from '../maps.js'
import { positivesOf, type QADataset } from './dataset.js'
import { sameTextKey } from './near-duplicates.js'
import { foldText, UNSPACED } from './text.js'

/** Common words in a row from which a query quotes its document. */
const QUOTED_WORDS = 8
/** Most relevant documents compared with a query. */
const COMPARED = 10

/** Problems of valid queries, with their descriptions. */
export const SUSPICIONS = {
  'too-short': 'fewer than three characters',
  'no-words': 'nothing but a link, an address, a number or an id',
  preamble: 'what an LLM says around a question, not a question',
  'refers-to-passage': 'speaks of "the passage", which whoever searches does not see',
  'is-document': 'the same text as its document',
  'quotes-document': `${QUOTED_WORDS} or more words in a row of its document`,
} as const

export type Suspicion = keyof typeof SUSPICIONS

const NO_WORDS =
  /^(?:(?:https?|ftp):\/\/\S+|www\.\S+|[^\s@]+@[^\s@]+\.[^\s@]+|[^\p{L}]+|[0-9a-f]{8}-[0-9a-f-]{20,}|[0-9a-f]{16,}|[a-z]{0,6}[-_#:]*\d[\w:-]*)$/iu
const PREAMBLE =
  /^(?:sure\b[,!.]|certainly\b[,!.]|of course\b[,!.]|absolutely\b[,!.]|okay,|here (?:are|is) (?:\w+ ){0,4}(?:questions?|quer(?:y|ies))|here's (?:\w+ ){0,4}(?:question|query)|as an ai\b|as a language model|i(?:'|’)?m sorry|i (?:cannot|can't|am unable to)|(?:question|query|q)\s*\d*\s*[:.)]\s|\d+[.)]\s|[-*•]\s)/i
const REFERS =
  /\b(?:(?:in|by|from|to|of) (?:the|this) (?:(?:given|provided|above|following) )?(?:passage|excerpt|snippet|context)|(?:the|this) (?:given|provided|above|following) (?:passage|text|document|context|excerpt|article|information)|according to (?:the|this) (?:passage|text|document|context|excerpt|article)|(?:mentioned|described|stated|discussed) (?:above|in the (?:passage|text|document|context|excerpt)))\b/i

/** Finds queries unlike real searches: ids per suspicion, in the dataset's order; a query can be in several. */
export function findSuspiciousQueries(dataset: QADataset): ReadonlyMap<Suspicion, readonly string[]> {
  const found = new Map<Suspicion, string[]>()
  const suspect = (suspicion: Suspicion, id: string): void => {
    getOrInsert(found, suspicion, () => []).push(id)
  }
  for (const [id, query] of dataset.queries) {
    for (const suspicion of suspectText(query)) suspect(suspicion, id)
    const documents = positivesOf(dataset, id)
      .slice(0, COMPARED)
      .map(document => dataset.corpus.get(document)!)
    const key = sameTextKey(query)
    if (documents.some(text => text.length < 2 * query.length + 100 && sameTextKey(text) === key)) {
      suspect('is-document', id)
    } else if (quotesAny(query, documents)) suspect('quotes-document', id)
  }
  return found
}

/** Finds the suspicions that a query's text raises on its own. */
export function suspectText(query: string): readonly Suspicion[] {
  const text = query.trim()
  const suspicions: Suspicion[] = []
  const characters = text.match(/\S/gu)?.length ?? 0
  if (characters < (UNSPACED.test(text) ? 2 : 3)) suspicions.push('too-short')
  else if (NO_WORDS.test(text)) suspicions.push('no-words')
  if (PREAMBLE.test(text)) suspicions.push('preamble')
  if (REFERS.test(text)) suspicions.push('refers-to-passage')
  return suspicions
}

function quotesAny(query: string, documents: readonly string[]): boolean {
  const words = wordsOf(query)
  if (words.length < QUOTED_WORDS) return false
  return documents.some(document => {
    const text = ` ${wordsOf(document).join(' ')} `
    for (let i = 0; i + QUOTED_WORDS <= words.length; i++) {
      if (text.includes(` ${words.slice(i, i + QUOTED_WORDS).join(' ')} `)) return true
    }
    return false
  })
}

const wordsOf = (text: string): readonly string[] => foldText(text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
