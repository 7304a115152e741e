import { messageOf } from '../errors.js'
import { parseJsonText } from '../json.js'
import { dot, norm } from '../math/matrix.js'
import { startOf } from '../providers/http.js'
import { parseErrorBody } from '../providers/http-error.js'
import { proxiedFetch } from '../providers/proxy.js'
import { type IndexMetric, type IndexRow, indexError, type VectorIndex } from './vector-index.js'

const TIMEOUT_MS = 60_000
/** Bytes of an answer: a page of rows with their vectors and texts. */
const LONGEST_ANSWER = 128 * 2 ** 20
/** Bytes read of a refusal. */
const LONGEST_REFUSAL = 64 * 2 ** 10
/** Whole numbers that JSON.parse would round: ids of 64 bits. They are read as texts, and marked texts are sent as numbers. */
const LONG_WHOLE = /(?<![\d.])\d{16,}(?![\d.eE])/
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const MARK = '\ue000'
const MARKED = new RegExp(`"${MARK}(\\d+)"`, 'g')

/** Sends a request and returns the parsed answer. @throws INDEX_OPEN if it fails */
// biome-ignore lint/suspicious/noExplicitAny: answers of a documented API
export type Rest = (method: 'GET' | 'POST', path: string, body?: object) => Promise<any>

/** Makes a client of an HTTP API. `key`: sent in the given header, and removed from messages. */
export function restClient(id: string, base: string, header: string, key: string | undefined): Rest {
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { [header]: key }) }
  return async (method, path, body) => {
    const sent = body && JSON.stringify(body).replace(MARKED, '$1')
    const init = { method, headers, body: sent, redirect: 'error' } as const
    const response = await proxiedFetch(`${base}${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(error => {
      const { cause = error } = error as Error
      throw indexError(id, `the request failed (${(cause as Error).message || 'no connection'})`, key)
    })
    const text = await startOf(response.body, response.ok ? LONGEST_ANSWER : LONGEST_REFUSAL).catch(error => {
      throw indexError(id, `the answer broke off (${messageOf(error)})`, key)
    })
    if (response.ok && text.length > LONGEST_ANSWER) {
      const most = `${LONGEST_ANSWER / 2 ** 20} MiB`
      throw indexError(id, `${path}: the answer is too long; expected at most ${most}. Reading was stopped`, key)
    }
    if (!response.ok) {
      const said = /"status":\s*\{\s*"error":\s*"([^"]*)/.exec(text)?.[1] ?? parseErrorBody(text).message
      throw indexError(id, `${path} answered HTTP ${response.status}: ${said.slice(0, 300)}`, key)
    }
    try {
      return parseJsonText(LONG_WHOLE.test(text) ? text.replace(STRING_OR_NUMBER, longAsText) : text)
    } catch {
      throw indexError(id, `${path}: the answer is not JSON`, key)
    }
  }
}

const longAsText = (token: string): string =>
  /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token

/** A whole number of any size in a request. @param digits as they were read */
export function wholeNumber(digits: string): number | string {
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : `${MARK}${digits}`
}

/** A vector as it was answered; what is not a number becomes NaN, which is refused later. */
export function answeredVector(values: unknown): Float32Array {
  return Array.isArray(values)
    ? Float32Array.from(values, value => (typeof value === 'number' ? value : Number.NaN))
    : new Float32Array()
}

/** The address of an HTTP API behind a URL such as `qdrant+http://host:6333/prefix#collection`. */
export function restBase({ scheme, host, path }: { scheme: string; host: string; path: string }): string {
  return `${scheme.split('+')[1] ?? 'http'}://${host}${path.replace(/\/$/, '')}`
}

/** Takes a value out of nested objects, by a path such as `metadata.text`. */
export function valueAt(record: unknown, path: string): unknown {
  const own = (record as Record<string, unknown> | null)?.[path]
  if (own !== undefined) return own
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], record)
}

/** Rows after which a scan is compared with the number of rows, and by which a collection may have grown meanwhile. */
const UNCOUNTED_ROWS = 10_000

/** Passes the pages of a scan on. @throws INDEX_OPEN if they do not end with the rows of the collection */
export async function* endingPages(
  id: string,
  count: () => Promise<number>,
  pages: AsyncIterable<readonly IndexRow[]>,
): AsyncGenerator<readonly IndexRow[]> {
  let [seen, most] = [0, UNCOUNTED_ROWS]
  for await (const rows of pages) {
    seen += rows.length
    if (seen > most) most = Math.max(most, 2 * (await count()) + UNCOUNTED_ROWS)
    if (!(seen <= most)) throw indexError(id, `expected at most ${most} rows, found no end of them`)
    yield rows
  }
}

/** Finds the nearest rows by reading all of them, for an API without an exact search. */
export async function searchByScan(
  index: Pick<VectorIndex, 'metric' | 'scan'>,
  query: Float32Array,
  k: number,
  filter: string | undefined,
): Promise<string[]> {
  const score = SCORES[index.metric]
  let best: { readonly id: string; readonly score: number }[] = []
  for await (const rows of index.scan({ vectors: true, filter })) {
    for (const { id, vector } of rows) best.push({ id, score: score(query, vector!) })
    best = best.sort((a, b) => b.score - a.score).slice(0, k)
  }
  return best.map(({ id }) => id)
}

const SCORES: Readonly<Record<IndexMetric, (a: Float32Array, b: Float32Array) => number>> = {
  cosine: (a, b) => dot(a, b) / (norm(a) * norm(b) || 1),
  dot,
  l2: (a, b) => -norm(a.map((value, i) => value - b[i])),
}
