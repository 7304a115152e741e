import type { Section } from '../section.js'

/** What came of reading a file: sections, and what of it could not be read. */
export interface Loaded {
  readonly sections: readonly Section[]
  /** Why the file (no sections) or a part of it could not be read; goes on from the file's name: "is encrypted". */
  readonly problem?: string
}

/** Reads one kind of file. What it throws is taken as "cannot be read as". */
export interface DocumentLoader {
  /** For messages, such as "PDF". */
  readonly name: string
  /** Lower case, with the dot. */
  readonly extensions: readonly string[]
  load(bytes: Buffer): Promise<Loaded>
}
