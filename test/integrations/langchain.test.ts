import { MemoryVectorStore } from '@langchain/classic/vectorstores/memory'
import { Document } from '@langchain/core/documents'
import { Embeddings } from '@langchain/core/embeddings'
import { OpenAIEmbeddings } from '@langchain/openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { adaptEmbeddings, createEmbeddings } from '../../src/integrations/langchain.js'
import { dot, norm } from '../../src/math/matrix.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { adapted, d, plain, provider, sample, start } from './support.js'

let service: FakeService
beforeAll(async () => {
  service = await startFakeOpenAI({ dimensions: d })
})
afterAll(() => service.close())

const base = (model = 'text-embedding-3-small') =>
  new OpenAIEmbeddings({ model, apiKey: 'none', configuration: { baseURL: service.url } })

const texts = Array.from({ length: 12 }, (_, i) => `document ${i}`)
/** Documents by cosine to the adapted query, best first. */
const ranking = (query: string) => {
  const q = adapted(query)
  const score = (text: string) => dot(q, plain(text)) / norm(q) / norm(plain(text))
  return [...texts].sort((a, b) => score(b) - score(a))
}

test("OpenAI's embeddings retrieve by adapted queries in a vector store whose documents are the base's", async () => {
  const embeddings = adaptEmbeddings(base(), sample())
  expect(embeddings).toBeInstanceOf(OpenAIEmbeddings)
  expect(embeddings).toBeInstanceOf(Embeddings)
  const store = new MemoryVectorStore(embeddings)
  await store.addDocuments(texts.map(pageContent => new Document({ pageContent })))
  expect(store.memoryVectors.map(({ embedding }) => embedding)).toEqual(texts.map(plain))
  for (const query of ['how', 'why', 'where']) {
    const found = await store.asRetriever(4).invoke(query)
    expect(found.map(({ pageContent }) => pageContent)).toEqual(ranking(query).slice(0, 4))
  }
  expect(await embeddings.embedQuery('how')).toEqual(adapted('how'))
})

test('wrapEmbedder takes them by their shape', async () => {
  const wrapped: OpenAIEmbeddings = wrapEmbedder(base(), sample())
  expect(await wrapped.embedQuery('how')).toEqual(adapted('how'))
  expect(await wrapped.embedDocuments(['how'])).toEqual([plain('how')])
})

test('an adapter to fewer dimensions gives documents their first ones, at length 1', async () => {
  const short = sample({ outputs: 3 })
  const embeddings = adaptEmbeddings(base(), short)
  expect(await embeddings.embedQuery('how')).toEqual(adapted('how', short))
  expect(await embeddings.embedDocuments(['how', 'why'])).toEqual([start('how', 3), start('why', 3)])
  expect(norm((await embeddings.embedDocuments(['how']))[0])).toBeCloseTo(1, 6)
})

test('another model of the same service is refused, unless it is allowed', () => {
  const other = base('text-embedding-ada-002')
  expect(() => adaptEmbeddings(other, sample())).toThrow(
    expect.objectContaining({
      code: 'ADAPTER_MISMATCH',
      message: expect.stringContaining('text-embedding-ada-002'),
    }),
  )
  expect(() => adaptEmbeddings(other, sample(), { allowMismatch: true })).not.toThrow()
  expect(() => adaptEmbeddings(base('my-deployment'), sample())).not.toThrow()
})

test("a provider of this package becomes LangChain's own type, with an adapter and without", async () => {
  const [bare, wrapped] = [await createEmbeddings(provider()), await createEmbeddings(provider(), sample())]
  for (const embeddings of [bare, wrapped]) {
    expect(embeddings).toBeInstanceOf(Embeddings)
    expect(await embeddings.embedDocuments(['how', 'why'])).toEqual([plain('how'), plain('why')])
  }
  expect(await bare.embedQuery('how')).toEqual(plain('how'))
  expect(await wrapped.embedQuery('how')).toEqual(adapted('how'))
  const store = await MemoryVectorStore.fromTexts(texts, {}, wrapped)
  expect((await store.similaritySearch('why', 1))[0].pageContent).toBe(ranking('why')[0])
})
