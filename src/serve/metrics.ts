import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Buckets in seconds, from a cached query to an upstream about to be given up. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Buckets of a share. */
const TENTHS = Array.from({ length: 11 }, (_, i) => i / 10)

const DURATION = 'From the first byte of a request to the end of its answer'
const UPSTREAM_DURATION = 'Time of a request spent on the upstream and its queue'
const SHADOW_OVERLAP = 'Share of the top documents that the served and the shadow adapter have in common'

/** Everything in `GET /metrics`. */
export type Metrics = ReturnType<typeof createMetrics>

/** Makes the server's metrics, in a registry of their own. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `adapter_train_${name}`, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets = SECONDS) =>
    new Histogram({ name: `adapter_train_${name}`, help, labelNames, buckets, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `adapter_train_${name}`, help, labelNames, registers })
  return {
    registry,
    requests: counter('requests_total', 'Requests answered', ['route', 'role', 'status']),
    duration: histogram('request_duration_seconds', DURATION, ['route', 'role']),
    inFlight: gauge('requests_in_flight', 'Requests in progress'),
    inputs: counter('inputs_total', 'Texts embedded or found in the cache', ['role']),
    upstreamDuration: histogram('upstream_duration_seconds', UPSTREAM_DURATION, ['role']),
    upstreamErrors: counter('upstream_errors_total', 'Calls of the upstream that failed', ['reason']),
    cacheHits: counter('cache_hits_total', 'Texts found in the cache', ['role']),
    cacheMisses: counter('cache_misses_total', 'Texts not found in the cache', ['role']),
    cacheErrors: counter('cache_errors_total', 'Failures of the cache; the upstream was called instead', ['operation']),
    reloads: counter('adapter_reloads_total', 'Adapter files read again', ['adapter', 'result']),
    adapterInfo: gauge('adapter_info', '1 for the version of each adapter in use', ['adapter', 'version']),
    shadowOverlap: histogram('shadow_overlap', SHADOW_OVERLAP, ['shadow'], TENTHS),
    shadowSkipped: counter('shadow_skipped_total', 'Queries that shadow mode had no time for', ['shadow']),
    familiarity: counter('familiarity_total', 'Queries compared with those of training', ['adapter', 'familiar']),
  }
}
