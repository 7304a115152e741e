import { ChromaClient, type EmbeddingFunction } from 'chromadb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { adaptEmbeddingFunction, createEmbeddingFunction } from '../../src/integrations/chroma.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { type FakeService, startFakeService } from '../helpers/fake-service.js'
import { adapted, plain, provider, sample, start } from './support.js'

const key = 'sk-secret-0123456789'
/** As an application writes one; its key is a private matter of its own. */
class Own implements EmbeddingFunction {
  readonly name = 'own'
  readonly #key = key
  async generate(texts: string[]) {
    if (!this.#key) throw new Error('no key')
    return texts.map(plain)
  }
  getConfig = () => ({ api_key_env_var: 'OWN_KEY' })
  static buildFromConfig = () => new Own()
}

let server: FakeService
beforeAll(async () => {
  server = await startFakeService({}, '', ({ path, body }) => {
    if (path.endsWith('/pre-flight-checks')) return { status: 200, body: { max_batch_size: 1000 } }
    if (path.endsWith('/identity')) {
      return { status: 200, body: { user_id: '', tenant: 'default_tenant', databases: ['default_database'] } }
    }
    if (path.endsWith('/collections')) {
      const configuration_json = { hnsw: { space: 'cosine' }, embedding_function: null }
      return { status: 200, body: { id: 'c1', name: body.name, configuration_json, metadata: null, dimension: null } }
    }
    const lists = { ids: [['1']], documents: [['text']], distances: [[0]], metadatas: [[null]], include: [] }
    return { status: 200, body: path.endsWith('/query') ? lists : {} }
  })
})
afterAll(() => server.close())

/** The vectors that the client sends for a document and for a query, and what it says of the function. */
async function sent(embeddingFunction: EmbeddingFunction, embedQuery = true) {
  const { hostname: host, port } = new URL(server.url)
  const client = new ChromaClient({ host, port: Number(port), ssl: false })
  const collection = await client.createCollection({ name: 'docs', embeddingFunction })
  const created = JSON.stringify(server.requests.at(-1)?.body)
  await collection.add({ ids: ['1'], documents: ['text'] })
  const added = server.requests.findLast(({ path }) => path.endsWith('/add'))?.body.embeddings
  if (embedQuery) await collection.query({ queryTexts: ['how'], nResults: 1 })
  const asked = server.requests.findLast(({ path }) => path.endsWith('/query'))?.body.query_embeddings
  return { created, added: floats(added), asked: floats(asked) }
}

/** The client writes vectors as base64 where the server takes that. */
const floats = (vectors: (string | number[])[] | undefined) => vectors?.map(v => (typeof v === 'string' ? v : [...v]))

test('Chroma gets adapted queries and the documents of the base', async () => {
  const { added, asked, created } = await sent(adaptEmbeddingFunction(new Own(), sample()))
  expect(added).toEqual([plain('text')])
  expect(asked).toEqual([adapted('how')])
  expect(created).not.toContain(key)
})

test('a provider of this package serves both sides, and Chroma stores nothing that makes it', async () => {
  const { added, asked, created } = await sent(createEmbeddingFunction(provider(), sample()))
  expect(added).toEqual([plain('text')])
  expect(asked).toEqual([adapted('how')])
  expect(created).toContain('"legacy"')
  const bare = createEmbeddingFunction(provider())
  expect(await bare.generateForQueries(['how', 'why'])).toEqual([plain('how'), plain('why')])
})

test('a function with a query side of its own is adapted there', async () => {
  const twoSided: EmbeddingFunction = {
    generate: async texts => texts.map(plain),
    generateForQueries: async texts => texts.map(text => plain(`query: ${text}`)),
  }
  const fn = wrapEmbedder(twoSided, sample())
  expect(await fn.generateForQueries(['how'])).toEqual([adapted('query: how')])
  expect(await fn.generate(['how'])).toEqual([plain('how')])
})

test('an adapter to fewer dimensions cuts documents', async () => {
  const short = sample({ outputs: 3 })
  for (const fn of [adaptEmbeddingFunction(new Own(), short), createEmbeddingFunction(provider(), short)]) {
    expect(await fn.generate(['text'])).toEqual([start('text', 3)])
    expect(await fn.generateForQueries(['how'])).toEqual([adapted('how', short)])
  }
})
