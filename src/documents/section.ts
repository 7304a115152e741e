/** A page of a document, or the text under one heading. */
export interface Section {
  /** Paragraphs separated by blank lines; lines that begin with "|" are rows of a table. */
  readonly text: string
  readonly page?: number
  /** The headings above the text, outermost first, joined by ` > `. */
  readonly heading?: string
  /**
   * `heading`: a heading, the first line of the text · `record`: a separate text, which shares no chunk with the
   * section before. By default the text continues the section before, even within a sentence.
   */
  readonly starts?: 'heading' | 'record'
  /** True if every line is kept whole, like a row of a table. */
  readonly rows?: boolean
}

/** A document as read. */
export interface SourceDocument {
  /** With forward slashes; relative to the working directory if inside it. */
  readonly file: string
  readonly sections: readonly Section[]
}

/** Characters of a title in a path, which every section below repeats. */
const LONGEST_TITLE = 500

/** Tracks the headings above a place; `enter` takes the next heading and returns the path to it. */
export function headingPath(): { enter(level: number, title: string): string } {
  const open: { level: number; title: string }[] = []
  return {
    enter(level, title) {
      while (open.length > 0 && open[open.length - 1].level >= level) open.pop()
      open.push({ level, title: title.length > LONGEST_TITLE ? `${title.slice(0, LONGEST_TITLE)}…` : title })
      return open
        .map(heading => heading.title)
        .filter(Boolean)
        .join(' > ')
    },
  }
}

/** Formats a record's fields as one line, `name: value; name: value`, without empty ones. */
export function rowOf(fields: readonly (readonly [name: string, value: string])[]): string {
  return fields
    .map(([name, value]) => [name, value.replace(/\s+/gu, ' ').trim()])
    .filter(([, value]) => value !== '')
    .map(([name, value]) => (name === '' ? value : `${name}: ${value}`))
    .join('; ')
}
