import { join } from 'node:path'
import { createOpenAI } from '@ai-sdk/openai'
import { OpenAIEmbeddings } from '@langchain/openai'
import { embed, embedMany } from 'ai'
import { CohereClientV2 } from 'cohere-ai'
import { OpenAI } from 'openai'
import { describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { matrix } from '../../src/math/matrix.js'
import { adaptedVector, adapterFor, baseVector, D, MODEL, type Serving, startServing, temporaryFolder } from './serving.js'

const TOKEN = 'token-of-the-server'
const TEXTS = ['how do I reset my card PIN?', 'wie ändere ich – "heute" – meine PIN? 🙂', 'reset']

const serving = () => startServing({ token: TOKEN })
const openaiOf = ({ url }: Serving) => new OpenAI({ apiKey: TOKEN, baseURL: `${url}/v1`, maxRetries: 0 })

/** W q + b, summed in double precision by the definition. */
function byDefinition({ params: { W, b } }: Adapter, q: readonly number[]): number[] {
  return q.map((_, i) => q.reduce((sum, x, j) => sum + W.data[i * q.length + j] * x, b.data[i]))
}

describe('the official openai client', () => {
  test.each(['the default of the client, base64', 'float', 'base64'] as const)(
    'gets W q + b for <model>:query: %s',
    async encoding => {
      const s = await serving()
      const answer = await openaiOf(s).embeddings.create({
        model: `${MODEL}:query`,
        input: TEXTS,
        ...(encoding === 'float' || encoding === 'base64' ? { encoding_format: encoding } : {}),
      })
      const vectors = answer.data.map(({ embedding }) => {
        if (typeof embedding !== 'string') return Array.from(embedding)
        return Array.from(new Float32Array(Uint8Array.from(Buffer.from(embedding, 'base64')).buffer))
      })
      expect(vectors).toEqual(TEXTS.map(text => adaptedVector(s.adapter, text)))
      for (const [i, text] of TEXTS.entries()) {
        const expected = byDefinition(s.adapter, baseVector(text))
        for (const [j, value] of vectors[i].entries()) expect(value).toBeCloseTo(expected[j], 6)
      }
      expect(answer.data.map(({ index, object }) => [index, object])).toEqual(TEXTS.map((_, i) => [i, 'embedding']))
      expect(answer).toMatchObject({
        object: 'list',
        model: `${MODEL}:query`,
        usage: { prompt_tokens: 19, total_tokens: 19 },
      })
    },
  )

  test.each(['float', undefined] as const)("gets the upstream's own vectors for the plain model: %s", async encoding_format => {
    const s = await serving()
    const answer = await openaiOf(s).embeddings.create({ model: MODEL, input: TEXTS, encoding_format })
    expect(answer.data.map(({ embedding }) => Array.from(embedding))).toEqual(TEXTS.map(baseVector))
    expect(answer.model).toBe(MODEL)
  })

  test('gets adapted vectors for the plain model with the header x-embedding-role, and is told so', async () => {
    const s = await serving()
    const headers = { 'x-embedding-role': 'query' }
    const { data, response } = await openaiOf(s).embeddings.create({ model: MODEL, input: TEXTS[0] }, { headers }).withResponse()
    expect(Array.from(data.data[0].embedding)).toEqual(adaptedVector(s.adapter, TEXTS[0]))
    expect(data.model).toBe(MODEL)
    expect(response.headers.get('x-embedding-role')).toBe('query')
    expect(response.headers.get('x-adapter')).toBe('default')
    expect(response.headers.get('x-adapter-version')).toMatch(/^[0-9a-f]{12}$/)
  })

  test('is told that documents are not adapted', async () => {
    const s = await serving()
    const { response } = await openaiOf(s).embeddings.create({ model: MODEL, input: TEXTS[0] }).withResponse()
    expect(response.headers.get('x-embedding-role')).toBe('document')
    expect(response.headers.get('x-adapter')).toBeNull()
  })

  test('lists the models, and finds one by its name', async () => {
    const client = openaiOf(await serving())
    const names = []
    for await (const model of client.models.list()) names.push(model.id)
    expect(names).toEqual([MODEL, `${MODEL}:query`, `${MODEL}:default`])
    expect(await client.models.retrieve(`${MODEL}:query`)).toMatchObject({ id: `${MODEL}:query`, object: 'model' })
    await expect(client.models.retrieve('gpt-4o')).rejects.toMatchObject({ status: 404 })
  })

  test('gets documents of the length that it asks for, and queries of the length of the adapter only', async () => {
    const upstreams: number[] = []
    const { createProvider } = await import('../../src/providers/index.js')
    const s: Serving = await startServing({
      token: TOKEN,
      providerFor: dimensions => {
        upstreams.push(dimensions)
        return createProvider('openai', { baseUrl: s.upstream.url, apiKey: 'sk-upstream-0123456789abcdef', dimensions })
      },
    })
    const client = openaiOf(s)
    const lengthOf = async (model: string, dimensions: number) =>
      (await client.embeddings.create({ model, input: 'a text', dimensions })).data[0].embedding.length
    expect(await lengthOf(MODEL, 4)).toBe(4)
    expect(await lengthOf(MODEL, 4)).toBe(4)
    expect(await lengthOf(`${MODEL}:query`, 8)).toBe(8)
    expect(upstreams).toEqual([4])
    expect(s.upstream.requests.map(({ body }) => body.dimensions)).toEqual([4, 4, undefined])
    await expect(lengthOf(`${MODEL}:query`, 4)).rejects.toMatchObject({ status: 400, param: 'dimensions' })
    await expect(lengthOf(MODEL, 100_000)).rejects.toMatchObject({ status: 400, param: 'dimensions' })
  })

  test('gets queries of fewer dimensions than the upstream has, by an adapter for truncated documents', async () => {
    const path = join(temporaryFolder(), 'short.json')
    saveAdapter({ ...adapterFor(), params: { W: matrix(3, D), b: matrix(1, 3) } }, path)
    const { embeddings } = openaiOf(await startServing({ token: TOKEN, adapters: [{ name: 'short', path }] }))
    const ask = (dimensions?: number) => embeddings.create({ model: `${MODEL}:short`, input: 'a text', dimensions })
    for (const dimensions of [3, undefined]) expect((await ask(dimensions)).data[0].embedding).toHaveLength(3)
    await expect(ask(D)).rejects.toMatchObject({ status: 400, message: expect.stringContaining('the adapter "short" has 3') })
  })
})

test("LangChain's OpenAIEmbeddings gets W q + b for queries and the upstream's own vectors for documents", async () => {
  const s = await serving()
  const embeddings = (model: string) =>
    new OpenAIEmbeddings({ model, apiKey: TOKEN, configuration: { baseURL: `${s.url}/v1` }, maxRetries: 0 })
  expect(await embeddings(`${MODEL}:query`).embedQuery(TEXTS[1])).toEqual(adaptedVector(s.adapter, TEXTS[1]))
  expect(await embeddings(MODEL).embedDocuments(TEXTS)).toEqual(TEXTS.map(baseVector))
})

test("the AI SDK's OpenAI provider gets W q + b for queries and the upstream's own vectors for documents", async () => {
  const s = await serving()
  const openai = createOpenAI({ apiKey: TOKEN, baseURL: `${s.url}/v1` })
  const query = await embed({ model: openai.embedding(`${MODEL}:query`), value: TEXTS[0], maxRetries: 0 })
  expect(query.embedding).toEqual(adaptedVector(s.adapter, TEXTS[0]))
  expect(query.usage.tokens).toBe(7)
  const queries = await embedMany({ model: openai.embedding(`${MODEL}:query`), values: TEXTS, maxRetries: 0 })
  expect(queries.embeddings).toEqual(TEXTS.map(text => adaptedVector(s.adapter, text)))
  const documents = await embedMany({ model: openai.embedding(MODEL), values: TEXTS, maxRetries: 0 })
  expect(documents.embeddings).toEqual(TEXTS.map(baseVector))
})

describe('the official cohere-ai client', () => {
  const client = ({ url }: Serving) => new CohereClientV2({ token: TOKEN, environment: url, maxRetries: 0 })

  test("gets W q + b for search_query and the upstream's own vectors for search_document", async () => {
    const s = await serving()
    const common = { model: MODEL, texts: TEXTS, embeddingTypes: ['float' as const] }
    const queries = await client(s).embed({ ...common, inputType: 'search_query' })
    expect(queries.embeddings.float).toEqual(TEXTS.map(text => adaptedVector(s.adapter, text)))
    const documents = await client(s).embed({ ...common, inputType: 'search_document' })
    expect(documents.embeddings.float).toEqual(TEXTS.map(baseVector))
    expect(documents).toMatchObject({ texts: TEXTS, meta: { billedUnits: { inputTokens: 19 } } })
  })

  test('gets base64 beside floats', async () => {
    const s = await serving()
    const answer = await s.post(
      '/v2/embed',
      { model: MODEL, texts: ['x'], input_type: 'search_query', embedding_types: ['base64', 'float'] },
      { authorization: `Bearer ${TOKEN}` },
    )
    const { embeddings } = (await answer.json()) as { embeddings: { float: number[][]; base64: string[] } }
    const decoded = new Float32Array(Uint8Array.from(Buffer.from(embeddings.base64[0], 'base64')).buffer)
    expect(Array.from(decoded)).toEqual(embeddings.float[0])
    expect(embeddings.float[0]).toEqual(adaptedVector(s.adapter, 'x'))
    expect(answer.headers.get('x-embedding-role')).toBe('query')
  })

  test('gets errors in the shape of Cohere', async () => {
    const s = await serving()
    const wrong = new CohereClientV2({ token: 'wrong', environment: s.url, maxRetries: 0 })
    await expect(wrong.embed({ model: MODEL, texts: ['x'], inputType: 'search_query' })).rejects.toMatchObject({
      statusCode: 401,
      body: { message: expect.stringContaining('token') },
    })
    const embedWith = (more: object) =>
      client(s).embed({ model: MODEL, texts: ['x'], inputType: 'search_query', ...more } as never)
    for (const more of [
      { inputType: 'classification' },
      { embeddingTypes: ['int8'] },
      { texts: [] },
      { texts: [''] },
      { model: `${MODEL}:query`, inputType: 'search_document' },
    ]) {
      await expect(embedWith(more), JSON.stringify(more)).rejects.toMatchObject({ statusCode: 400 })
    }
    await expect(embedWith({ model: 'embed-v4.0' })).rejects.toMatchObject({ statusCode: 404 })
    expect(s.upstream.requests).toEqual([])
  })
})
