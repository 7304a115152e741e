import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { row } from '../math/matrix.js'
import { gatherRows, type Rows } from '../math/row-source.js'
import type { EmbeddingProvider } from '../providers/provider.js'

const TIMED = 25
/** Milliseconds after which no further query is sent to a provider. */
const BUDGET = 5000

/** Median milliseconds of one query on this machine, one at a time. */
export interface QueryTime {
  /** Embedding without the cache; `null` for vectors of your own, or a provider on the network without `timing`. */
  readonly embedding: number | null
  /** The adapter; 0 without one. */
  readonly adapter: number
}

/** Picks the rows of the queries to time, spread over all n. */
export function timedRows(n: number, most = TIMED): Uint32Array {
  const count = Math.min(n, most)
  return Uint32Array.from({ length: count }, (_, i) => Math.floor((i * n) / count))
}

/** Times a provider without the cache: one request per query, after a first one that loads the model or opens the connection. */
export async function embeddingTime(provider: EmbeddingProvider, texts: readonly string[], signal?: AbortSignal) {
  const times: number[] = []
  await provider.embed([texts[0]], 'query', { signal })
  const start = performance.now()
  for (const text of texts) {
    const started = performance.now()
    await provider.embed([text], 'query', { signal })
    const ended = performance.now()
    times.push(ended - started)
    if (ended - start > BUDGET) break
  }
  return median(times)
}

/** Times `applyAdapter` on the rows of `timedRows`, after a round that is not counted. Returns median in milliseconds. */
export function adapterTime(
  adapter: Adapter,
  { queries, queryTexts }: Pick<EmbeddedDataset<Rows>, 'queries' | 'queryTexts'>,
  most?: number,
): number {
  const rows = timedRows(queries.rows, most)
  const sample = gatherRows(queries, rows)
  const times = new Float64Array(sample.rows)
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < sample.rows; i++) {
      const query = row(sample, i)
      const started = performance.now()
      applyAdapter(adapter, query, queryTexts?.[rows[i]])
      times[i] = performance.now() - started
    }
  }
  return median([...times])
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]
