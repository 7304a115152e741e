import { createHash } from 'node:crypto'
import { AdapterTrainError } from '../errors.js'
import { firstNonFinite } from '../math/matrix.js'

/** One vector to store. */
export interface CacheEntry {
  /** SHA-256 of the text's UTF-8 bytes, 32 bytes. */
  readonly textHash: Uint8Array
  readonly vector: Float32Array
}

/**
 * Store of embeddings: content-addressed, synchronous, safe for several processes.
 *
 * A space is a provider's `cacheKey(role)`; its vectors all have one length. A vector with a non-finite value or of another
 * length is never stored and never served.
 */
export interface EmbeddingCache {
  /** Returns one entry per hash, `undefined` if it is not stored. */
  get(space: string, textHashes: readonly Uint8Array[]): (Float32Array | undefined)[]
  /**
   * Stores a batch in one transaction, all or nothing; on return it is safe from a crash of the process.
   * @throws VECTOR_INVALID when a vector is empty, of another length than the space's, or not finite
   */
  set(space: string, entries: readonly CacheEntry[]): void
  /** Returns the length of a space's vectors, `undefined` without any. */
  dimensions?(space: string): number | undefined
  /**
   * Claims texts, so that of all processes that lack them one asks for them; `set` and {@link release} end a claim, as does the end
   * of its process.
   * @returns per text its vector if it is stored by now, true if it is claimed, false if another claims it
   */
  claim?(space: string, textHashes: readonly Uint8Array[]): (Float32Array | boolean)[]
  /** Gives up claims. */
  release?(space: string, textHashes: readonly Uint8Array[]): void
  /** Closes the store. */
  close(): void
}

/**
 * Store of an LLM's answers: synchronous, safe for several processes. A key has 32 bytes, the SHA-256 of everything that changes
 * the answer.
 */
export interface CompletionCache {
  /** Returns the answer, `undefined` if it is not stored or is damaged. */
  get(key: Uint8Array): string | undefined
  /** Stores an answer; on return it is safe from a crash of the process. */
  set(key: Uint8Array, model: string, answer: string): void
  /** Claims an answer, as {@link EmbeddingCache.claim} claims texts: returns it if it is stored, else whether it is claimed. */
  claim?(key: Uint8Array): string | boolean
  /** Gives up a claim. */
  release?(key: Uint8Array): void
}

/** Returns the text's part of a cache key: the 32 bytes of SHA-256 over its UTF-8 bytes. */
export const hashText = (text: string): Uint8Array => createHash('sha256').update(text, 'utf8').digest()

/** Checks a batch before it is stored. Returns the length of every vector of the batch. */
export function checkEntries(space: string, dimensions: number | undefined, entries: readonly CacheEntry[]): number {
  const expected = dimensions ?? entries[0].vector.length
  for (const [i, { textHash, vector }] of entries.entries()) {
    if (textHash.length !== 32) throw new RangeError(`entry ${i} has a text hash of ${textHash.length} bytes, not 32`)
    if (vector.length === 0) throw invalid(space, i, 'is empty')
    if (vector.length !== expected) {
      const why = dimensions === undefined ? ' as in the first of the batch' : ''
      const fix = dimensions === undefined ? '' : '. The model has changed: prune this space from the cache and re-embed'
      throw invalid(space, i, `has a wrong length; expected ${expected} values${why}, found ${vector.length}${fix}`)
    }
    const bad = firstNonFinite(vector)
    if (bad >= 0) throw invalid(space, i, `has a wrong value at position ${bad}; expected a finite number, found ${vector[bad]}`)
  }
  return expected
}

function invalid(space: string, entry: number, problem: string): AdapterTrainError {
  const message = `vector ${entry} for the cache's space "${space}" ${problem}`
  return new AdapterTrainError('VECTOR_INVALID', message, { details: { space, entry } })
}
