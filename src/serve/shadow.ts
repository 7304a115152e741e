import type { Logger } from 'pino'
import { applyAdapter } from '../adapters/adapter.js'
import { createJsEngine } from '../engines/js.js'
import { topKOn } from '../evaluate/top-k-on.js'
import { type Matrix, matrix, normalizedRows } from '../math/matrix.js'
import type { LoadedAdapter } from './adapter-set.js'
import type { Metrics } from './metrics.js'

/** Compares the documents that a second adapter would retrieve with the served one's, on some of the queries. */
export type Shadow = ReturnType<typeof createShadow>

interface ShadowOptions {
  /** Present state of the adapter on trial. */
  readonly adapter: () => LoadedAdapter
  /** [documents, d], rows of any length. */
  readonly documents: Matrix
  readonly top: number
  /** Milliseconds between the starts of two comparisons, which bounds their work. */
  readonly intervalMs: number
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Documents compared before other requests get a turn. */
const BLOCK = 256

/** Makes a comparison that never delays a request for longer than a block of documents takes. */
export function createShadow({ adapter, documents, top, intervalMs, metrics, logger }: ShadowOptions) {
  const units = normalizedRows(documents)
  const k = Math.min(top, units.rows)
  const tieRank = Uint32Array.from({ length: units.rows }, (_, i) => i)
  const engine = createJsEngine()
  const blocks = { vectors: BLOCK * units.cols, scores: 2 * BLOCK }
  let free = 0
  let busy = false

  const compare = async (
    served: LoadedAdapter,
    trial: LoadedAdapter,
    base: Float32Array,
    adapted: Float32Array,
    text: string,
  ) => {
    const queries = matrix(2, units.cols)
    queries.data.set(adapted)
    queries.data.set(applyAdapter(trial.adapter, base, text), units.cols)
    const { rows } = await topKOn(engine, queries, units, k, tieRank, { dot: true, blocks })
    const [now, then] = [rows.subarray(0, k), rows.subarray(k)]
    const overlap = now.filter(doc => then.includes(doc)).length / k
    metrics.shadowOverlap.observe({ shadow: trial.name }, overlap)
    logger.info(
      {
        served: served.name,
        servedVersion: served.version,
        shadow: trial.name,
        shadowVersion: trial.version,
        k,
        overlap: Math.round(overlap * 1e4) / 1e4,
        sameFirst: now[0] === then[0],
      },
      'shadow',
    )
  }

  return {
    /** Compares by a query if there is time for it, else skips it. `base`: the upstream's vector. `adapted`: the client's vector. */
    offer(served: LoadedAdapter, base: Float32Array, adapted: Float32Array, text: string): void {
      const trial = adapter()
      if (served.name === trial.name) return
      const now = performance.now()
      if (busy || now < free) {
        metrics.shadowSkipped.inc({ shadow: trial.name })
        return
      }
      busy = true
      free = now + intervalMs
      compare(served, trial, base, adapted, text)
        .catch((error: unknown) => {
          const code = (error as { code?: unknown } | undefined)?.code
          logger.warn({ shadow: trial.name, code }, 'shadow comparison failed')
        })
        .finally(() => {
          busy = false
        })
    },
  }
}
