// Readers of what services answer, and of what is sent to the servers of this package. The files of a sample are answers (or requests)
// by name, of which one is mutated.
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { saveAdapter } from '../../dist/adapters/file.js'
import { embedTexts } from '../../dist/embed/embed-texts.js'
import { createChatModel } from '../../dist/generate/llm/index.js'
import { readQuestions } from '../../dist/generate/read-questions.js'
import { checkedIndex, readingAnswers } from '../../dist/indexes/checked-index.js'
import { openIndex } from '../../dist/indexes/index.js'
import { openSqlIndex } from '../../dist/indexes/sql.js'
import { matrix } from '../../dist/math/matrix.js'
import { indexCollection } from '../../dist/pages/collection.js'
import { openJudgements } from '../../dist/pages/judgement-file.js'
import { labelRoutes } from '../../dist/pages/label.js'
import { serveLocally } from '../../dist/pages/local-server.js'
import { createLook } from '../../dist/pages/look.js'
import { orderQueries } from '../../dist/pages/query-order.js'
import { viewRoutes } from '../../dist/pages/view.js'
import { scanIndex } from '../../dist/pipeline/index-data.js'
import { customProvider } from '../../dist/providers/custom.js'
import { createProvider } from '../../dist/providers/index.js'
import { createEmbeddingServer } from '../../dist/serve/index.js'
import { BRACKETS, D } from './readers.mjs'

/** Share of the cases of a reader that sends requests. */
const SHARE = 0.25
const TEXTS = ['first', 'second', 'third']
const vector = i => [Math.sin(i), Math.cos(i), 0.5, -1]
const files = contents => ({
  name: '.',
  files: Object.fromEntries(Object.entries(contents).map(([name, value]) => [name, Buffer.from(text(value))])),
})
const text = value => (typeof value === 'string' ? value : JSON.stringify(value))
const once = make => {
  let made
  return () => {
    made ??= make()
    return made
  }
}

/** Folder whose files are answered, and the file of a path. */
const answered = { folder: '', fileOf: undefined }
/** A server that no process waits for. */
const service = once(async () => {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(readFileSync(join(answered.folder, answered.fileOf(request.url))))
    })
  })
  server.on('connection', socket => socket.unref())
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return `http://127.0.0.1:${server.address().port}`
})

const TOKENS = [...BRACKETS, ',', '"', '\\ud800', 'NaN', 'Infinity', 'null', '1e999', '\x1b[31m', '\n']

function answersOf(samples, fileOf, read) {
  return {
    samples: () => samples.map(files),
    tokens: TOKENS,
    share: SHARE,
    async read(folder) {
      Object.assign(answered, { folder, fileOf })
      await read(await service(), folder)
    },
  }
}

/** @param make makes the provider for the address of the service */
const embeddings = (answers, make) =>
  answersOf(
    answers.map(answer => ({ answer })),
    () => 'answer',
    async url => {
      const { vectors } = await embedTexts(await make(url), TEXTS, 'query', { retries: 0 })
      if (vectors.rows !== TEXTS.length || !vectors.data.every(Number.isFinite)) throw new Error('vectors that are none')
    },
  )

const bare = TEXTS.map((_, i) => vector(i))
const base64 = i => Buffer.from(Float32Array.from(vector(i)).buffer).toString('base64')
const data = make => ({
  object: 'list',
  data: TEXTS.map((_, index) => ({ index, embedding: make(index) })),
  model: 'm',
})

/** Uses an index as the commands do: everything it answers is text and finite numbers of its length, or an error. */
async function useIndex(index) {
  try {
    await index.count()
    const documents = await scanIndex(index, { memory: 1 << 20 })
    documents.close()
    const collection = await indexCollection(index)
    for await (const [id, content] of collection.documents())
      if (typeof id !== 'string' || typeof content !== 'string') throw new Error('no texts')
    const { hits } = await collection.search(new Float32Array(index.dimensions).fill(0.5), 3)
    if (hits.some(({ id, score }) => typeof id !== 'string' || !Number.isFinite(score))) throw new Error('hits that are none')
    await collection.text('1')
    await index.search(new Float32Array(index.dimensions).fill(0.5), 2, { exact: true })
  } finally {
    await index.close()
  }
}

