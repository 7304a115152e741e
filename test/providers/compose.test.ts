import { expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { decodeAdapter, encodeAdapter } from '../../src/adapters/file.js'
import { hashText } from '../../src/cache/cache.js'
import { memoryCache } from '../../src/cache/memory-cache.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { costOfTexts, type EmbeddingEstimate, estimateEmbedding } from '../../src/embed/estimate.js'
import { verifyCached } from '../../src/embed/verify.js'
import { matrix, norm, normalizeInPlace } from '../../src/math/matrix.js'
import { project } from '../../src/math/projection.js'
import { composeProviders } from '../../src/providers/compose.js'
import { customProvider } from '../../src/providers/custom.js'
import { createProvider } from '../../src/providers/index.js'
import { fitPca } from '../../src/train/pca.js'
import { openEmbedder } from '../../src/wrap/open-embedder.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { providerContract } from '../contracts/provider.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

const part = ['hashing?dimensions=32', 'hashing?dimensions=48']
providerContract('compose', () => createProvider('compose', { part }))

const counted = (id: string, length: number) => {
  const asked: string[] = []
  const embed = (texts: string[]) => {
    asked.push(...texts)
    return texts.map(text => Array.from({ length }, (_, j) => 3 * Math.cos(text.length + j * length)))
  }
  return { asked, provider: customProvider({ id, dimensions: length, embed }) }
}

test('the vector is that of each part at unit length, one after the other, and its facts open it again', async () => {
  const composed = await createProvider('compose', { part })
  const [vector] = await composed.embed(['the fee of my card'], 'document')
  expect(composed.dimensions).toBe(80)
  expect(composed.facts).toEqual({ name: 'compose', part })
  for (const [i, [from, to]] of [
    [0, 32],
    [32, 80],
  ].entries()) {
    const own = await createProvider('hashing', { dimensions: [32, 48][i] })
    const [expected] = await own.embed(['the fee of my card'], 'document')
    expect(vector.slice(from, to)).toEqual(expected)
  }
  const [a, b] = [counted('acme/a', 4), counted('acme/b', 6)]
  const [joined] = await composeProviders([a.provider, b.provider]).embed(['x'], 'query')
  expect(norm(joined.subarray(0, 4))).toBeCloseTo(1, 6)
  expect(norm(joined.subarray(4))).toBeCloseTo(1, 6)
})

test('the cache keeps the parts: a text that one model has embedded before is not embedded again', async () => {
  const cache = memoryCache()
  const [a, b] = [counted('acme/a', 4), counted('acme/b', 6)]
  await embedTexts(a.provider, ['one', 'two'], 'document', { cache })
  const composed = composeProviders([a.provider, b.provider])
  const first = await embedTexts(composed, ['one', 'two', 'three'], 'document', { cache })
  expect(a.asked.toSorted()).toEqual(['one', 'three', 'two'])
  expect(b.asked.toSorted()).toEqual(['one', 'three', 'two'])
  const again = await embedTexts(composed, ['one', 'two', 'three'], 'document', { cache })
  expect(again.stats).toMatchObject({ hits: 3, misses: 0 })
  expect(again.vectors).toEqual(first.vectors)
  await embedTexts(b.provider, ['two'], 'document', { cache })
  expect(b.asked).toHaveLength(3)
  // A request without the cache is one: what is verified is embedded again, and what is not to be stored is not.
  await verifyCached(composed, { query: [], document: ['one', 'two', 'three'] }, cache, { count: 3, seed: 1 })
  expect([a.asked, b.asked].map(({ length }) => length)).toEqual([6, 6])
  await embedTexts(composed, ['four'], 'document')
  expect(cache.get(b.provider.cacheKey('document'), [hashText('four')])).toEqual([undefined])
})

test.each([
  [['hashing'], 'two or more different models'],
  [['hashing', 'hashing'], 'two or more different models'],
  [['hashing', 'compose'], 'PROVIDER:MODEL'],
  [['hashing', 'hashing?dimension=3'], 'PROVIDER:MODEL'],
])('refuses the parts %j', async (given, message) => {
  await expect(createProvider('compose', { part: given })).rejects.toThrow(message)
})

test('an adapter file names the parts, and openEmbedder opens them again', async () => {
  const composed = await createProvider('compose', { part })
  const adapter: Adapter = {
    ...sampleAdapter('linear', 80),
    base: { id: composed.id, dimensions: 80, normalized: false, provider: composed.facts },
  }
  const embedder = await openEmbedder(decodeAdapter(encodeAdapter(adapter)))
  const [vector] = await composed.embed(['the fee of my card'], 'query')
  expect(await embedder.embedQuery('the fee of my card')).toEqual(Array.from(applyAdapter(adapter, vector)))
  const wrong = { ...adapter, base: { ...adapter.base, provider: { name: 'compose', part: 'hashing' as never } } }
  await expect(openEmbedder(wrong)).rejects.toThrow(/"base.provider.part": expected a list/)
})

test('a projection reduces queries as they are and documents to unit length, and the cache still keeps the parts', async () => {
  const [a, b] = [counted('acme/a', 4), counted('acme/b', 6)]
  const whole = composeProviders([a.provider, b.provider])
  const texts = Array.from({ length: 30 }, (_, i) => 'x'.repeat(i + 1))
  const cache = memoryCache()
  const { vectors } = await embedTexts(whole, texts, 'document', { cache })
  const pca = await fitPca(vectors, 3)
  const reduced = composeProviders([a.provider, b.provider], { pca })
  expect(reduced).toMatchObject({ dimensions: 3, facts: { name: 'custom', pca } })
  expect(reduced.id).toMatch(/^compose\/acme\/a\+acme\/b@3\?pca=[0-9a-f]{8}$/)
  const documents = await embedTexts(reduced, texts, 'document', { cache })
  expect(documents.stats).toMatchObject({ hits: 30, misses: 0 })
  expect(documents.vectors.data.slice(0, 3)).toEqual(normalizeInPlace(project(pca, vectors.data.subarray(0, 10))))
  const [query] = await reduced.embed(['xx'], 'query')
  expect(query).toEqual(project(pca, (await whole.embed(['xx'], 'query'))[0]))
  const other = await fitPca(
    matrix(
      20,
      10,
      Float32Array.from({ length: 200 }, (_, i) => Math.sin(i * i)),
    ),
    3,
  )
  expect(composeProviders([a.provider, b.provider], { pca: other }).id).not.toBe(reduced.id)
  expect(() => composeProviders([a.provider, counted('acme/c', 5).provider], { pca })).toThrow(
    /expected a projection of 9 dimensions, found one of 10/,
  )
})

test('reduced documents are the same from the cache, though no part tells the roles apart', async () => {
  const parts = await Promise.all([32, 48].map(dimensions => createProvider('hashing', { dimensions })))
  const texts = ['Resetting a card PIN', 'Fees of a card', 'Lost and stolen cards', 'Opening hours']
  const { vectors } = await embedTexts(composeProviders(parts), texts, 'document')
  const reduced = composeProviders(parts, { pca: await fitPca(vectors, 2) })
  const cache = memoryCache()
  for (const role of ['document', 'query'] as const) {
    const first = await embedTexts(reduced, texts, role)
    await embedTexts(reduced, texts, role, { cache })
    const { vectors, stats } = await embedTexts(reduced, texts, role, { cache })
    expect(stats).toMatchObject({ hits: 4, misses: 0 })
    expect(vectors).toEqual(first.vectors)
  }
})

test('an adapter file with a projection opens or reduces the model, embeds further documents alike, and refuses another', async () => {
  const parts = await Promise.all([32, 48].map(dimensions => createProvider('hashing', { dimensions })))
  const texts = Array.from({ length: 40 }, (_, i) => `the fee of card ${i}, and ${i % 7} more`)
  const { vectors } = await embedTexts(composeProviders(parts), texts, 'document')
  const pca = await fitPca(vectors, 12)
  const reduced = await createProvider('compose', { part, pca })
  const adapter: Adapter = {
    ...sampleAdapter('low-rank', 12),
    base: { id: reduced.id, dimensions: 12, normalized: false, provider: reduced.facts },
  }
  const file = decodeAdapter(encodeAdapter(adapter))
  const [asked, added] = ['which fee?', 'a document that came later']
  const [query] = await reduced.embed([asked], 'query')
  const [document] = await reduced.embed([added], 'document')
  for (const embedder of [await openEmbedder(file), wrapEmbedder(composeProviders(parts), file)]) {
    expect(await embedder.embedQuery(asked)).toEqual(Array.from(applyAdapter(adapter, query)))
    expect(await embedder.embedDocuments([added])).toEqual([Array.from(document)])
    expect([embedder.id, embedder.dimensions]).toEqual([reduced.id, 12])
  }
  // An embedder of the user's own, which puts the vectors of the parts side by side.
  const embedQuery = async (text: string) => Array.from((await composeProviders(parts).embed([text], 'query'))[0])
  const embedDocuments = (texts: string[]) => Promise.all(texts.map(embedQuery))
  const own = wrapEmbedder({ embedQuery, embedDocuments }, file)
  const close = (found: readonly number[], expected: ArrayLike<number>) =>
    found.forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i], 5)
    })
  close(await own.embedQuery(asked), applyAdapter(adapter, query))
  close((await own.embedDocuments([added]))[0], document)

  const another = await createProvider('compose', { part, pca: await fitPca(vectors, 11) })
  expect(() => wrapEmbedder(another, file)).toThrow(/trained on "compose\/.*@12\?pca=.*, but the provider is "compose/)
  expect(() => wrapEmbedder(composeProviders(parts.toReversed()), file)).toThrow(/trained on "compose/)
  const broken = {
    ...file,
    base: { ...file.base, provider: { ...reduced.facts!, pca: { ...pca, shape: [12, 79] as const } } },
  }
  await expect(openEmbedder(broken as Adapter)).rejects.toThrow(/"base.provider.pca" must be/)
})

