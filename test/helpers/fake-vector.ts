import { createHash } from 'node:crypto'
import { createRandom } from '../../src/math/random.js'

/**
 * A vector of length 1 that depends on the text alone: the sum of one fixed vector for each of its words, so texts that
 * share words are near each other, and a little of the whole text, so no two texts have the same vector.
 *
 * Component i does not depend on `dimensions`: a shorter vector is the start of a longer one, scaled to length 1.
 */
export function fakeVector(text: string, dimensions: number): Float32Array {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const sum = new Float64Array(dimensions)
  for (const word of words) addHash(sum, word, 1)
  addHash(sum, `text ${text}`, 0.2)
  const norm = Math.sqrt(sum.reduce((total, value) => total + value * value, 0))
  return Float32Array.from(sum, value => value / norm)
}

/** What the fake services bill for a text: a token for every four characters begun. */
export function fakeTokens(text: string): number {
  return Math.ceil(text.length / 4)
}

function addHash(sum: Float64Array, text: string, weight: number): void {
  const random = createRandom(createHash('sha256').update(text).digest().readUInt32LE())
  for (let i = 0; i < sum.length; i++) sum[i] += weight * (2 * random.next() - 1)
}
