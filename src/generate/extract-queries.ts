import type { Chunk } from '../documents/chunk.js'
import { wordsOf } from './reject.js'

const SENTENCES = new Intl.Segmenter('und', { granularity: 'sentence' })
const ITEM = /^\s*(?:[-*+•]|\d{1,3}[.)])\s+/
/** Words of the longest query; a longer sentence is cut. */
const LONGEST = 32
const SHORTEST = 4
/** Extra queries, because headings and sentences in overlaps are lost as duplicates elsewhere. */
const SPARE = 2

/**
 * Extracts queries from the chunk itself: the headings above it, its first sentence, then the sentences most similar to the rest.
 * Equal chunks give equal queries.
 * @param count number of queries; up to two more are returned, in order of preference
 */
export function extractQueries(chunk: Chunk, count: number): string[] {
  const heading = chunk.source.heading?.replaceAll(' > ', ' ').trim()
  const sentences = sentencesOf(chunk.text)
  const [first, ...others] = sentences
  const ranked = [...(heading ? [heading] : []), ...(first ? [first] : []), ...mostCentral(others, sentences)]
  return [...new Set(ranked)].slice(0, count + SPARE)
}

function sentencesOf(text: string): string[] {
  const segments = paragraphsOf(text).flatMap(paragraph => [...SENTENCES.segment(withoutMarkup(paragraph))])
  return segments.map(({ segment }) => shorten(segment.trim())).filter(text => wordsOf(text).length >= SHORTEST)
}

/** Joins lines except items of lists; drops headings (in the chunk's source), rows of tables and code. */
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

/** Sorts sentences by the mean number of sentences that contain each of their words; equal ones in their order. */
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
