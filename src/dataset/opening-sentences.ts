type Granularity = 'sentence' | 'word'

/** Made when they are used: their tables take 30 ms to load. */
const segmenters: { [granularity in Granularity]?: Intl.Segmenter } = {}
const segmentsOf = (text: string, granularity: Granularity): Intl.Segments => {
  segmenters[granularity] ??= new Intl.Segmenter('und', { granularity })
  return segmenters[granularity].segment(text)
}

/** Characters of a document that are looked at: an opening stands there or nowhere. */
const LOOKED_AT = 4000
/** Words of the shortest sentence that says something, and of what a document must have beside it. */
const LEAST_WORDS = 4
/** Words of the longest one; a longer sentence is cut. */
const MOST_WORDS = 60

/**
 * The first sentences of a document that say something, in its order.
 *
 * Front matter, code, tables, rules, HTML tags and headings that are marked as such (`# ...`, or underlined) are passed over, marks
 * of lists, links and emphasis taken off; lines of a paragraph are one text, the items of a list are not. A sentence ends where
 * Unicode says so, and at a full stop of its own (` . `), as in tokenised text. It counts when it has 4 words or more (Unicode's
 * again, so that Chinese has words too) and more than three letters for every other character, which a row of figures has not; beyond 60 words it
 * is cut. A sentence beside which the document has less than 4 words is left out: a query that is all of its document has nothing
 * to teach.
 *
 * @param count sentences wanted at most
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

/** Blocks of running text, each on one line, without markup. */
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

/** @returns the first words of a long sentence; undefined for one that is too short */
function cut(sentence: string): string | undefined {
  let words = 0
  for (const { index, segment, isWordLike } of segmentsOf(sentence, 'word')) {
    if (isWordLike && ++words === MOST_WORDS) return sentence.slice(0, index + segment.length)
  }
  return words < LEAST_WORDS ? undefined : sentence
}

/** More than three letters for every other character that is not white space; text in any tongue has more. */
function isProse(sentence: string): boolean {
  const letters = sentence.match(/[\p{L}\p{M}]/gu)?.length ?? 0
  const others = sentence.match(/[^\p{L}\p{M}\s]/gu)?.length ?? 0
  return letters > 3 * others
}

/** Words of a text, counted up to a limit. */
function countWords(text: string, limit: number): number {
  let words = 0
  for (const { isWordLike } of segmentsOf(text, 'word')) if (isWordLike && ++words === limit) break
  return words
}
