import { answeredVector, endingPages, restBase, restClient, valueAt, wholeNumber } from './rest.js'
import type { IndexKind, IndexMetric, IndexRow, RowParts } from './vector-index.js'
import { checkEffort, doubling, indexError, jsonFilter, rowOf, SCAN_SIZE, TEXT_COLUMNS } from './vector-index.js'

const METRICS = new Map<unknown, IndexMetric>([
  ['Cosine', 'cosine'],
  ['Euclid', 'l2'],
  ['Dot', 'dot'],
])
/** Ids that Qdrant can have: other texts are refused. */
const IS_ID = /^(\d{1,20}|[\da-f]{8}-?([\da-f]{4}-?){3}[\da-f]{12})$/i
/** Width of a search by default: that of building the graph. */
const EF_CONSTRUCT = 100

type VectorParams = { readonly size: number; readonly distance: string; readonly datatype?: string }

interface Point {
  readonly id: string | number
  readonly vector?: readonly number[] | Readonly<Record<string, readonly number[]>>
  readonly payload?: object | null
}

/** A collection of Qdrant, over its REST API; the key comes from QDRANT_API_KEY. */
export const qdrant: IndexKind = {
  name: 'qdrant',
  form: 'qdrant+http://HOST:6333?vector=NAME&id=PAYLOAD_FIELD&text=PAYLOAD_FIELD#COLLECTION',
  params: ['id', 'vector', 'text'],
  async open(address) {
    const { id, params, table } = address
    const rest = restClient(id, restBase(address), 'api-key', process.env.QDRANT_API_KEY)
    const path = `/collections/${encodeURIComponent(table)}`
    const { result: found } = await rest('GET', path)
    const [name, { size, distance, datatype = 'float32' }] = vectorOf(id, params.vector, found.config.params.vectors)
    const metric = METRICS.get(distance)
    if (metric === undefined) throw indexError(id, `expected the distance Cosine, Euclid or Dot, found ${distance}`)
    const scroll = async (body: object): Promise<{ points: Point[]; next_page_offset?: unknown }> =>
      (await rest('POST', `${path}/points/scroll`, body)).result
    const sample = (await scroll({ limit: 1, with_payload: true })).points[0]?.payload
    const textField = params.text ?? TEXT_COLUMNS.find(field => typeof valueAt(sample, field) === 'string')
    const wanted = ({ vectors = false, text }: RowParts) => {
      const fields = [params.id, text ? textField : undefined].filter(field => field !== undefined)
      const named = name === undefined ? true : [name]
      return { with_vector: vectors && named, with_payload: fields.length > 0 && fields }
    }
    const idOf = ({ id: own, payload }: Point) => String(params.id === undefined ? own : valueAt(payload, params.id))
    const toRows = (points: readonly Point[], parts: RowParts): IndexRow[] =>
      points.flatMap(point => {
        const { vector: all, payload } = point
        const vector = name === undefined ? all : (all as Readonly<Record<string, readonly number[]>> | undefined)?.[name]
        if (parts.vectors && !vector) return []
        const text = parts.text && textField !== undefined ? valueAt(payload, textField) : undefined
        return rowOf(idOf(point), parts.vectors ? answeredVector(vector) : undefined, text)
      })
    const count = async (filter?: object): Promise<number> =>
      (await rest('POST', `${path}/points/count`, { exact: true, filter })).result.count
    async function* pages(filter: object | undefined, parts: RowParts, limit: number) {
      const before = new Set<unknown>()
      let offset: unknown
      do {
        const from = JSON.stringify(offset)
        if (before.has(from)) throw indexError(id, `expected the next page, found the one from ${from} again`)
        before.add(from)
        const { points, next_page_offset: next } = await scroll({ limit, offset, filter, ...wanted(parts) })
        if (!(points.length > 0)) return
        yield toRows(points, parts)
        offset = typeof next === 'string' && /^\d+$/.test(next) ? wholeNumber(next) : next
      } while (offset !== undefined && offset !== null)
    }
    const scan = (...given: Parameters<typeof pages>) => endingPages(id, count, pages(...given))
    const indexed = found.indexed_vectors_count !== 0
    const { ef_construct = EF_CONSTRUCT } = found.config.hnsw_config ?? {}
    const ladder = doubling(16, 1024).map(hnsw_ef => ({ hnsw_ef }))
    return {
      id,
      dimensions: size,
      metric,
      storage: datatype,
      ...(indexed && { ann: { kind: 'hnsw', effort: { hnsw_ef: ef_construct }, ladder } }),
      hasTexts: textField !== undefined,
      notes: [
        ...(indexed ? [] : [`${table} has no vectors in its graph yet: every search is an exact scan`]),
        ...(metric === 'cosine' ? ['Qdrant stores vectors scaled to unit length under the distance Cosine'] : []),
      ],
      count: filter => count(jsonFilter(filter)),
      scan: ({ filter, size = SCAN_SIZE, ...parts } = {}) => scan(jsonFilter(filter), parts, size),
      async fetch(ids, parts = {}) {
        const rows: IndexRow[] = []
        for (let i = 0; i < ids.length; i += SCAN_SIZE) {
          const some = ids.slice(i, i + SCAN_SIZE)
          if (params.id === undefined) {
            const known = some.filter(one => IS_ID.test(one)).map(one => (/^\d+$/.test(one) ? wholeNumber(one) : one))
            const body = { ids: known, ...wanted(parts) }
            if (known.length > 0) {
              for (const row of toRows((await rest('POST', `${path}/points`, body)).result, parts)) rows.push(row)
            }
            continue
          }
          const numbers = some.filter(one => /^\d{1,19}$/.test(one)).map(wholeNumber)
          const any = [some, numbers].map(list => ({ key: params.id, match: { any: list } }))
          const filter = { should: any.filter(({ match }) => match.any.length > 0) }
          for await (const found of scan(filter, parts, SCAN_SIZE)) for (const row of found) rows.push(row)
        }
        return rows
      },
      async search(query, k, { filter, exact, effort = {} } = {}) {
        checkEffort(id, effort, ['hnsw_ef'])
        const { result } = await rest('POST', `${path}/points/query`, {
          query: Array.from(query),
          using: name,
          limit: k,
          filter: jsonFilter(filter),
          params: { ...effort, ...(exact && { exact: true }) },
          ...wanted({}),
        })
        return result.points.map(idOf)
      },
      close: async () => {},
    }
  },
}

/** Chooses the vector of a collection, which has one without a name or several with names. */
function vectorOf(
  id: string,
  named: string | undefined,
  vectors: VectorParams | Readonly<Record<string, VectorParams>>,
): readonly [string | undefined, VectorParams] {
  if (typeof vectors.size === 'number') return [undefined, vectors as VectorParams]
  const all = vectors as Readonly<Record<string, VectorParams>>
  const names = Object.keys(all)
  const name = named ?? (names.length === 1 ? names[0] : undefined)
  if (name !== undefined && Object.hasOwn(all, name)) return [name, all[name]]
  throw indexError(id, `expected one of its vectors, ${names.join(', ')}. Name it in the URL: ?vector=NAME`)
}
