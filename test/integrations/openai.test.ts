import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { adaptOpenAI } from '../../src/integrations/openai.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { startFakeOpenAI, toBase64 } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { rejection } from '../helpers/rejection.js'
import { adapted, d, plain, sample, start } from './support.js'

let service: FakeService
beforeAll(async () => {
  service = await startFakeOpenAI({ dimensions: d })
})
afterAll(() => service.close())

const model = 'text-embedding-3-small'
const base = () => new OpenAI({ apiKey: 'none', baseURL: service.url, maxRetries: 0 })
const vectors = (answer: OpenAI.CreateEmbeddingResponse) => answer.data.map(({ embedding }) => embedding)

test('queries are adapted where the model name or the role says so, and neither is sent', async () => {
  const client = adaptOpenAI(base(), sample())
  const input = ['how', 'why']
  const wanted = input.map(text => adapted(text))
  expect(vectors(await client.embeddings.create({ model: `${model}:query`, input }))).toEqual(wanted)
  expect(vectors(await client.embeddings.create({ model, input, role: 'query' }))).toEqual(wanted)
  for (const { body } of service.requests.slice(-2)) expect(body).toEqual({ model, input, encoding_format: 'base64' })
  expect(vectors(await client.embeddings.create({ model: `${model}:query`, input: 'how' }))).toEqual([adapted('how')])
})

test('documents are what the service gives, bit for bit', async () => {
  const client = adaptOpenAI(base(), sample())
  for (const body of [
    { model, input: ['how'] },
    { model, input: ['how'], role: 'document' as const },
  ]) {
    expect(vectors(await client.embeddings.create(body))).toEqual([plain('how')])
    expect(service.requests.at(-1)?.body).not.toHaveProperty('role')
  }
})

test('both encodings are answered as they were asked for', async () => {
  const client = adaptOpenAI(base(), sample())
  const ask = (encoding_format: 'float' | 'base64') =>
    client.embeddings.create({ model, input: ['how'], role: 'query', encoding_format })
  expect(vectors(await ask('float'))).toEqual([adapted('how')])
  expect(vectors(await ask('base64'))).toEqual([toBase64(Float32Array.from(adapted('how')))])
})

test("the answer is the client's own promise, with the raw response and the usage", async () => {
  const client = adaptOpenAI(base(), sample())
  const ask = () => client.embeddings.create({ model, input: ['how'], role: 'query' })
  const { data, response } = await ask().withResponse()
  expect(response.status).toBe(200)
  expect(vectors(data)).toEqual([adapted('how')])
  expect(data.usage.total_tokens).toBeGreaterThan(0)
  expect((await ask().asResponse()).ok).toBe(true)
})

test('the client stays the client, also with other options', async () => {
  const client: OpenAI = adaptOpenAI(base(), sample())
  expect(client).toBeInstanceOf(OpenAI)
  expect(client.baseURL).toBe(service.url)
  expect(client.chat.completions.create).toBeTypeOf('function')
  const other = client.withOptions({ timeout: 1000 })
  expect(other.timeout).toBe(1000)
  expect(vectors(await other.embeddings.create({ model: `${model}:query`, input: ['how'] }))).toEqual([adapted('how')])
  await expect(client.get('/nothing')).rejects.toMatchObject({ status: 404 })
})

test('an adapter to fewer dimensions cuts documents of its base, and asks for whole vectors of queries', async () => {
  const short = sample({ outputs: 3 })
  const client = adaptOpenAI(base(), short)
  expect(vectors(await client.embeddings.create({ model, input: ['how'] }))).toEqual([start('how', 3)])
  const query = await client.embeddings.create({ model, input: ['how'], role: 'query', dimensions: 3 })
  expect(vectors(query)).toEqual([adapted('how', short)])
  const other = await client.embeddings.create({ model: 'text-embedding-ada-002', input: ['how'] })
  expect(vectors(other)).toEqual([plain('how')])
})

test('contradictions, unknown roles and other models are refused before anything is sent', async () => {
  const client = adaptOpenAI(base(), sample())
  const before = service.requests.length
  const ask = (body: object) => async () => client.embeddings.create({ model, input: ['how'], ...body })
  expect(await rejection(ask({ model: `${model}:query`, role: 'document' })())).toMatchObject({ code: 'USAGE' })
  expect(await rejection(ask({ role: 'passage' })())).toMatchObject({ code: 'USAGE' })
  expect(await rejection(ask({ model: 'text-embedding-ada-002', role: 'query' })())).toMatchObject({
    code: 'ADAPTER_MISMATCH',
  })
  expect(service.requests).toHaveLength(before)
})

test('wrapEmbedder takes it by its shape', async () => {
  const client = wrapEmbedder(base(), sample())
  const answer = await client.embeddings.create({ model, input: ['how'], role: 'query' })
  expect(vectors(answer)).toEqual([adapted('how')])
})
