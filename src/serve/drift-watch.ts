import type { Logger } from 'pino'
import { Gauge } from 'prom-client'
import { familiarityTest, readFamiliarity, shareOf, type UnfamiliarShare } from '../drift/familiarity.js'
import type { AdapterSet, LoadedAdapter } from './adapter-set.js'
import type { Metrics } from './metrics.js'

/** Counts the queries that are unlike those an adapter was trained on. */
export type DriftWatch = ReturnType<typeof createDriftWatch>

interface DriftWatchOptions {
  readonly adapters: AdapterSet
  readonly metrics: Metrics
  readonly logger: Logger
  /** Clock, in milliseconds; the system's by default. */
  readonly now?: () => number
}

/** Minutes whose queries make the share. */
const MINUTES = 60
/** Fewest queries in that time whose share means something. */
const LEAST_QUERIES = 50
/** Upper end of the training range, in shares of training: above what held-out queries of the same kind have. */
const RANGE = 2

/** Queries of one state of an adapter file. */
interface Watched {
  readonly test: ReturnType<typeof familiarityTest>
  /** Share of the training queries that are unfamiliar. */
  readonly training: number
  /** Counts per minute, the oldest first. */
  readonly minutes: { readonly minute: number; queries: number; unfamiliar: number }[]
  warned: boolean
}

/**
 * Makes the counts of unfamiliar queries: metrics, and one warning when the share of the last hour has surely left the training range.
 * A new state of an adapter file starts anew; one without a sketch of its training queries is not watched.
 */
export function createDriftWatch({ adapters, metrics, logger, now = Date.now }: DriftWatchOptions) {
  const states = new WeakMap<LoadedAdapter, Watched>()
  const minuteNow = (): number => Math.floor(now() / 60_000)
  const lastHour = ({ minutes }: Watched): UnfamiliarShare | undefined => {
    while (minutes.length > 0 && minutes[0].minute <= minuteNow() - MINUTES) minutes.shift()
    const sum = (of: 'queries' | 'unfamiliar'): number => minutes.reduce((total, minute) => total + minute[of], 0)
    return minutes.length > 0 ? shareOf(sum('unfamiliar'), sum('queries')) : undefined
  }
  const gauge = (name: string, help: string, read: (state: Watched) => number | undefined) =>
    new Gauge({
      name: `adapter_train_${name}`,
      help,
      labelNames: ['adapter'],
      registers: [metrics.registry],
      collect() {
        this.reset()
        for (const adapter of adapters.names) {
          const state = states.get(adapters.get(adapter)!)
          const value = state && read(state)
          if (value !== undefined) this.set({ adapter }, value)
        }
      },
    })
  gauge('unfamiliar_share', 'Share of the queries of the last hour unlike those of training', s => lastHour(s)?.share)
  gauge('unfamiliar_share_training', 'The same share among the training queries', ({ training }) => training)

  return {
    /** @param vector the upstream's vector of a query */
    count(served: LoadedAdapter, vector: Float32Array): void {
      const state = states.get(served) ?? watch(served)
      if (!state) return
      states.set(served, state)
      const { unfamiliar } = state.test(vector)
      metrics.familiarity.inc({ adapter: served.name, familiar: String(!unfamiliar) })
      const minute = minuteNow()
      if (state.minutes.at(-1)?.minute !== minute) state.minutes.push({ minute, queries: 0, unfamiliar: 0 })
      const counts = state.minutes.at(-1)!
      counts.queries++
      if (!unfamiliar) return
      counts.unfamiliar++
      if (state.warned) return
      const { queries, share, low } = lastHour(state)!
      if (queries < LEAST_QUERIES || low <= RANGE * state.training) return
      state.warned = true
      const [rounded, training] = [Math.round(1e4 * share) / 1e4, state.training]
      const facts = { adapter: served.name, version: served.version, queries, unfamiliar: rounded, training }
      logger.warn(facts, 'queries of the last hour are unlike those of training: label some of them and train again')
    },
  }
}

function watch({ adapter }: LoadedAdapter): Watched | undefined {
  const sketch = readFamiliarity(adapter)
  return sketch && { test: familiarityTest(sketch, adapter), training: sketch.unfamiliar, minutes: [], warned: false }
}
