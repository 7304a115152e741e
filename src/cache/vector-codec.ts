import { endianness } from 'node:os'
import { crc32 } from 'node:zlib'
import { firstNonFinite } from '../math/matrix.js'

const LITTLE_ENDIAN_HOST = endianness() === 'LE'

/** Row of the `vectors` table, without its key. */
export type StoredVector = { readonly vector: Uint8Array; readonly checksum: number }

/** Encodes float32 values as little-endian bytes, a view of `vector` if `littleEndianHost`, else a copy. */
export function encodeVector(vector: Float32Array, littleEndianHost = LITTLE_ENDIAN_HOST): Uint8Array {
  if (littleEndianHost) return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  const bytes = new Uint8Array(vector.byteLength)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < vector.length; i++) view.setFloat32(4 * i, vector[i], true)
  return bytes
}

/** Decodes whole float32 values: a view of the bytes if byte order and alignment allow. */
export function decodeVector(bytes: Uint8Array, littleEndianHost = LITTLE_ENDIAN_HOST): Float32Array {
  const length = bytes.byteLength / 4
  if (littleEndianHost) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes)
    return new Float32Array(aligned.buffer as ArrayBuffer, aligned.byteOffset, length)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float32Array.from({ length }, (_, i) => view.getFloat32(4 * i, true))
}

/** Computes the CRC-32 over text hash and encoded vector, to also detect a vector under another text's key. */
export const vectorChecksum = (textHash: Uint8Array, bytes: Uint8Array): number => crc32(bytes, crc32(textHash))

/** Describes the problem of a stored row; `undefined` for a sound one. */
export function storedVectorProblem({ vector, checksum }: StoredVector, textHash: Uint8Array, dimensions: number) {
  if (vector.byteLength !== 4 * dimensions) {
    return `has a wrong length; expected ${4 * dimensions} bytes for ${dimensions} dimensions, found ${vector.byteLength}`
  }
  if (vectorChecksum(textHash, vector) !== checksum) return 'does not match its checksum'
  const bad = firstNonFinite(decodeVector(vector))
  return bad < 0 ? undefined : `has a value at position ${bad} that is not a finite number`
}
