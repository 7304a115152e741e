import type { SampleRow } from '../contracts/vector-index.js'
import { type FakeAnswer, type FakeService, type RecordedRequest, startFakeService } from './fake-service.js'

export interface FakeQdrantOptions {
  readonly rows: readonly SampleRow[]
  readonly collection: string
  /** Name of the vectors; none by default. */
  readonly vector?: string
  /** Field of the payload with the id; the point's own by default. */
  readonly idField?: string
  readonly apiKey?: string
  readonly indexed?: number
}

const wrong = (status: number, error: string): FakeAnswer => ({ status, body: { status: { error }, time: 0 } })
const ok = (result: unknown): FakeAnswer => ({ status: 200, body: { result, status: 'ok', time: 0.001 } })

/**
 * Plays Qdrant's REST API for one collection, as its reference documents it: reading alone.
 * @see https://api.qdrant.tech/api-reference
 */
export function startFakeQdrant(options: FakeQdrantOptions): Promise<FakeService> {
  const { rows, collection, vector, idField, apiKey } = options
  const points = rows.map((row, i) => ({
    id: idField === undefined ? (/^\d+$/.test(row.id) ? Number(row.id) : row.id) : i,
    vector: vector === undefined ? row.vector : { [vector]: row.vector },
    payload: { text: row.text, kind: row.kind, ...(idField !== undefined && { [idField]: row.id }) },
  }))
  type Point = (typeof points)[number]
  const passes = (filter: { must?: Condition[]; should?: Condition[] } | undefined) => (point: Point) => {
    const holds = ({ key, match }: Condition) => {
      const value = (point.payload as Record<string, unknown>)[key]
      return match.any ? match.any.includes(value) : value === match.value
    }
    return (filter?.must ?? []).every(holds) && (!filter?.should || filter.should.some(holds))
  }
  const shown = (point: Point, { with_vector = false, with_payload = true }: Shown) => ({
    id: point.id,
    payload: Array.isArray(with_payload)
      ? Object.fromEntries(Object.entries(point.payload).filter(([name]) => with_payload.includes(name)))
      : with_payload
        ? point.payload
        : null,
    ...(with_vector ? { vector: point.vector } : {}),
  })

  function answer({ method, path, headers, body }: RecordedRequest): FakeAnswer {
    if (apiKey !== undefined && headers['api-key'] !== apiKey) return wrong(401, 'Must provide an API key')
    const base = `/collections/${encodeURIComponent(collection)}`
    if (method === 'GET' && path === base) {
      const params = { size: rows[0].vector.length, distance: 'Cosine' }
      return ok({
        status: 'green',
        points_count: rows.length,
        indexed_vectors_count: options.indexed ?? rows.length,
        config: {
          params: { vectors: vector === undefined ? params : { [vector]: params, other: params } },
          hnsw_config: { m: 16, ef_construct: 64 },
        },
      })
    }
    if (method !== 'POST') return wrong(404, `Not found: Collection ${path.slice(13)} doesn't exist!`)
    const isKnown = (condition: Condition) => condition.match !== undefined
    if (body.filter && ![...(body.filter.must ?? []), ...(body.filter.should ?? [])].every(isKnown)) {
      return wrong(400, 'Format error in JSON body: data did not match any variant of untagged enum Condition')
    }
    const found = points.filter(passes(body.filter))
    if (path === `${base}/points/count`) return ok({ count: found.length })
    if (path === `${base}/points/scroll`) {
      const start = body.offset === undefined ? 0 : found.findIndex(({ id }) => id === body.offset)
      const next = found[start + body.limit]?.id ?? null
      return ok({ points: found.slice(start, start + body.limit).map(one => shown(one, body)), next_page_offset: next })
    }
    if (path === `${base}/points`) {
      return ok(points.filter(({ id }) => body.ids.includes(id)).map(one => shown(one, body)))
    }
    if (path === `${base}/points/query`) {
      if (vector !== undefined && body.using !== vector) return wrong(400, 'Wrong input: Not existing vector name error')
      const score = ({ vector: all }: Point) => {
        const values = (vector === undefined ? all : (all as Record<string, number[]>)[vector]) as number[]
        return values.reduce((sum, value, i) => sum + value * body.query[i], 0)
      }
      const best = found.map(one => ({ ...shown(one, body), score: score(one) })).sort((a, b) => b.score - a.score)
      return ok({ points: best.slice(0, body.limit) })
    }
    return wrong(404, 'Not found')
  }
  return startFakeService({}, '', answer)
}

interface Condition {
  readonly key: string
  readonly match: { readonly value?: unknown; readonly any?: readonly unknown[] }
}

interface Shown {
  readonly with_vector?: unknown
  readonly with_payload?: boolean | readonly string[]
}
