import type { Section } from './section.js'

/** A document's text in one piece, with the starts of its sections. */
export type Flow = ReturnType<typeof flowOf>

/** Joins sections by blank lines, except within a sentence. */
export function flowOf(sections: readonly Section[]) {
  const parts: string[] = []
  const placed: { start: number; section: Section }[] = []
  let length = 0
  let before: Section | undefined
  for (const section of sections) {
    if (section.text.trim() === '') continue
    if (before) {
      const goesOn = !section.starts && !section.rows && !before.rows && !endsSentence(before.text)
      const gap = goesOn ? gapBetween(before.text, section.text) : '\n\n'
      parts.push(gap)
      length += gap.length
    }
    placed.push({ start: length, section })
    parts.push(section.text)
    length += section.text.length
    before = section
  }
  return { text: parts.join(''), sections: placed }
}

// Scripts without spaces between words: a line or page break in them is not a space.
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}、-〟︰-﹏！-｠]/u
const SENTENCE_END = /[\p{Sentence_Terminal}:][\p{Pe}\p{Pf}\p{Pi}"'*_]*$/u

/** Gap between two pieces of one paragraph: a space, or nothing in scripts without spaces. */
export function gapBetween(before: string, after: string): '' | ' ' {
  const last = Array.from(before.slice(-2)).at(-1) ?? ' '
  const [first = ' '] = after.slice(0, 2)
  return UNSPACED.test(last) && UNSPACED.test(first) ? '' : ' '
}

const endsSentence = (text: string): boolean => SENTENCE_END.test(text.slice(-16).trimEnd())
