import { endsSentence, gapBetween } from './join-text.js'
import type { Section } from './section.js'

/** A document's text in one piece, and where its sections begin in it. */
export interface Flow {
  readonly text: string
  readonly sections: readonly { readonly start: number; readonly section: Section }[]
}

/** Puts sections together: a sentence that goes on in the next one is not interrupted, all else is apart by a blank line. */
export function flowOf(sections: readonly Section[]): Flow {
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
