/** Decodes base64. Needs no Node API. @throws DOMException if the text is not base64 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

/** Reads little-endian numbers of 4 bytes (float32) or 2 (float16). */
export function readFloats(bytes: Uint8Array, size: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Float32Array.from({ length: bytes.length / size }, (_, i) =>
    size === 4 ? view.getFloat32(4 * i, true) : fromFloat16Bits(view.getUint16(2 * i, true)),
  )
}

/** Decodes the bits of a float16 (IEEE 754 binary16). */
export function fromFloat16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}

/** Encodes the nearest float16, ties to even; infinite from 65,520. */
export function toFloat16Bits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (Number.isNaN(size)) return 0x7e00
  if (size >= 65520) return sign | 0x7c00
  // Between two powers of two the float16 are evenly spaced; below 2^-14 they keep the spacing of the last normal ones.
  const exponent = Math.max(-14, Math.floor(Math.log2(size)))
  const steps = roundToEven(size * 2 ** (10 - exponent))
  // 2048 steps are the next power of two, whose bits follow on.
  return sign | ((exponent + 14) * 1024 + steps)
}

function roundToEven(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
}
