import type { Chunk } from '../documents/chunk.js'
import { wordsOf } from './words.js'

const SENTENCES = new Intl.Segmenter('und', { granularity: 'sentence' })

/** Begins an item of a list. */
const ITEM = /^\s*(?:[-*+•]|\d{1,3}[.)])\s+/

/** Words of the longest query that is made; a longer sentence is cut. */
const LONGEST = 32
/** Words of the shortest sentence that says something. */
const SHORTEST = 4
/** More than asked for, because a heading, or a sentence that stands in an overlap, is lost as a duplicate elsewhere. */
const SPARE = 2

/**
 * Queries out of the chunk itself: the headings above it, its first sentence, then the sentences that share most with the rest of
 * it. Equal chunks give equal queries.
 *
 * @param count queries wanted; some more are given where there are more, in order of preference
 */
export function extractQueries(chunk: Chunk, count: number): string[] {
  const heading = chunk.source.heading?.replaceAll(' > ', ' ').trim()
  const sentences = sentencesOf(chunk.text)
  const [first, ...others] = sentences
  const ranked = [...(heading ? [heading] : []), ...(first ? [first] : []), ...mostCentral(others, sentences)]
  return [...new Set(ranked)].slice(0, count + SPARE)
}

function sentencesOf(text: string): string[] {
  const found: string[] = []
  for (const paragraph of paragraphsOf(text)) {
    for (const { segment } of SENTENCES.segment(withoutMarkup(paragraph))) {
      const sentence = shorten(segment.trim())
      if (wordsOf(sentence).length >= SHORTEST) found.push(sentence)
    }
  }
  return found
}

/** Lines put together, but for items of lists, without headings (the chunk's source says them), rows of tables and code. */
function paragraphsOf(text: string): string[] {
  const paragraphs: string[] = []
  let open = ''
  let isCode = false
  for (const line of [...text.split('\n'), '']) {
    const isFence = /^\s*(```|~~~)/.test(line)
    const isApart = isFence || isCode || /^\s*($|#{1,6}\s|\||[-=*_]{3,}\s*$)/.test(line)
    if (isApart || ITEM.test(line)) {
      if (open !== '') paragraphs.push(open)
      open = ''
    }
    if (!isApart) open = `${open} ${line.trim()}`.trim().replace(/\s+/g, ' ')
    if (isFence) isCode = !isCode
  }
  return paragraphs
}

function withoutMarkup(line: string): string {
  return line
    .replace(ITEM, '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/(\*\*|__|`)/g, '')
}

function shorten(sentence: string): string {
  const words = sentence.split(' ')
  return words.length > LONGEST ? words.slice(0, LONGEST).join(' ') : sentence
}

/** The sentences by the mean number of sentences that each of their words stands in; equal ones in their order. */
function mostCentral(candidates: readonly string[], sentences: readonly string[]): string[] {
  const spread = new Map<string, number>()
  for (const sentence of sentences) {
    for (const word of new Set(wordsOf(sentence))) spread.set(word, (spread.get(word) ?? 0) + 1)
  }
  const score = (sentence: string): number => {
    const words = [...new Set(wordsOf(sentence))]
    return words.reduce((sum, word) => sum + spread.get(word)!, 0) / words.length
  }
  return candidates
    .map((sentence, i) => ({ sentence, i, score: score(sentence) }))
    .sort((a, b) => b.score - a.score || a.i - b.i)
    .map(({ sentence }) => sentence)
}
