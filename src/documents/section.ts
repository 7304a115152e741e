/** A part of a document with one place: a page, or what stands under one heading. */
export interface Section {
  /** Paragraphs are separated by blank lines; lines that begin with "|" are rows of a table. */
  readonly text: string
  /** From 1. */
  readonly page?: number
  /** The headings above the text, outermost first, joined by ` > `. */
  readonly heading?: string
  /**
   * `heading`: a new heading, which is the first line of the text · `record`: a text of its own, which shares no chunk with
   * what stands before it. By default the text goes on where the section before ended, even within a sentence.
   */
  readonly starts?: 'heading' | 'record'
  /** Every line is kept whole, as a row of a table is. */
  readonly rows?: boolean
}

/** A document that was read. */
export interface SourceDocument {
  /** With forward slashes; relative to the working directory where the file is in it. */
  readonly file: string
  /** In the order of the document. */
  readonly sections: readonly Section[]
}

const HEADING_SEPARATOR = ' > '

/** Keeps the headings above a place; `enter` takes the next heading and returns the path to it. */
export function headingPath(): { enter(level: number, title: string): string } {
  const open: { level: number; title: string }[] = []
  return {
    enter(level, title) {
      while (open.length > 0 && open[open.length - 1].level >= level) open.pop()
      open.push({ level, title })
      return open
        .map(heading => heading.title)
        .filter(Boolean)
        .join(HEADING_SEPARATOR)
    },
  }
}
