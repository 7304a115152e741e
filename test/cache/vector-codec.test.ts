import { describe, expect, it } from 'vitest'
import { decodeVector, encodeVector, storedVectorProblem, vectorChecksum } from '../../src/cache/vector-codec.js'

const LITTLE_ENDIAN = Uint8Array.of(0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0) // 1, -2

describe('the vector codec', () => {
  it.each([true, false])('writes and reads little-endian bytes (little-endian host: %s)', littleEndianHost => {
    // On one machine both paths can run, because the second one names the byte order of every value.
    expect(encodeVector(Float32Array.of(1, -2), littleEndianHost)).toEqual(LITTLE_ENDIAN)
    expect(decodeVector(LITTLE_ENDIAN, littleEndianHost)).toEqual(Float32Array.of(1, -2))
  })

  it.each([true, false])('reads and writes in the middle of a buffer, aligned or not (little-endian host: %s)', host => {
    for (const offset of [1, 4]) {
      const bytes = new Uint8Array(16)
      bytes.set(LITTLE_ENDIAN, offset)
      expect(decodeVector(bytes.subarray(offset, offset + 8), host)).toEqual(Float32Array.of(1, -2))
    }
    expect(encodeVector(Float32Array.of(7, 1, -2, 7).subarray(1, 3), host)).toEqual(LITTLE_ENDIAN)
  })

  it('finds a wrong length, a flipped bit, a swapped key and a value that is not finite', () => {
    const key = new Uint8Array(32).fill(1)
    const checksum = vectorChecksum(key, LITTLE_ENDIAN)
    expect(storedVectorProblem({ vector: LITTLE_ENDIAN, checksum }, key, 2)).toBeUndefined()
    expect(storedVectorProblem({ vector: LITTLE_ENDIAN, checksum }, key, 3)).toContain(
      'expected 12 bytes for 3 dimensions, found 8',
    )
    const flipped = LITTLE_ENDIAN.slice()
    flipped[2] ^= 1
    expect(storedVectorProblem({ vector: flipped, checksum }, key, 2)).toContain('checksum')
    expect(storedVectorProblem({ vector: LITTLE_ENDIAN, checksum }, new Uint8Array(32), 2)).toContain('checksum')
    const infinite = encodeVector(Float32Array.of(1, Number.POSITIVE_INFINITY))
    expect(storedVectorProblem({ vector: infinite, checksum: vectorChecksum(key, infinite) }, key, 2)).toContain(
      'value at position 1',
    )
  })
})
