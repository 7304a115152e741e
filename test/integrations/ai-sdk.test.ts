import { createOpenAI } from '@ai-sdk/openai'
import { type EmbeddingModel, embed, embedMany, wrapEmbeddingModel } from 'ai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { documentEmbeddingModel, queryEmbeddingModel, queryMiddleware } from '../../src/integrations/ai-sdk.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { adapted, d, plain, sample, start } from './support.js'

let service: FakeService
beforeAll(async () => {
  service = await startFakeOpenAI({ dimensions: d })
})
afterAll(() => service.close())

const base = (name = 'text-embedding-3-small') => createOpenAI({ apiKey: 'none', baseURL: service.url }).embedding(name)

test('the query model adapts in embed and embedMany, and the model itself does not', async () => {
  const model = base()
  const queries: EmbeddingModel = queryEmbeddingModel(model, sample())
  const one = await embed({ model: queries, value: 'how' })
  expect(one.embedding).toEqual(adapted('how'))
  expect(one.usage.tokens).toBeGreaterThan(0)
  const values = Array.from({ length: 5 }, (_, i) => `query ${i}`)
  expect((await embedMany({ model: queries, values })).embeddings).toEqual(values.map(v => adapted(v)))
  expect((await embedMany({ model, values })).embeddings).toEqual(values.map(plain))
  expect((await embedMany({ model: documentEmbeddingModel(model, sample()), values })).embeddings).toEqual(values.map(plain))
})

test('it keeps what the model says of itself and the limits of a call', async () => {
  const model = base()
  const queries = queryEmbeddingModel(model, sample())
  expect(queries).toMatchObject({ specificationVersion: 'v3', provider: model.provider, modelId: model.modelId })
  expect(queries.maxEmbeddingsPerCall).toBe(2048)
  const values = Array.from({ length: 2050 }, (_, i) => `${i}`)
  const before = service.requests.length
  const { embeddings } = await embedMany({ model: queries, values })
  expect(
    service.requests
      .slice(before)
      .map(({ body }) => body.input.length)
      .sort(),
  ).toEqual([2, 2048])
  expect(embeddings[2049]).toEqual(adapted('2049'))
})

test("the middleware does the same in the SDK's own wrapper", async () => {
  const model = wrapEmbeddingModel({ model: base(), middleware: queryMiddleware(sample()) })
  expect((await embed({ model, value: 'how' })).embedding).toEqual(adapted('how'))
  const other = wrapEmbeddingModel({ model: base('text-embedding-ada-002'), middleware: queryMiddleware(sample()) })
  await expect(embed({ model: other, value: 'how', maxRetries: 0 })).rejects.toMatchObject({ code: 'ADAPTER_MISMATCH' })
})

test('wrapEmbedder gives one model for each role, since the interface has none', async () => {
  const short = sample({ outputs: 3 })
  const { queryModel, documentModel } = wrapEmbedder(base(), short)
  expect((await embed({ model: queryModel, value: 'how' })).embedding).toEqual(adapted('how', short))
  expect((await embed({ model: documentModel, value: 'how' })).embedding).toEqual(start('how', 3))
})

test('another model of the same service is refused', () => {
  expect(() => queryEmbeddingModel(base('text-embedding-ada-002'), sample())).toThrow(
    expect.objectContaining({ code: 'ADAPTER_MISMATCH' }),
  )
})
