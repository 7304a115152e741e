import { AdapterTrainError } from '../errors.js'
import { firstNonFinite } from '../math/matrix.js'

/** One vector to store: the 32-byte SHA-256 of its text, and the vector. */
export interface CacheEntry {
  readonly textHash: Uint8Array
  readonly vector: Float32Array
}

/**
 * Checks a batch at the door of a cache.
 *
 * @param dimensions length of the space's vectors; `undefined` for a space that does not exist yet
 * @returns the length of every vector of the batch
 * @throws VECTOR_INVALID when a vector is empty, of another length than the space's, or not finite
 */
export function checkEntries(space: string, dimensions: number | undefined, entries: readonly CacheEntry[]): number {
  const expected = dimensions ?? entries[0].vector.length
  for (const [i, { textHash, vector }] of entries.entries()) {
    if (textHash.length !== 32) throw new RangeError(`entry ${i} has a text hash of ${textHash.length} bytes, not 32`)
    if (vector.length === 0) throw invalid(space, i, 'is empty')
    if (vector.length !== expected) {
      const problem =
        dimensions === undefined
          ? `has ${vector.length} values, the batch's first has ${expected}`
          : `has ${vector.length} values, but the space holds vectors of ${dimensions}: the model behind it gives ` +
            'other vectors than before; prune this space from the cache and embed again'
      throw invalid(space, i, problem)
    }
    const bad = firstNonFinite(vector)
    if (bad >= 0) throw invalid(space, i, `has ${vector[bad]} at position ${bad}; only finite values are stored`)
  }
  return expected
}

function invalid(space: string, entry: number, problem: string): AdapterTrainError {
  return new AdapterTrainError('VECTOR_INVALID', `vector ${entry} for the cache's space "${space}" ${problem}`, {
    details: { space, entry },
  })
}
