import { AdapterTrainError } from '../errors.js'

/** The sizes of chunks, in tokens. */
export interface ChunkOptions {
  /** No chunk is longer. Default 1024. */
  readonly maxTokens?: number
  /**
   * A chunk begins with the last sentences of the one before, as many whole ones as fit in here. Default 200, or a fifth of
   * `maxTokens` where that is less.
   */
  readonly overlap?: number
  /**
   * A heading begins a new chunk where the chunk before has at least so many; smaller sections are put together. 0 begins one
   * at every heading. Default an eighth of `maxTokens`.
   */
  readonly minTokens?: number
}

/** Sizes of chunks where none are given, in tokens of cl100k_base. */
export const CHUNK_DEFAULTS = { maxTokens: 1024, overlap: 200 } as const

/** A code point has up to 4 tokens; below this a chunk could not hold a word. */
const SMALLEST_CHUNK = 16

/**
 * Fills in the defaults.
 *
 * @throws USAGE when an option is not a whole number in its range
 */
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
  const range =
    to === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${from}` : `a whole number from ${from} to ${to}`
  throw new AdapterTrainError('USAGE', `the option "${name}" is ${String(value)}, expected ${range} tokens${note}`, {
    details: { option: name },
  })
}
