import { afterEach, expect, test, vi } from 'vitest'
import { openIndex } from '../../src/indexes/index.js'
import { sampleRows, vectorIndexContract } from '../contracts/vector-index.js'
import { startFakeChroma } from '../helpers/fake-chroma.js'
import { startFakeQdrant } from '../helpers/fake-qdrant.js'
import { expectRejection } from '../helpers/rejection.js'

afterEach(() => vi.unstubAllEnvs())

const KIND = JSON.stringify({ must: [{ key: 'kind', match: { value: 'third' } }] })
const uuid = (row: number) => `00000000-0000-4000-8000-${String(row).padStart(12, '0')}`

vectorIndexContract('qdrant with numbers as ids (recorded answers)', async () => {
  const rows = sampleRows(row => String(row + 1))
  const server = await startFakeQdrant({ rows, collection: 'my docs' })
  const url = `qdrant+${server.url}#my%20docs`
  return { url, rows, filter: KIND, brokenFilter: '{"must": [{"key": "kind"}]}', close: server.close }
})

vectorIndexContract('qdrant with named vectors, and ids in the payload (recorded answers)', async () => {
  const rows = sampleRows()
  const server = await startFakeQdrant({ rows, collection: 'docs', vector: 'dense', idField: 'doc_id' })
  const url = `qdrant+${server.url}?vector=dense&id=doc_id#docs`
  return { url, rows, filter: KIND, brokenFilter: 'kind = third', close: server.close }
})

vectorIndexContract('chroma (recorded answers)', async () => {
  const rows = sampleRows()
  const server = await startFakeChroma(rows)
  const url = `chroma+${server.url}#docs`
  return { url, rows, filter: '{"kind": "third"}', brokenFilter: '{"$no": 1}', close: server.close }
})

test('qdrant sends what its reference documents, and nothing that writes', async () => {
  const server = await startFakeQdrant({ rows: sampleRows(uuid), collection: 'docs', vector: 'dense' })
  const index = await openIndex(`qdrant+${server.url}?vector=dense#docs`)
  expect(index).toMatchObject({ metric: 'cosine', ann: { kind: 'hnsw', effort: { hnsw_ef: 64 } } })
  expect(index.notes).toEqual(['Qdrant stores vectors scaled to unit length under the distance Cosine'])
  const before = server.requests.length
  for await (const _ of index.scan({ vectors: true, text: true, size: 50, filter: KIND }));
  await index.fetch([uuid(1), 'no id of Qdrant', '7'], { text: true })
  await index.search(Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0.5), 3, { effort: { hnsw_ef: 128 }, filter: KIND })
  await index.search(new Float32Array(8), 1, { exact: true })
  await index.count(KIND)
  const filter = JSON.parse(KIND)
  expect(server.requests.slice(before).map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/collections/docs/points/scroll', { limit: 50, filter, with_vector: ['dense'], with_payload: ['text'] }],
    ['POST', '/collections/docs/points', { ids: [uuid(1), 7], with_vector: false, with_payload: ['text'] }],
    [
      'POST',
      '/collections/docs/points/query',
      {
        query: [1, 0, 0, 0, 0, 0, 0, 0.5],
        using: 'dense',
        limit: 3,
        filter,
        params: { hnsw_ef: 128 },
        with_vector: false,
        with_payload: false,
      },
    ],
    [
      'POST',
      '/collections/docs/points/query',
      {
        query: Array(8).fill(0),
        using: 'dense',
        limit: 1,
        params: { exact: true },
        with_vector: false,
        with_payload: false,
      },
    ],
    ['POST', '/collections/docs/points/count', { exact: true, filter }],
  ])
  await server.close()
})

test('qdrant takes its key from QDRANT_API_KEY, never shows it, and says that vectors outside of the graph are scanned', async () => {
  const server = await startFakeQdrant({
    rows: sampleRows(uuid),
    collection: 'docs',
    apiKey: 'qd-secret-123456',
    indexed: 0,
  })
  const url = `qdrant+${server.url}#docs`
  vi.stubEnv('QDRANT_API_KEY', 'qd-wrong-654321')
  const refused = await expectRejection(openIndex(url), 'INDEX_OPEN', /answered HTTP 401: Must provide an API key/)
  expect(refused.message).not.toContain('qd-wrong-654321')
  vi.stubEnv('QDRANT_API_KEY', 'qd-secret-123456')
  const index = await openIndex(url)
  expect(index.ann).toBeUndefined()
  expect(index.notes[0]).toBe('docs has no vectors in its graph yet: every search is an exact scan')
  await expectRejection(openIndex(`qdrant+${server.url}#other`), 'INDEX_OPEN', /HTTP 404/)
  await server.close()
  await expectRejection(openIndex(url), 'INDEX_OPEN', /the request failed/)
})

test('qdrant asks which of several vectors is meant', async () => {
  const server = await startFakeQdrant({ rows: sampleRows(uuid), collection: 'docs', vector: 'dense' })
  await expectRejection(
    openIndex(`qdrant+${server.url}#docs`),
    'INDEX_OPEN',
    /one of its vectors, dense, other\. Name it in the URL: \?vector=NAME/,
  )
  await server.close()
})

test('chroma sends what its server takes, in pages, with tenant, database and token of its own variables', async () => {
  vi.stubEnv('CHROMA_API_KEY', 'ck-secret-123456')
  const server = await startFakeChroma(sampleRows(), { tenant: 'acme', database: 'shop', token: 'ck-secret-123456' })
  const index = await openIndex(`chroma+${server.url}?tenant=acme&database=shop#docs`)
  expect(index).toMatchObject({ metric: 'l2', ann: { kind: 'hnsw', effort: { ef_search: 100 }, ladder: [] } })
  expect(index.notes).toEqual(["the collection ranks by l2, Chroma's default"])
  const before = server.requests.length
  for await (const _ of index.scan({ vectors: true, text: true, size: 40 }));
  await index.fetch(['doc-1'])
  await index.search(Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0.5), 3, { filter: '{"kind": "third"}' })
  const path = '/api/v2/tenants/acme/databases/shop/collections/00000000-0000-4000-8000-000000000001'
  expect(server.requests.slice(before).map(({ path, body }) => [path, body])).toEqual([
    [`${path}/get`, { limit: 40, offset: 0, include: ['embeddings', 'documents'] }],
    [`${path}/get`, { limit: 40, offset: 40, include: ['embeddings', 'documents'] }],
    [`${path}/get`, { ids: ['doc-1'], include: [] }],
    [`${path}/query`, { query_embeddings: [[1, 0, 0, 0, 0, 0, 0, 0.5]], n_results: 3, where: { kind: 'third' }, include: [] }],
  ])
  vi.stubEnv('CHROMA_API_KEY', 'ck-wrong-654321')
  const refused = await expectRejection(
    openIndex(`chroma+${server.url}?tenant=acme&database=shop#docs`),
    'INDEX_OPEN',
    /HTTP 401/,
  )
  expect(refused.message).not.toContain('ck-wrong')
  await server.close()
})
