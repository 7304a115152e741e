import { AdapterTrainError } from '../errors.js'
import { firstNonFinite } from '../math/matrix.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { Label } from './check-texts.js'

/**
 * Checks a provider's answer to one request.
 *
 * @param indices the texts of the request, for messages
 * @param dimensions length of the vectors so far; `undefined` before the first
 * @throws PROVIDER_RESPONSE when there is not one finite vector a text, all of one length
 */
export function checkVectors(
  provider: EmbeddingProvider,
  vectors: readonly Float32Array[],
  indices: readonly number[],
  dimensions: number | undefined,
  label: Label,
): void {
  if (!Array.isArray(vectors) || vectors.length !== indices.length) {
    const found = Array.isArray(vectors) ? `${vectors.length} vectors` : 'no list of vectors'
    throw wrong(provider, `${found} for ${indices.length} texts, from ${label(indices[0])} on`)
  }
  const expected = provider.dimensions ?? dimensions
  for (const [i, vector] of vectors.entries()) {
    const length = vector instanceof Float32Array ? vector.length : 0
    if (length === 0) throw wrong(provider, `no vector for ${label(indices[i])}`)
    if (length !== (expected ?? vectors[0].length)) {
      throw wrong(provider, `${length} values for ${label(indices[i])}, expected ${expected ?? vectors[0].length}`)
    }
    const bad = firstNonFinite(vector)
    if (bad >= 0) throw wrong(provider, `${vector[bad]} at position ${bad} of the vector for ${label(indices[i])}`)
  }
}

/**
 * The error for vectors of one embedding space that differ in length: some from the cache, others expected of the model now.
 */
export function changedModel(
  provider: EmbeddingProvider,
  space: string,
  cached: number,
  now: number,
): AdapterTrainError {
  return new AdapterTrainError(
    'VECTOR_INVALID',
    `the cache holds vectors of ${cached} values for ${provider.id}, the model now gives ${now}: the model behind this id ` +
      `has changed; prune the space "${space}" from the cache and embed again, or give the new model another base id`,
    { details: { provider: provider.id, space, cached, now } },
  )
}

function wrong(provider: EmbeddingProvider, found: string): AdapterTrainError {
  return new AdapterTrainError('PROVIDER_RESPONSE', `${provider.id} answered with ${found}`, {
    details: { provider: provider.id },
  })
}