test('a key goes to parts of one service alone, and to none without keys', async () => {
  const open = (parts: readonly string[], apiKey: string) => createProvider('compose', { part: parts, apiKey })
  const services = ['openai:text-embedding-3-small', 'hashing', 'cohere:embed-v4.0']
  await expect(open(services, 'sk-1234567890')).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/one for openai and cohere\. Set OPENAI_API_KEY and CO_API_KEY or COHERE_API_KEY/),
  })
  // An estimate.
  expect((await open(services, 'none')).id).toContain('cohere')
  expect((await open(['openai', 'openai:text-embedding-3-large', 'hashing'], 'sk-1234567890')).dimensions).toBe(1536 + 3072 + 512)
})

test.each([undefined, memoryCache()])('a part that has answered is not asked again when another fails', async cache => {
  const asked: string[] = []
  let failures = 1
  const part = (name: string, embed: (texts: string[]) => Promise<number[][]>) =>
    customProvider({
      id: `acme/${name}`,
      embed: texts => {
        asked.push(name)
        return embed(texts)
      },
    })
  const busy = part('busy', async texts => {
    if (failures-- > 0) throw Object.assign(new Error('busy'), { status: 429 })
    return texts.map(() => [1, 0])
  })
  let answered = 0
  const slow = part('slow', async texts => {
    await new Promise(resolve => setTimeout(resolve, 50))
    answered++
    return texts.map(() => [0, 1])
  })
  const composed = composeProviders([busy, slow])
  const options = { cache, sleep: async () => undefined }
  const { vectors } = await embedTexts(composed, ['one', 'two'], 'document', options)
  expect(Array.from(vectors.data)).toEqual([1, 0, 0, 1, 1, 0, 0, 1])
  expect(asked).toEqual(['busy', 'slow', 'busy'])
  failures = 9
  await expect(embedTexts(composed, ['three'], 'document', { ...options, retries: 0 })).rejects.toThrow('busy')
  expect(answered).toBe(2)
})

