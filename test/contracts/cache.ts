import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EmbeddingCache } from '../../src/cache/cache.js'

const hash = (text: string): Uint8Array => createHash('sha256').update(text).digest()
const entry = (text: string, ...values: number[]) => ({ textHash: hash(text), vector: Float32Array.from(values) })

/** What every {@link EmbeddingCache} must do; `open` gives an empty one. */
export function describeCacheContract(name: string, open: () => Promise<EmbeddingCache>): void {
  describe(`${name} keeps the contract of a cache`, () => {
    let cache: EmbeddingCache
    beforeEach(async () => {
      cache = await open()
    })
    afterEach(() => cache.close())

    it('knows nothing of a space that was never written', () => {
      expect(cache.get('s', [hash('a'), hash('b')])).toEqual([undefined, undefined])
      expect(cache.get('s', [])).toEqual([])
    })

    it('gives back what was stored, in the order that is asked for, with gaps for what is missing', () => {
      cache.set('s', [entry('a', 1, 2), entry('b', 3, 4)])
      expect(cache.get('s', [hash('b'), hash('?'), hash('a'), hash('b')])).toEqual([
        Float32Array.of(3, 4),
        undefined,
        Float32Array.of(1, 2),
        Float32Array.of(3, 4),
      ])
    })

    it('keeps every bit of a value', () => {
      const values = [0.1, -0, 1.401298464324817e-45, 3.4028234663852886e38, -1 / 3]
      cache.set('s', [entry('a', ...values)])
      const [stored] = cache.get('s', [hash('a')])
      expect(new Uint32Array(stored!.slice().buffer)).toEqual(new Uint32Array(Float32Array.from(values).buffer))
    })

    it('keeps spaces apart, each with a length of its own', () => {
      cache.set('s/query', [entry('a', 1, 2)])
      cache.set('s/document', [entry('a', 5, 6, 7)])
      cache.set('', [entry('a', 9)])
      expect(cache.get('s/query', [hash('a')])).toEqual([Float32Array.of(1, 2)])
      expect(cache.get('s/document', [hash('a')])).toEqual([Float32Array.of(5, 6, 7)])
      expect(cache.get('', [hash('a')])).toEqual([Float32Array.of(9)])
      expect(cache.get('s', [hash('a')])).toEqual([undefined])
    })

    it('keeps the first vector of a text', () => {
      cache.set('s', [entry('a', 1, 2), entry('a', 3, 4)])
      cache.set('s', [entry('a', 5, 6), entry('b', 7, 8)])
      expect(cache.get('s', [hash('a'), hash('b')])).toEqual([Float32Array.of(1, 2), Float32Array.of(7, 8)])
    })

    it('stores vectors and hashes that are views of a larger buffer', () => {
      const buffer = Float32Array.of(0, 1, 2, 3)
      const hashes = Buffer.concat([hash('x'), hash('a')])
      cache.set('s', [{ textHash: hashes.subarray(32), vector: buffer.subarray(1, 3) }])
      expect(cache.get('s', [hash('a')])).toEqual([Float32Array.of(1, 2)])
    })

    it('is not changed by a caller that writes to a vector that it gave or got', () => {
      const given = entry('a', 1, 2)
      cache.set('s', [given])
      given.vector[0] = 99
      cache.get('s', [hash('a')])[0]![1] = 99
      expect(cache.get('s', [hash('a')])).toEqual([Float32Array.of(1, 2)])
    })

    it('refuses a vector of another length than its space, with the remedy, and keeps nothing of the batch', () => {
      cache.set('s', [entry('a', 1, 2)])
      expect(() => cache.set('s', [entry('b', 3, 4), entry('c', 5, 6, 7)])).toThrow(
        expect.objectContaining({
          code: 'VECTOR_INVALID',
          message: expect.stringMatching(/wrong length; expected 2 values, found 3.*prune/),
        }),
      )
      expect(cache.get('s', [hash('b'), hash('c')])).toEqual([undefined, undefined])
    })

    it('refuses a first batch of unequal lengths without making the space', () => {
      expect(() => cache.set('s', [entry('a', 1, 2), entry('b', 3)])).toThrow(expect.objectContaining({ code: 'VECTOR_INVALID' }))
      cache.set('s', [entry('a', 1, 2, 3)])
      expect(cache.get('s', [hash('a')])).toEqual([Float32Array.of(1, 2, 3)])
    })

    it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses a vector that holds %d', value => {
      expect(() => cache.set('s', [entry('a', 1, 2), entry('b', 1, value)])).toThrow(
        expect.objectContaining({
          code: 'VECTOR_INVALID',
          message: expect.stringContaining(`position 1; expected a finite number, found ${value}`),
        }),
      )
      expect(cache.get('s', [hash('a'), hash('b')])).toEqual([undefined, undefined])
    })

    it('refuses an empty vector', () => {
      expect(() => cache.set('s', [entry('a')])).toThrow(expect.objectContaining({ code: 'VECTOR_INVALID' }))
    })

    it('refuses a text hash that is not 32 bytes long', () => {
      expect(() => cache.set('s', [{ textHash: new Uint8Array(31), vector: Float32Array.of(1) }])).toThrow(/31 bytes/)
    })

    it('takes an empty batch as nothing to do', () => {
      cache.set('s', [])
      cache.set('s', [entry('a', 1)])
      expect(cache.get('s', [hash('a')])).toEqual([Float32Array.of(1)])
    })

    it('can be closed twice', () => {
      cache.close()
      cache.close()
    })
  })
}
