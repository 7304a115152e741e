import { getOrInsert } from '../maps.js'
import { createRandom, permutation } from '../math/random.js'
import { positivesOf, type QADataset } from './dataset.js'
import { foldText } from './text.js'

/** Numbers of pseudo-queries. */
export const PSEUDO_QUERIES = {
  /** Most labelled training queries with which pseudo-queries are used. */
  mostLabelled: 200,
  documents: 600,
  /** Least that are worth a trial, as every trial makes significance harder. */
  least: 20,
} as const

/** Sentences per document: if the first opens other documents too, the next takes its place. */
const SENTENCES = 3
/** Documents examined for each one wanted, as some have no sentence of their own. */
const SPARE = 2

/**
 * Makes pseudo-queries for training splits with few labelled queries: first sentences of documents, each the query of its
 * own document.
 *
 * The documents are a seeded choice of at most 600 with distinct texts. A document's query is the first of its
 * {@link openingSentences} that opens no other document, as boilerplate would, and equals no training query.
 * @returns the pairs, on the same corpus; undefined with more than 200 labelled queries, with none, or with fewer than 20
 *   such sentences
 * @see https://arxiv.org/abs/2004.14503 (Ma et al.), where titles and openings serve as queries
 */
export function pseudoQueries(train: QADataset, seed: number): QADataset | undefined {
  const labelled = [...train.queries.keys()].filter(id => positivesOf(train, id).length > 0)
  if (labelled.length === 0 || labelled.length > PSEUDO_QUERIES.mostLabelled) return undefined
  const chosen = chosenDocuments(train, seed)
  const openings = chosen.map(([id, text]) => ({ id, sentences: openingSentences(text, SENTENCES) }))

  const taken = new Map<string, number>()
  for (const query of train.queries.values()) taken.set(foldText(query), Number.POSITIVE_INFINITY)
  for (const { sentences } of openings) {
    for (const sentence of new Set(sentences.map(foldText))) taken.set(sentence, (taken.get(sentence) ?? 0) + 1)
  }
  const queries = new Map<string, string>()
  const qrels = new Map<string, ReadonlyMap<string, number>>()
  for (const { id, sentences } of openings) {
    const own = sentences.find(sentence => taken.get(foldText(sentence)) === 1)
    if (own === undefined || queries.size === PSEUDO_QUERIES.documents) continue
    const query = `first sentence of ${id}`
    queries.set(query, own)
    qrels.set(query, new Map([[id, 1]]))
  }
  if (queries.size < PSEUDO_QUERIES.least) return undefined
  return { name: 'first sentences', queries, corpus: train.corpus, qrels }
}

function chosenDocuments({ corpus }: QADataset, seed: number): [id: string, text: string][] {
  const documents = [...corpus]
  const texts = new Set<string>()
  const chosen: [string, string][] = []
  for (const i of permutation(documents.length, createRandom(seed))) {
    const folded = foldText(documents[i][1])
    if (texts.has(folded)) continue
    texts.add(folded)
    if (chosen.push(documents[i]) === SPARE * PSEUDO_QUERIES.documents) break
  }
  return chosen
}

// Made on first use: their tables take 30 ms to load.
const segmenters = new Map<string, Intl.Segmenter>()
const segmentsOf = (text: string, granularity: 'sentence' | 'word'): Intl.Segments =>
  getOrInsert(segmenters, granularity, () => new Intl.Segmenter('und', { granularity })).segment(text)

const LOOKED_AT = 4000
/** Least words of a sentence, and of the rest of its document. */
const LEAST_WORDS = 4
const MOST_WORDS = 60

/**
 * Extracts the first meaningful sentences of a document, at most `count`.
 *
 * Front matter, code, tables, rules, HTML tags and headings (`# ...`, or underlined) are skipped; marks of lists, links and
 * emphasis are removed. Sentences end at Unicode's boundaries, and at a separate full stop (` . `), as in tokenised text. They need
 * 4 words (Unicode's, so that Chinese has words too) and more than three letters per other character, which excludes rows of
 * figures. A sentence is left out if it is all of its document but 3 words or fewer, as such a query teaches nothing.
 */
export function openingSentences(text: string, count: number): string[] {
  const found: string[] = []
  const opening = text.slice(0, LOOKED_AT)
  const words = countWords(opening, MOST_WORDS + LEAST_WORDS)
  for (const paragraph of paragraphsOf(opening)) {
    for (const { segment } of segmentsOf(paragraph, 'sentence')) {
      for (const part of segment.split(/(?<=\p{L}\s+[.!?])\s+(?=\p{L})/u)) {
        const sentence = cut(part.trim())
        if (sentence === undefined || !isProse(sentence)) continue
        if (words - countWords(sentence, MOST_WORDS) < LEAST_WORDS) continue
        if (found.push(sentence) === count) return found
      }
    }
  }
  return found
}

/** Returns blocks of running text, each on one line, without markup. */
function paragraphsOf(text: string): string[] {
  const paragraphs: string[] = []
  let lines: string[] = []
  const end = (): void => {
    if (lines.length > 0) paragraphs.push(lines.join(' ').replace(/\s+/g, ' ').trim())
    lines = []
  }
  const body = text
    .replace(/^\uFEFF?---\r?\n[\s\S]*?\n---\r?(?:\n|$)/, '')
    .replace(/^ *(```|~~~)[\s\S]*?(?:^ *\1.*$|$(?![\s\S]))/gm, '\n')
    .replace(/<!--[\s\S]*?(?:-->|$)/g, '\n')
    .replace(/<(script|style|pre)\b[\s\S]*?(?:<\/\1>|$)/gi, '\n')
    .replace(/<h([1-6])\b[\s\S]*?(?:<\/h\1>|$)/gi, '\n')
    .replace(/<\/?[a-z][^<>]*>/gi, ' ')
  for (const line of body.split(/\r?\n|\u2029/)) {
    // What stands on a line of its own above a rule is a heading.
    if (/^\s*(?:={3,}|-{3,})\s*$/.test(line) && lines.length === 1) lines = []
    if (/^\s*(?:$|#{1,6}\s|\||[-=*_]{3,}\s*$)/.test(line)) end()
    else {
      const item = /^\s*(?:[-*+•]|\d{1,3}[.)])\s+/.exec(line)
      if (item) end()
      lines.push(withoutMarks(line.slice(item?.[0].length ?? 0)))
    }
  }
  end()
  return paragraphs
}

function withoutMarks(line: string): string {
  return line
    .replace(/^\s*>+\s?/, '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\*\*|__|`/g, '')
}

function cut(sentence: string): string | undefined {
  let words = 0
  for (const { index, segment, isWordLike } of segmentsOf(sentence, 'word')) {
    if (isWordLike && ++words === MOST_WORDS) return sentence.slice(0, index + segment.length)
  }
  return words < LEAST_WORDS ? undefined : sentence
}

function isProse(sentence: string): boolean {
  const letters = sentence.match(/[\p{L}\p{M}]/gu)?.length ?? 0
  const others = sentence.match(/[^\p{L}\p{M}\s]/gu)?.length ?? 0
  return letters > 3 * others
}

function countWords(text: string, limit: number): number {
  let words = 0
  for (const { isWordLike } of segmentsOf(text, 'word')) if (isWordLike && ++words === limit) break
  return words
}
