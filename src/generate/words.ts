const WORDS = new Intl.Segmenter('und', { granularity: 'word' })

/** The words of a text, folded: lower case, no punctuation; also of scripts that put no space between them. */
export function wordsOf(text: string): string[] {
  const words: string[] = []
  for (const { segment, isWordLike } of WORDS.segment(text.normalize('NFKC').toLowerCase())) {
    if (isWordLike) words.push(segment)
  }
  return words
}
