import { endianness } from 'node:os'
import { crc32 } from 'node:zlib'
import { firstNonFinite } from '../math/matrix.js'

const LITTLE_ENDIAN_HOST = endianness() === 'LE'

/** One row of the `vectors` table, without its key. */
export interface StoredVector {
  readonly vector: Uint8Array
  readonly checksum: number
}

/**
 * The float32 values as little-endian bytes, whatever the host's own order.
 *
 * @param littleEndianHost the host's byte order; the bytes are a view of `vector` where it agrees, else a copy
 */
export function encodeVector(vector: Float32Array, littleEndianHost = LITTLE_ENDIAN_HOST): Uint8Array {
  if (littleEndianHost) return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  const bytes = new Uint8Array(vector.byteLength)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < vector.length; i++) view.setFloat32(4 * i, vector[i], true)
  return bytes
}

/**
 * The reverse of {@link encodeVector}.
 *
 * @param bytes a whole number of float32 values; the vector is a view of it where byte order and alignment allow
 */
export function decodeVector(bytes: Uint8Array, littleEndianHost = LITTLE_ENDIAN_HOST): Float32Array {
  const length = bytes.byteLength / 4
  if (littleEndianHost) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes)
    return new Float32Array(aligned.buffer as ArrayBuffer, aligned.byteOffset, length)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float32Array.from({ length }, (_, i) => view.getFloat32(4 * i, true))
}

/** CRC-32 over the text hash and the encoded vector, so that a vector under another text's key is found out too. */
export function vectorChecksum(textHash: Uint8Array, bytes: Uint8Array): number {
  return crc32(bytes, crc32(textHash))
}

/** What is wrong with a stored row, one sentence without a full stop; `undefined` for a sound one. */
export function storedVectorProblem(
  stored: StoredVector,
  textHash: Uint8Array,
  dimensions: number,
): string | undefined {
  const { vector, checksum } = stored
  if (vector.byteLength !== 4 * dimensions) {
    return `holds ${vector.byteLength} bytes, expected ${4 * dimensions} for ${dimensions} dimensions`
  }
  if (vectorChecksum(textHash, vector) !== checksum) return 'does not match its checksum'
  const bad = firstNonFinite(decodeVector(vector))
  return bad < 0 ? undefined : `value ${bad} is not a finite number`
}