const qdrant = {
  'c.json': {
    result: {
      indexed_vectors_count: 3,
      config: { params: { vectors: { size: D, distance: 'Cosine' } }, hnsw_config: { ef_construct: 64 } },
    },
  },
  'scroll.json': {
    result: {
      points: [0, 1, 2].map(id => ({ id, vector: vector(id), payload: { text: `text ${id}` } })),
      next_page_offset: null,
    },
  },
  'count.json': { result: { count: 3 } },
  'points.json': { result: [0, 1].map(id => ({ id, vector: vector(id), payload: { text: `text ${id}` } })) },
  'query.json': {
    result: {
      points: [
        { id: 1, score: 0.5 },
        { id: 0, score: 0.25 },
      ],
    },
  },
}
const chroma = {
  'c.json': {
    id: 'x',
    name: 'c',
    configuration_json: { hnsw: { space: 'cosine', ef_search: 100 }, spann: null },
    metadata: null,
    dimension: D,
  },
  'get.json': { ids: ['0', '1', '2'], embeddings: bare, documents: ['a', null, 'c'], metadatas: null },
  'count.json': '3',
  'query.json': { ids: [['1', '0']], distances: null },
}

/** What PostgreSQL answers: rows of texts per statement. */
const wire = i => {
  const bytes = Buffer.alloc(4 + 4 * D)
  bytes.writeUInt16BE(D)
  for (const [j, value] of vector(i).entries()) bytes.writeFloatBE(value, 4 + 4 * j)
  return bytes.toString('base64')
}
const sql = {
  'columns.json': [
    ['id', 'int8', '-1'],
    ['body', 'text', '-1'],
    ['embedding', 'vector', String(D)],
  ],
  'indexes.json': [['hnsw', 'vector_cosine_ops', '{m=16}', '0.8.0']],
  'count.json': [['3']],
  'rows.json': [0, 1, 2].map(i => [String(i), wire(i), `text ${i}`]),
  'found.json': [['1'], ['0']],
}

async function sqlIndex(folder) {
  const answer = name => JSON.parse(readFileSync(join(folder, name), 'utf8'))
  let fetched = 0
  const client = {
    async query(statement) {
      if (statement.includes('pg_attribute a JOIN pg_type')) return answer('columns.json')
      if (statement.includes('pg_index')) return answer('indexes.json')
      if (statement.includes('count(*)')) return answer('count.json')
      if (statement.startsWith('DECLARE')) {
        fetched = 0
        return []
      }
      if (statement.startsWith('FETCH') && fetched++ > 0) return []
      return answer(statement.includes('ORDER BY') ? 'found.json' : 'rows.json')
    },
    exec: async () => {},
    end: async () => {},
  }
  return checkedIndex(
    await readingAnswers('sql', () =>
      openSqlIndex(client, {
        scheme: 'pgvector',
        host: 'h',
        path: '/d',
        params: {},
        table: 't',
        id: 'pgvector://h/d#t',
      }),
    ),
  )
}

