import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EmbeddingProvider } from '../../src/providers/provider.js'
import { rejection } from '../helpers/rejection.js'

const TEXTS = ['how can i pay my loan', 'cat', 'The bank, and the river: where is my card?', 'the dog', 'cat']

const UNUSUAL = [
  'a'.repeat(5000),
  'word '.repeat(3000),
  '🙂',
  '!!!',
  'naïve café, ﬁne',
  '銀行カードを失くしました',
  'שלום עולם',
  'line one\nline two\ttab',
  '\u200b',
]

/**
 * The tests that every provider passes.
 *
 * @param create makes a provider that needs no network
 * @param options.tolerance largest difference between a text's vectors alone and in a batch; 1e-6 by default
 */
export function providerContract(
  name: string,
  create: () => Promise<EmbeddingProvider> | EmbeddingProvider,
  { tolerance = 1e-6 }: { tolerance?: number } = {},
) {
  describe(`${name} provider`, () => {
    let provider: EmbeddingProvider
    beforeAll(async () => {
      provider = await create()
    })
    afterAll(() => provider?.close?.())

    it('has an id and cache keys of one line', () => {
      for (const text of [provider.id, provider.cacheKey('query'), provider.cacheKey('document')]) {
        expect(text).toMatch(/^\S[^\r\n]*$/)
      }
    })

    it('gives the same id and cache keys when it is made again', async () => {
      const again = await create()
      expect(again.id).toBe(provider.id)
      expect(again.cacheKey('query')).toBe(provider.cacheKey('query'))
      expect(again.cacheKey('document')).toBe(provider.cacheKey('document'))
      await again.close?.()
    })

    it('states limits that are positive integers', () => {
      expect(provider.limits.maxInputs).toBeGreaterThan(0)
      expect(provider.limits.maxConcurrency).toBeGreaterThan(0)
      for (const limit of Object.values(provider.limits)) expect(Number.isInteger(limit ?? 0)).toBe(true)
    })

    it('counts a positive number of tokens, and no fewer for a longer text', () => {
      const [short, long] = ['cat', 'the cat and the dog'].map(text => provider.countTokens(text))
      expect(short).toBeGreaterThan(0)
      expect(long).toBeGreaterThanOrEqual(short)
      expect(Number.isInteger(long)).toBe(true)
    })

    it('embeds no texts as no vectors', async () => {
      expect(await provider.embed([], 'query')).toEqual([])
    })

    it.each(['query', 'document'] as const)('gives one finite vector of `dimensions` values a %s', async role => {
      const vectors = await provider.embed(TEXTS, role)
      expect(vectors).toHaveLength(TEXTS.length)
      expect(provider.dimensions).toBeGreaterThan(0)
      for (const vector of vectors) {
        expect(vector).toBeInstanceOf(Float32Array)
        expect(vector).toHaveLength(provider.dimensions as number)
        expect(vector.every(Number.isFinite)).toBe(true)
        expect(vector.some(value => value !== 0)).toBe(true)
      }
    })

    it('gives different texts different vectors and equal texts equal ones', async () => {
      const vectors = await provider.embed(TEXTS, 'document')
      expect(vectors[4]).toEqual(vectors[1])
      expect(difference(vectors[0], vectors[1])).toBeGreaterThan(1e-3)
    })

    it('keeps the order of the texts, and a text its vector, whatever else is in the batch', async () => {
      const together = await provider.embed(TEXTS, 'document')
      for (const [i, text] of TEXTS.entries()) {
        const [alone] = await provider.embed([text], 'document')
        expect(difference(alone, together[i])).toBeLessThanOrEqual(tolerance)
      }
    })

    it('gives vectors that are the caller’s own', async () => {
      const [first] = await provider.embed(['cat'], 'query')
      const before = first.slice()
      first.fill(7)
      const [second, third] = await provider.embed(['cat', 'cat'], 'query')
      second.fill(8)
      expect(third).toEqual(before)
    })

    it('embeds texts of any script and length', async () => {
      for (const vector of await provider.embed(UNUSUAL, 'document')) {
        expect(vector).toHaveLength(provider.dimensions as number)
        expect(vector.every(Number.isFinite)).toBe(true)
      }
    })

    it('takes as many texts in one call as its limit says', async () => {
      const texts = Array.from({ length: provider.limits.maxInputs }, (_, i) => `card ${i}`)
      expect(await provider.embed(texts, 'document')).toHaveLength(texts.length)
    })

    it('rejects with ABORTED when the signal was aborted', async () => {
      const error = await rejection(provider.embed(['cat'], 'query', { signal: AbortSignal.abort() }))
      expect(error.code).toBe('ABORTED')
    })
  })
}

function difference(a: Float32Array, b: Float32Array): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])))
}
