import { describe, expect, it } from 'vitest'
import { dot, norm } from '../../src/math/matrix.js'
import { hashing, murmur3 } from '../../src/providers/hashing.js'
import { providerContract } from '../contracts/provider.js'
import { rejection } from '../helpers/rejection.js'

providerContract('hashing', () => hashing.create({}))
providerContract('hashing with two dimensions', () => hashing.create({ dimensions: 2 }))

const embed = async (texts: string[], dimensions?: number) => (await hashing.create({ dimensions })).embed(texts, 'document')
const cosine = async (a: string, b: string) => {
  const [x, y] = await embed([a, b])
  return dot(x, y)
}

describe('murmur3', () => {
  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['hello', 0, 0x248bfa47],
    ['hello, world', 0, 0x149bbb7f],
    ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ])('hashes %j with seed %d as published', (text, seed, expected) => {
    expect(murmur3(new TextEncoder().encode(text), seed)).toBe(expected)
  })

  it('hashes a part of an array like that part alone', () => {
    const bytes = new TextEncoder().encode('say hello, world')
    expect(murmur3(bytes, 0, 4, 9)).toBe(0x248bfa47)
  })
})

describe('hashing', () => {
  it('names the space by its features and size, and costs nothing', async () => {
    const provider = await hashing.create({ dimensions: 64 })
    expect(provider.id).toBe('hashing/words+char3-5@64')
    expect(provider.dimensions).toBe(64)
    expect(provider.price).toBe(0)
    expect((await hashing.create({})).id).toBe('hashing/words+char3-5@512')
    expect(provider.cacheKey('query')).toBe(provider.cacheKey('document'))
  })

  it('lets baseId name the space but not mix up what is cached', async () => {
    const provider = await hashing.create({ dimensions: 64, baseId: 'mine' })
    expect(provider.id).toBe('mine')
    expect(provider.cacheKey('query')).toBe((await hashing.create({ dimensions: 64 })).cacheKey('query'))
  })

  it('gives the same vector on every machine', async () => {
    // One word of two letters has the word and the n-grams <ab, ab>, <ab>: hashes worked out with murmur3 above.
    const bytes = (text: string) => new TextEncoder().encode(text)
    const expected = new Float32Array(16)
    const put = (hash: number, weight: number) => {
      expected[(hash % 2 ** 31) % 16] += hash >= 2 ** 31 ? -weight : weight
    }
    for (const gram of ['<ab', 'ab>', '<ab>']) put(murmur3(bytes(gram), 0), 1)
    put(murmur3(bytes('ab'), 1), 2)
    const length = norm(expected)
    const [vector] = await embed(['ab'], 16)
    vector.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] / length, 6)
    })
  })

  it('counts a repeated word as 1 + ln(tf)', async () => {
    const [x] = await embed(['ab ab ab cd'], 65_536)
    const weights = [...new Set(Array.from(x, value => Math.abs(value)).filter(value => value > 0))].sort((a, b) => b - a)
    // The word ab, the word cd, n-grams of ab, n-grams of cd.
    const tf = 1 + Math.log(3)
    expect(weights).toHaveLength(4)
    for (const [i, ratio] of [1, 2 / (2 * tf), tf / (2 * tf), 1 / (2 * tf)].sort((a, b) => b - a).entries()) {
      expect(weights[i] / weights[0]).toBeCloseTo(ratio, 5)
    }
  })

  it('ignores case, compatibility forms and punctuation', async () => {
    const [a, b, c] = await embed(['lost my card', 'LOST, my “Card”!', 'ｌｏｓｔ my card'])
    expect(b).toEqual(a)
    expect(c).toEqual(a)
  })

  it('finds words that share a stem or have a typing error close, and others not', async () => {
    const related = await cosine('refunded payments', 'refund payment')
    const typing = await cosine('transfer', 'tranfser')
    const unrelated = await cosine('refunded payments', 'my cat sleeps')
    expect(related).toBeGreaterThan(0.4)
    expect(typing).toBeGreaterThan(0.2)
    expect(Math.abs(unrelated)).toBeLessThan(0.15)
  })

  it('finds related texts without spaces between words close', async () => {
    const related = await cosine('カードを失くしました', '銀行のカードを失くした')
    const unrelated = await cosine('カードを失くしました', '明日天気')
    expect(related).toBeGreaterThan(0.4)
    expect(unrelated).toBeLessThan(0.2)
    expect(await cosine('потеряли карту', 'потерял карту')).toBeGreaterThan(0.5)
  })

  it('splits words of a spaced script from characters beside them', async () => {
    expect(await cosine('visa', 'visaカード')).toBeGreaterThan(0.5)
  })

  it('gives vectors of length 1, also to texts without a word', async () => {
    const texts = ['hello', '!!!', '🙂🙂', '\u200b', '?', 'a', '  .  ']
    for (const vector of await embed(texts, 3)) expect(norm(vector)).toBeCloseTo(1, 6)
    const [a, b] = await embed(['!!!', '???'])
    expect(a).not.toEqual(b)
  })

  it('gives a vector of length 1 where all features cancel out', async () => {
    const texts = Array.from({ length: 500 }, (_, i) => `w${i}`)
    for (const vector of await embed(texts, 1)) expect(Math.abs(vector[0])).toBe(1)
  })

  it.each([0, -1, 1.5, Number.NaN, 65_537])('refuses %d dimensions', async dimensions => {
    const error = await rejection(hashing.create({ dimensions }))
    expect(error.code).toBe('USAGE')
    expect(error.message).toContain(String(dimensions))
  })

  it('embeds twenty thousand short texts in seconds', async () => {
    const texts = Array.from({ length: 20_000 }, (_, i) => `how do i get the fee of transfer ${i} back on my card`)
    const start = performance.now()
    await embed(texts)
    expect(performance.now() - start).toBeLessThan(15_000)
  })
})
