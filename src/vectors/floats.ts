import { endianness } from 'node:os'
import { fromFloat16Bits } from '../math/bytes.js'

const LITTLE_ENDIAN_HOST = endianness() === 'LE'

/** Type of the floating-point numbers (IEEE 754) in a file. */
export type FloatType = { readonly bytes: 2 | 4 | 8; readonly littleEndian: boolean }

/**
 * Decodes values of a file into `out`, from `at` on, rounded to float32: a float64 above 3.4e38 is infinite.
 * @param bytes for float32 the memory of `out` itself
 */
export function decodeFloats(bytes: Buffer<ArrayBufferLike>, type: FloatType, out: Float32Array, at: number): void {
  if (type.littleEndian !== LITTLE_ENDIAN_HOST) swap(bytes, type.bytes)
  const count = bytes.length / type.bytes
  if (type.bytes === 8) out.set(new Float64Array(bytes.buffer, bytes.byteOffset, count), at)
  else if (type.bytes === 2) decodeHalves(new Uint16Array(bytes.buffer, bytes.byteOffset, count), out, at)
}

function swap(bytes: Buffer<ArrayBufferLike>, width: FloatType['bytes']): void {
  if (width === 2) bytes.swap16()
  else if (width === 4) bytes.swap32()
  else bytes.swap64()
}

/** Encodes values as little-endian float32: a view of `values` if the host has that byte order, else a copy. */
export function littleEndianBytes(values: Float32Array, littleEndianHost = LITTLE_ENDIAN_HOST): Buffer {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  return littleEndianHost ? bytes : Buffer.from(bytes).swap32()
}

/** Every float16 as a float32, by its bits. */
let halfTable: Float32Array | undefined

function decodeHalves(halves: Uint16Array, out: Float32Array, at: number): void {
  halfTable ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => fromFloat16Bits(bits))
  for (let i = 0; i < halves.length; i++) out[at + i] = halfTable[halves[i]]
}
