import { AdapterTrainError } from '../errors.js'

/**
 * Checks that an answer holds one vector a text, all finite and of one length.
 *
 * @param vectors what the service answered, in the order of the texts
 * @param count number of texts
 * @param dimensions length of a vector where it is known
 * @param name the provider and model, for the error
 * @returns the vectors as float32
 * @throws PROVIDER_RESPONSE when a vector is missing, empty, not finite, or of another length
 */
export function checkVectors(
  vectors: unknown,
  count: number,
  dimensions: number | undefined,
  name: string,
): Float32Array[] {
  const fail = (message: string): never => {
    throw new AdapterTrainError('PROVIDER_RESPONSE', `${name}: ${message}`)
  }
  if (!Array.isArray(vectors)) return fail(`expected a list of ${count} vectors, found ${typeof vectors}`)
  if (vectors.length !== count) return fail(`expected ${count} vectors, one for each text, found ${vectors.length}`)
  let length = dimensions
  return vectors.map((values: unknown, i) => {
    if (!(Array.isArray(values) || values instanceof Float32Array) || values.length === 0) {
      return fail(`the vector of text ${i + 1} of ${count} is empty or not a list of numbers`)
    }
    length ??= values.length
    if (values.length !== length) {
      return fail(
        `the vector of text ${i + 1} of ${count} has ${values.length} values, expected ${length}` +
          (dimensions === undefined ? '' : '; a server may ignore the option dimensions, or serve another model'),
      )
    }
    const vector = new Float32Array(length)
    for (let j = 0; j < length; j++) {
      // Servers write NaN as null, which a typed array would take for 0.
      vector[j] = typeof values[j] === 'number' ? values[j] : Number.NaN
      if (!Number.isFinite(vector[j]))
        return fail(`value ${j + 1} of the vector of text ${i + 1} of ${count} is not finite`)
    }
    return vector
  })
}
