import { type Adapter, applyAdapter } from '../../adapters/adapter.js'
import { row } from '../../math/matrix.js'
import { gatherRows, type Rows } from '../../math/row-source.js'
import type { EmbeddingProvider } from '../../providers/provider.js'

/** Most queries that are timed. */
const TIMED = 25
/** Milliseconds after which no further query is sent to a provider, so that a slow one does not hold everything up. */
const BUDGET = 5000

/** What one query takes on this machine, one at a time: medians. */
export interface QueryTime {
  /**
   * Milliseconds until the provider, without the cache, has given the query's vector; `null` where it was not asked: vectors that
   * were made elsewhere, or a provider on the network without `timing`.
   */
  readonly embedding: number | null
  /** Milliseconds of the adapter; 0 without one. */
  readonly adapter: number
}

/** Rows of the queries that are timed, spread over all n of them. */
export function timedRows(n: number): Uint32Array {
  const count = Math.min(n, TIMED)
  return Uint32Array.from({ length: count }, (_, i) => Math.floor((i * n) / count))
}

/**
 * Times a provider, past the cache: one request a query, after a first one that loads the model or opens the connection.
 *
 * @param texts at least one; those after 5 seconds are left out
 * @returns median in milliseconds
 * @throws as the provider's `embed`
 */
export async function embeddingTime(
  provider: EmbeddingProvider,
  texts: readonly string[],
  signal?: AbortSignal,
): Promise<number> {
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

/**
 * Times `applyAdapter` on the rows of {@link timedRows}, after a round over all of them that is not counted.
 * @param queries [n, d], before the adapter, at least one
 * @returns median in milliseconds
 */
export function adapterTime(adapter: Adapter, queries: Rows): number {
  const sample = gatherRows(queries, timedRows(queries.rows))
  const times = new Float64Array(sample.rows)
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < sample.rows; i++) {
      const query = row(sample, i)
      const started = performance.now()
      applyAdapter(adapter, query)
      times[i] = performance.now() - started
    }
  }
  return median([...times])
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
