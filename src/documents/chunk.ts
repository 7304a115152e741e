import { usageError } from '../errors.js'

/** A piece of a document to be embedded. */
export interface Chunk {
  /** Hash of the text. */
  readonly id: string
  readonly text: string
  /** Tokens of OpenAI's embedding models (cl100k_base). */
  readonly tokens: number
  readonly source: {
    readonly file: string
    readonly page?: number
    /** The headings above the text, outermost first, joined by " > ". */
    readonly heading?: string
  }
}

/** The sizes of chunks, in tokens. */
export interface ChunkOptions {
  /** Longest chunk. Default: 1024. */
  readonly maxTokens?: number
  /** Space for whole sentences from the end of the chunk before. Default: 200, or a fifth of `maxTokens` if that is less. */
  readonly overlap?: number
  /**
   * Tokens from which a chunk ends at the next heading; smaller sections are joined. 0 ends one at every heading.
   * Default: an eighth of `maxTokens`.
   */
  readonly minTokens?: number
}

/** Default sizes of chunks, in tokens of cl100k_base. */
export const CHUNK_DEFAULTS = { maxTokens: 1024, overlap: 200 } as const
/** Smallest chunk, which can hold a word: a code point has up to 4 tokens. */
const SMALLEST_CHUNK = 16

/** Fills in the defaults. @throws USAGE if an option is not a whole number in its range */
export function checkChunkOptions(options: ChunkOptions): Required<ChunkOptions> {
  const { maxTokens = CHUNK_DEFAULTS.maxTokens } = options
  check('maxTokens', maxTokens, SMALLEST_CHUNK, Number.MAX_SAFE_INTEGER, '')
  const { overlap = Math.min(CHUNK_DEFAULTS.overlap, Math.floor(maxTokens / 5)) } = options
  check('overlap', overlap, 0, maxTokens - 1, ` (less than maxTokens, ${maxTokens})`)
  const { minTokens = Math.floor(maxTokens / 8) } = options
  check('minTokens', minTokens, 0, maxTokens, ` (at most maxTokens, ${maxTokens})`)
  return { maxTokens, overlap, minTokens }
}

function check(name: string, value: unknown, from: number, to: number, note: string): void {
  if (Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to) return
  const range = to === Number.MAX_SAFE_INTEGER ? `of at least ${from}` : `from ${from} to ${to}`
  const problem = `the option "${name}" is ${String(value)}, expected a whole number ${range} tokens${note}`
  throw usageError(problem, { details: { option: name } })
}