test('limits and costs are of each part by its own tokens, and of what the cache lacks of it', async () => {
  const model = (id: string, tokens: number, price: number, maxInputTokens?: number) => {
    const { provider } = counted(id, 2)
    return { ...provider, countTokens: () => tokens, price, limits: { ...provider.limits, maxInputTokens } }
  }
  const paid = model('acme/paid', 60, 2, 100)
  const composed = composeProviders([paid, model('acme/free', 90, 0)])
  const cache = memoryCache()
  await embedTexts(composed, ['one'], 'document', { cache })
  const cost = 2 * (60 / 1e6) * 2
  const texts = ['two', 'three']
  const plans: EmbeddingEstimate[] = []
  const onPlan = (plan: EmbeddingEstimate) => plans.push(plan)
  const options = { cache: memoryCache(), onPlan }
  expect(await estimateEmbedding(composed, texts, 'document', cache)).toMatchObject({ missing: 2, tokens: 300, cost })
  await embedTexts(composed, texts, 'document', options)
  await embedTexts(paid, ['four'], 'document', options)
  expect(await estimateEmbedding(composed, ['four'], 'document', options.cache)).toMatchObject({ tokens: 90, cost: 0 })
  await embedTexts(composed, ['four'], 'document', options)
  expect(plans.map(({ tokens, cost }) => [tokens, cost])).toEqual([
    [300, cost],
    [60, cost / 2],
    [90, 0],
  ])
  expect(costOfTexts(composed, ['two'])).toEqual({ tokens: 150, cost: cost / 2 })
  expect(composed.price).toBeUndefined()
  const short = composeProviders([model('acme/short', 60, 2, 50), model('acme/free', 10, 0)])
  await expect(embedTexts(short, ['two'], 'document')).rejects.toThrow(/^acme\/short cannot embed .* 60 tokens, the limit is 50/)
})

test('a text whose vector one part gets wrong is refused alone', async () => {
  const wrong = customProvider({ id: 'acme/wrong', embed: texts => texts.map(text => (text === 'two' ? [] : [3, 0])) })
  const composed = composeProviders([wrong, counted('acme/b', 1).provider])
  const refused = await composed.embed(['one', 'two'], 'document').catch(error => error)
  expect([...refused.problems.keys()]).toEqual([1])
  expect(refused.vectors.map((vector?: Float32Array) => vector && Array.from(vector))).toEqual([[1, 0, -1], undefined])
})
