import { AdapterTrainError } from '../errors.js'

/**
 * The vectors of an answer of OpenAI's embeddings protocol, in the order of the texts.
 *
 * Takes base64 and lists of numbers, since some servers ignore the format that was asked for.
 *
 * @param answer the parsed body
 * @param name the provider and model, for the error
 * @throws PROVIDER_RESPONSE when the answer has no `data`, when its indices are not 0 to n-1, or when base64 is broken
 */
export function openaiVectors(answer: unknown, name: string): unknown[] {
  const fail = (message: string): never => {
    throw new AdapterTrainError('PROVIDER_RESPONSE', `${name}: ${message}`)
  }
  const data = (answer as { data?: unknown } | null | undefined)?.data
  if (!Array.isArray(data))
    return fail('the answer has no list "data"; check that the base URL ends as the server wants, often in /v1')
  const vectors = new Map<unknown, unknown>()
  for (const item of data as ({ index?: unknown; embedding?: unknown } | null)[]) {
    const embedding = item?.embedding
    const vector = typeof embedding === 'string' ? decodeFloat32(embedding) : embedding
    if (vector === undefined)
      return fail(`the embedding with index ${item?.index} is missing or is not base64 of float32 values`)
    vectors.set(item?.index, vector)
  }
  return data.map((_, index) => {
    if (!vectors.has(index))
      return fail(`expected the indices 0 to ${data.length - 1}, each once; index ${index} is missing`)
    return vectors.get(index)
  })
}

/** Little-endian float32 values, `undefined` where the text is not base64 of whole values. */
function decodeFloat32(base64: string): Float32Array | undefined {
  const digits = base64.replace(/=+$/, '').length
  const bytes = Buffer.from(base64, 'base64')
  // Node skips characters that are not base64, so a shorter result shows them.
  if (bytes.length !== Math.floor((digits * 3) / 4) || bytes.length % 4 !== 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const vector = new Float32Array(bytes.length / 4)
  for (let i = 0; i < vector.length; i++) vector[i] = view.getFloat32(i * 4, true)
  return vector
}