/** Sends a request to a server of this package, which may refuse it but not fail. */
async function send(address, path, token, body) {
  const response = await fetch(`${address}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body,
  })
  const said = await response.text()
  if (response.status >= 500) throw new Error(`${path} answered ${response.status}: ${said.slice(0, 200)}`)
}

const embeddingServer = once(async () => {
  const provider = await createProvider('hashing', { dimensions: 8 })
  const path = join(mkdtempSync(join(tmpdir(), 'fuzz-serve-')), 'a.json')
  const params = { W: matrix(8, 8, new Float32Array(64).fill(0.1)), b: matrix(1, 8) }
  const base = { id: provider.id, dimensions: 8, normalized: true }
  saveAdapter({ kind: 'linear', base, params, training: { options: {}, data: {}, metrics: {} } }, path)
  const server = createEmbeddingServer({ provider, adapters: [{ name: 'a', path }] })
  return server.listen({ port: 0 })
})

const page = once(async () => {
  const corpus = new Map(TEXTS.map((one, i) => [`d${i}`, `${one} document`]))
  const queries = TEXTS.map((one, i) => ({ id: `q${i}`, text: one, searches: 1, grades: new Map([[`d${i}`, 1]]) }))
  const { signal } = new AbortController()
  const look = createLook({
    provider: await createProvider('hashing', { dimensions: 8 }),
    adapters: [],
    signal,
    open: async () => ({ name: 'x', documents: corpus, queries }),
  })
  const file = openJudgements(join(mkdtempSync(join(tmpdir(), 'fuzz-page-')), 'labels.jsonl'))
  file.begin({ judgements: 1, documents: {}, sampling: {} })
  const ordered = orderQueries(look, 'file', 1)
  const label = labelRoutes({ look, title: 'x', file, judge: 'me', pool: 3, seed: 1, queries: ordered })
  const { url } = await serveLocally({
    host: '127.0.0.1',
    port: 0,
    routes: { ...viewRoutes(look, 'x'), ...label, show: label.query },
  })
  const [address, token] = url.split('/#token=')
  return { address, token }
})

/** Readers of services. */
export const SERVICES = {
  openai: embeddings([data(vector), data(base64)], url => createProvider('openai', { model: 'm', baseUrl: url, apiKey: 'key' })),
  cohere: embeddings([{ id: 'x', embeddings: { float: bare }, meta: { billed_units: { input_tokens: 3 } } }], url =>
    createProvider('cohere', { baseUrl: url, apiKey: 'key' }),
  ),
  tei: embeddings([bare], url => createProvider('tei', { model: 'm', baseUrl: url })),
  'own-code': {
    samples: () => [files({ 'answer.json': bare })],
    tokens: TOKENS,
    async read(folder) {
      let answer
      try {
        answer = JSON.parse(readFileSync(join(folder, 'answer.json'), 'utf8'))
      } catch {
        return
      }
      await embedTexts(
        customProvider(async () => answer, { id: 'own' }),
        TEXTS,
        'query',
        { retries: 0 },
      )
    },
  },
  chat: answersOf(
    [
      {
        answer: {
          choices: [{ message: { content: '{"questions": ["what is it?", "how?"]}' }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 3, completion_tokens: 4 },
        },
      },
      { answer: { choices: [{ message: { content: [{ type: 'text', text: '1. What is it?\n2. How?' }] } }] } },
    ],
    () => 'answer',
    async url => {
      const chat = await createChatModel('openai', { model: 'm', baseUrl: url, apiKey: 'key' })
      const chunk = { id: 'c', text: 'a text of a document about cards' }
      const answer = await chat.complete({ prompt: 'p', chunk, count: 2, structured: true })
      readQuestions(chunk, answer, 2, false, new Set())
    },
  ),
  qdrant: answersOf(
    [qdrant],
    path => (path === '/collections/c' ? 'c.json' : `${/points\/?(\w*)$/.exec(path)[1] || 'points'}.json`),
    async url => useIndex(await openIndex(`qdrant+${url}#c`)),
  ),
  chroma: answersOf(
    [chroma],
    path => (path.endsWith('/collections/c') ? 'c.json' : `${/\w+$/.exec(path)[0]}.json`),
    async url => useIndex(await openIndex(`chroma+${url}#c`)),
  ),
  sql: {
    samples: () => [files(sql)],
    tokens: TOKENS,
    async read(folder) {
      for (const name of Object.keys(sql)) {
        try {
          // A client gives lists of lists, of whatever values.
          if (!JSON.parse(readFileSync(join(folder, name), 'utf8')).every(row => Array.isArray(row))) return
        } catch {
          return
        }
      }
      await useIndex(await sqlIndex(folder))
    },
  },
  serve: {
    samples: () =>
      [{ input: ['one text', 'another'], model: 'hashing', encoding_format: 'base64', dimensions: 8 }, { input: 'a text' }]
        .map(body => files({ 'v1/embeddings': body }))
        .concat(files({ 'v2/embed': { texts: ['one'], input_type: 'search_query', model: 'm', embedding_types: ['float'] } })),
    tokens: TOKENS,
    share: SHARE,
    async read(folder) {
      const address = await embeddingServer()
      for (const path of ['v1/embeddings', 'v2/embed']) {
        let body
        try {
          body = readFileSync(join(folder, path))
        } catch {
          continue
        }
        await send(address, `/${path}`, 'none', body)
      }
    },
  },
  page: {
    samples: () =>
      Object.entries({
        search: { query: 'first', top: 3 },
        queries: { contains: 'f', from: 0 },
        document: { id: 'd1', query: 'first' },
        show: { id: 'q1', after: 'q0' },
        judge: { query: 'q1', document: 'd1', grade: 2 },
        undo: {},
      }).map(([name, body]) => ({ name, files: { [name]: Buffer.from(JSON.stringify(body)) } })),
    tokens: TOKENS,
    share: SHARE,
    async read(folder, name) {
      const { address, token } = await page()
      await send(address, `/api/${name}`, token, readFileSync(join(folder, name)))
    },
  },
}
