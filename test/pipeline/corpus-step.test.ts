import { describe, expect, test } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import { createRandom } from '../../src/math/random.js'
import { adapterWithoutLabels, embedCorpus, refreshTerms } from '../../src/pipeline/corpus-step.js'
import { createProvider } from '../../src/providers/index.js'

/** Documents of random words, so many that a table has more than 1,000 rows. */
function corpusOf(documents: number, seed = 1): Map<string, string> {
  const random = createRandom(seed)
  const word = () => `word${random.int(400)}`
  return new Map(Array.from({ length: documents }, (_, i) => [`d${i}`, Array.from({ length: 12 }, word).join(' ')] as const))
}

const provider = await createProvider('hashing', { dimensions: 64 })
const embed = (corpus: ReadonlyMap<string, string>) => embedCorpus(provider, corpus, {})

describe('an adapter without labels', () => {
  test('leaves the vector as it is, mixes words in and says that it is unproven', async () => {
    const adapter = adapterWithoutLabels(provider, await embed(corpusOf(200)))
    expect(adapter).toMatchObject({
      base: { id: provider.id, dimensions: 64 },
      terms: { source: 'words', alpha: 0.2, proven: false, corpus: { documents: 200 } },
      training: { gate: { passed: false }, options: { labels: 'none' } },
    })
    const q = Float32Array.from({ length: 64 }, (_, j) => j / 100)
    expect([...applyAdapter(adapter, q)]).toEqual([...q])
    expect([...applyAdapter(adapter, q, 'word3 word4')]).not.toEqual([...applyAdapter(adapter, q, 'word5')])
  })

  test('is refused for a corpus of few words, and for none', async () => {
    const small = await embed(new Map([['a', 'card arrival']]))
    expect(() => adapterWithoutLabels(provider, small)).toThrow(
      expect.objectContaining({ code: 'TRAIN_DATA', message: expect.stringContaining('found 3') }),
    )
    await expect(embed(new Map())).rejects.toMatchObject({ code: 'DATASET_INVALID' })
  })
})

describe('a refresh', () => {
  test('makes the terms anew from the documents of today, and keeps everything else', async () => {
    const before = adapterWithoutLabels(provider, await embed(corpusOf(200)))
    const grown = new Map([...corpusOf(200), ['new', 'entirely unheard subject']])
    const after = refreshTerms(before, await embed(grown))
    expect(after.params).toBe(before.params)
    expect(after.terms).toMatchObject({ alpha: 0.2, proven: false, corpus: { documents: 201 } })
    expect(after.terms!.corpus.sha256).not.toBe(before.terms!.corpus.sha256)
    const q = new Float32Array(64).fill(0.1)
    const [was, is] = [before, after].map(adapter => applyAdapter(adapter, q, 'unheard'))
    was.forEach((value, j) => {
      expect(value).toBeCloseTo(0.125, 6)
      expect(Number.isFinite(is[j])).toBe(true)
    })
    expect([...is]).not.toEqual([...was])
  })

  test('of the same documents changes nothing', async () => {
    const before = adapterWithoutLabels(provider, await embed(corpusOf(200)))
    const after = refreshTerms(before, await embed(corpusOf(200)))
    const q = new Float32Array(64).fill(0.1)
    expect([...applyAdapter(after, q, 'word3 word4')]).toEqual([...applyAdapter(before, q, 'word3 word4')])
    expect(after.terms!.corpus.sha256).toBe(before.terms!.corpus.sha256)
  })

  test('needs terms', async () => {
    const documents = await embed(corpusOf(200))
    const { terms: _, ...linear } = adapterWithoutLabels(provider, documents)
    expect(() => refreshTerms(linear, documents)).toThrow(expect.objectContaining({ code: 'ADAPTER_FORMAT' }))
  })
})
