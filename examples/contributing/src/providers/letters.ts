import { AdapterTrainError } from '../errors.js'
import { normalizeInPlace } from '../math/matrix.js'
import { checkOptions } from './check.js'
import type { ProviderFactory } from './provider.js'

/** a to z, and one for every other character. */
const DIMENSIONS = 27

/** Counts of letters, scaled to length 1: "team" and "meat" have one vector. */
export const letters: ProviderFactory = {
  name: 'letters',
  description: 'Counts of the letters a to z: a worked example, of no use for retrieval',
  keyVariables: [],
  async create(options) {
    checkOptions('letters', options)
    const space = `letters@${DIMENSIONS}`
    return {
      id: options.baseId ?? space,
      dimensions: DIMENSIONS,
      limits: { maxInputs: options.maxInputs ?? 1024, maxConcurrency: 1 },
      price: 0,
      // A number that rises with every change of the vectors: what an older version put into the cache is not found again.
      cacheKey: () => `${space}#1`,
      countTokens: text => Math.ceil(text.length / 3),
      async embed(texts, _role, { signal } = {}) {
        if (signal?.aborted) throw new AdapterTrainError('ABORTED', 'embedding was stopped', { cause: signal.reason })
        return texts.map(countLetters)
      },
    }
  },
}

function countLetters(text: string): Float32Array {
  const counts = new Float32Array(DIMENSIONS)
  for (const character of text.toLowerCase()) {
    const letter = character.charCodeAt(0) - 97
    counts[letter >= 0 && letter < 26 ? letter : 26]++
  }
  return normalizeInPlace(counts)
}
