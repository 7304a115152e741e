import { answeredVector, endingPages, restBase, restClient, searchByScan } from './rest.js'
import type { IndexKind, IndexRow, RowParts, ScanOptions } from './vector-index.js'
import { checkEffort, indexError, jsonFilter, METRICS, rowOf, SCAN_SIZE } from './vector-index.js'

/** Rows of one answer: Chroma Cloud gives no more. */
const MOST_ROWS = 300

interface Rows {
  readonly ids: readonly string[]
  readonly embeddings?: readonly (readonly number[] | null)[] | null
  readonly documents?: readonly (string | null)[] | null
}

/** A collection of Chroma, over its v2 API; the key comes from CHROMA_API_KEY. */
export const chroma: IndexKind = {
  name: 'chroma',
  form: 'chroma+http://HOST:8000?tenant=NAME&database=NAME#COLLECTION',
  params: ['tenant', 'database'],
  async open(address) {
    const { id, params, table } = address
    const { tenant = process.env.CHROMA_TENANT ?? 'default_tenant' } = params
    const { database = process.env.CHROMA_DATABASE ?? 'default_database' } = params
    const rest = restClient(id, restBase(address), 'x-chroma-token', process.env.CHROMA_API_KEY)
    const collections = `/api/v2/tenants/${encodeURIComponent(tenant)}/databases/${encodeURIComponent(database)}/collections`
    const found = await rest('GET', `${collections}/${encodeURIComponent(table)}`)
    if (typeof found.dimension !== 'number') throw indexError(id, `the collection ${table} has no vectors`)
    const path = `${collections}/${encodeURIComponent(found.id)}`
    const { hnsw, spann } = found.configuration_json ?? {}
    const kind = hnsw ? 'hnsw' : spann ? 'spann' : 'hnsw'
    const space = hnsw?.space ?? spann?.space ?? found.metadata?.['hnsw:space'] ?? 'l2'
    const metric = METRICS.get(space)
    if (metric === undefined) throw indexError(id, `expected the space cosine, l2 or ip, found ${space}`)
    const ef_search: number | undefined = hnsw?.ef_search ?? spann?.ef_search
    const include = ({ vectors, text }: RowParts) => [...(vectors ? ['embeddings'] : []), ...(text ? ['documents'] : [])]
    const get = (body: object): Promise<Rows> => rest('POST', `${path}/get`, body)
    const toRows = ({ ids, embeddings, documents }: Rows, parts: RowParts): IndexRow[] =>
      ids.flatMap((id, i) => {
        const vector = embeddings?.[i]
        if (parts.vectors && !vector) return []
        return rowOf(id, vector ? answeredVector(vector) : undefined, parts.text ? documents?.[i] : undefined)
      })
    const total = (): Promise<number> => rest('GET', `${path}/count`)
    const pages = async function* ({ filter, size = SCAN_SIZE, ...parts }: ScanOptions = {}) {
      const where = jsonFilter(filter)
      const limit = Math.min(size, MOST_ROWS)
      for (let offset = 0; ; offset += limit) {
        const rows = await get({ where, limit, offset, include: include(parts) })
        if (rows.ids.length > 0) yield toRows(rows, parts)
        if (!(rows.ids.length >= limit)) return
      }
    }
    const scan = (options?: ScanOptions) => endingPages(id, total, pages(options))
    const hasTexts = (await get({ limit: 1, include: ['documents'] })).documents?.[0] != null
    return {
      id,
      dimensions: found.dimension,
      metric,
      storage: 'float32',
      ann: { kind, ...(ef_search !== undefined && { effort: { ef_search } }), ladder: [] },
      hasTexts,
      notes: metric === 'l2' ? ["the collection ranks by l2, Chroma's default"] : [],
      async count(filter) {
        if (filter === undefined) return total()
        let count = 0
        for await (const rows of scan({ filter })) count += rows.length
        return count
      },
      scan,
      async fetch(ids, parts = {}) {
        const rows: IndexRow[] = []
        for (let i = 0; i < ids.length; i += MOST_ROWS) {
          const some = await get({ ids: ids.slice(i, i + MOST_ROWS), include: include(parts) })
          for (const row of toRows(some, parts)) rows.push(row)
        }
        return rows
      },
      async search(query, k, { filter, exact, effort = {} } = {}) {
        checkEffort(id, effort, [])
        if (exact) return searchByScan({ metric, scan }, query, k, filter)
        const body = { query_embeddings: [Array.from(query)], n_results: k, where: jsonFilter(filter), include: [] }
        return (await rest('POST', `${path}/query`, body)).ids[0]
      },
      close: async () => {},
    }
  },
}
