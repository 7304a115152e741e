import type { SampleRow } from '../contracts/vector-index.js'
import { type FakeAnswer, type FakeService, type RecordedRequest, startFakeService } from './fake-service.js'

const ok = (body: unknown): FakeAnswer => ({ status: 200, body })
const wrong = (status: number, error: string, message: string): FakeAnswer => ({ status, body: { error, message } })

/**
 * Plays Chroma's v2 API for one collection, as a server of version 1 answers: reading alone.
 * @see https://docs.trychroma.com/reference
 */
export function startFakeChroma(
  rows: readonly SampleRow[],
  { collection = 'docs', space = 'l2', tenant = 'default_tenant', database = 'default_database', token = '' } = {},
): Promise<FakeService> {
  const id = '00000000-0000-4000-8000-000000000001'
  const base = `/api/v2/tenants/${tenant}/databases/${database}/collections`

  function answer({ method, path, headers, body }: RecordedRequest): FakeAnswer {
    if (token !== '' && headers['x-chroma-token'] !== token) return wrong(401, 'AuthError', 'Unauthorized')
    if (method === 'GET' && path === `${base}/${collection}`) {
      const hnsw = { space, ef_construction: 100, ef_search: 100, max_neighbors: 16 }
      const configuration_json = { hnsw, spann: null, embedding_function: null }
      return ok({
        id,
        name: collection,
        configuration_json,
        metadata: null,
        dimension: rows[0].vector.length,
        tenant,
        database,
      })
    }
    if (method === 'GET' && path === `${base}/${id}/count`) return ok(rows.length)
    if (method !== 'POST' || !path.startsWith(`${base}/${id}/`)) {
      return wrong(404, 'NotFoundError', `Collection [${path.split('/').pop()}] does not exist.`)
    }
    const { where, include = [] } = body
    if (where && typeof where.kind !== 'string') return wrong(400, 'ChromaError', 'Invalid where clause')
    const found = rows.filter(({ kind }) => !where || kind === where.kind)
    if (path.endsWith('/get')) {
      const { ids, offset = 0, limit = rows.length } = body
      const shown = (ids ? found.filter(row => ids.includes(row.id)) : found).slice(offset, offset + limit)
      return ok({
        ids: shown.map(row => row.id),
        embeddings: include.includes('embeddings') ? shown.map(({ vector }) => vector) : null,
        documents: include.includes('documents') ? shown.map(({ text }) => text) : null,
        metadatas: null,
        uris: null,
        include,
      })
    }
    if (path.endsWith('/query')) {
      const [query] = body.query_embeddings as number[][]
      const distance = ({ vector }: SampleRow) => vector.reduce((sum, value, i) => sum + (value - query[i]) ** 2, 0)
      const best = [...found].sort((a, b) => distance(a) - distance(b)).slice(0, body.n_results)
      return ok({
        ids: [best.map(row => row.id)],
        embeddings: null,
        documents: null,
        metadatas: null,
        distances: null,
        include,
      })
    }
    return wrong(404, 'NotFoundError', 'not found')
  }
  return startFakeService({}, '', answer)
}
