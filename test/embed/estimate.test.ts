import { describe, expect, it } from 'vitest'
import { memoryCache } from '../../src/cache/memory-cache.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { estimateEmbedding } from '../../src/embed/estimate.js'
import { fakeProvider } from './fake-provider.js'

const texts = ['a b c', 'd', 'a b c', 'e f']

describe('estimateEmbedding', () => {
  it('counts each distinct text once and sends nothing', async () => {
    const provider = fakeProvider({ price: 2 })
    expect(await estimateEmbedding(provider, texts, 'document')).toEqual({
      texts: 4,
      unique: 3,
      cached: 0,
      missing: 3,
      tokens: 6,
      cost: 0.000012,
    })
    expect(provider.calls).toEqual([])
  })

  it('leaves out what the cache has, in this role', async () => {
    const cache = memoryCache()
    const provider = fakeProvider({ price: 2 })
    await embedTexts(provider, ['a b c'], 'document', { cache })
    expect(await estimateEmbedding(provider, texts, 'document', cache)).toMatchObject({
      cached: 1,
      missing: 2,
      tokens: 3,
    })
    expect(await estimateEmbedding(provider, texts, 'query', cache)).toMatchObject({ cached: 0, missing: 3, tokens: 6 })
  })

  it('says nothing of the cost where the price is not known, and 0 where it is free', async () => {
    expect(await estimateEmbedding(fakeProvider(), texts, 'document')).not.toHaveProperty('cost')
    expect(await estimateEmbedding(fakeProvider({ price: 0 }), texts, 'document')).toHaveProperty('cost', 0)
  })

  it('agrees with what embedTexts then sends', async () => {
    const { missing, tokens } = await estimateEmbedding(fakeProvider(), texts, 'document')
    const { stats } = await embedTexts(fakeProvider(), texts, 'document')
    expect([stats.misses, stats.tokens]).toEqual([missing, tokens])
  })
})
