import { optionWord } from '../../words.js'
import type { Section } from '../section.js'

/** Sections of a file, and the problem of the rest. */
export interface Loaded {
  readonly sections: readonly Section[]
  /** Problem of the file (no sections) or of a part of it, a phrase after the file's name: "is encrypted". */
  readonly problem?: string
}

/** Bytes of a document, after inflating, above which it is skipped. */
export const MAX_DOCUMENT_BYTES = 50 << 20

export function tooLarge(what: string, limit: number): string {
  const size = limit < 1 << 20 ? `${limit} bytes` : `${Math.floor(limit / (1 << 20))} MiB`
  return `is too large: ${what} more than ${size}; raise ${optionWord('--max-document-bytes (maxBytes)')} if you trust it`
}

/** A reader of one kind of file. What it throws becomes "cannot be read as". */
export interface DocumentLoader {
  readonly name: string
  /** Lower case, with the dot. */
  readonly extensions: readonly string[]
  /** @param maxBytes after inflating; default `MAX_DOCUMENT_BYTES` */
  load(bytes: Buffer, maxBytes?: number): Promise<Loaded>
}
