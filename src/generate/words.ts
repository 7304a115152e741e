const UNSPACED = '[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}ー\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}]+'
const RUN = new RegExp(
  `(${UNSPACED})|(?:(?!${UNSPACED})[\\p{L}\\p{M}\\p{N}])+(?:['’](?!${UNSPACED})[\\p{L}\\p{M}\\p{N}]+)*`,
  'gu',
)
const SEGMENTER = new Intl.Segmenter('und', { granularity: 'word' })

/** The words of a text, folded: lower case, no punctuation; also of scripts that put no space between them. */
export function wordsOf(text: string): string[] {
  const words: string[] = []
  for (const [run, unspaced] of text.normalize('NFKC').toLowerCase().matchAll(RUN)) {
    // Not for all of a text, as it is some ten times slower.
    if (unspaced) for (const { segment } of SEGMENTER.segment(run)) words.push(segment)
    else words.push(run)
  }
  return words
}
