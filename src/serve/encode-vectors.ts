import { endianness } from 'node:os'

/** How vectors are written into an answer. */
export type Encoding = 'float' | 'base64'

/**
 * The JSON of a vector: a list of numbers that read back as the same float32 values, or a string of little-endian float32 values
 * in base64, which is a thirtieth of the work.
 */
export function encodeVector(vector: Float32Array, encoding: Encoding): string {
  return encoding === 'base64' ? `"${toBase64(vector)}"` : `[${vector.join(',')}]`
}

function toBase64(vector: Float32Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)
  return (endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32()).toString('base64')
}
