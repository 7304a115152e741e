import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds; from a cached query to an upstream that is about to be given up. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Everything that `GET /metrics` tells. */
export type Metrics = ReturnType<typeof createMetrics>

/** The server's counters, in a registry of their own. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `adapter_train_${name}`, help, labelNames, registers })
  return {
    registry,
    requests: counter('requests_total', 'Requests answered', ['route', 'role', 'status']),
    duration: new Histogram({
      name: 'adapter_train_request_duration_seconds',
      help: 'From the first byte of a request to the end of its answer',
      labelNames: ['route', 'role'] as const,
      buckets: SECONDS,
      registers,
    }),
    inFlight: new Gauge({ name: 'adapter_train_requests_in_flight', help: 'Requests in work', registers }),
    inputs: counter('inputs_total', 'Texts embedded or found in the cache', ['role']),
    upstreamDuration: new Histogram({
      name: 'adapter_train_upstream_duration_seconds',
      help: 'What the upstream and its queue took of a request',
      labelNames: ['role'] as const,
      buckets: SECONDS,
      registers,
    }),
    upstreamErrors: counter('upstream_errors_total', 'Calls of the upstream that failed', ['reason']),
    cacheHits: counter('cache_hits_total', 'Texts found in the cache', ['role']),
    cacheMisses: counter('cache_misses_total', 'Texts not found in the cache', ['role']),
    cacheErrors: counter('cache_errors_total', 'Failures of the cache; the upstream was asked instead', ['operation']),
    reloads: counter('adapter_reloads_total', 'Adapter files read again', ['adapter', 'result']),
    adapterInfo: new Gauge({
      name: 'adapter_train_adapter_info',
      help: '1 for the version of each adapter that is in use',
      labelNames: ['adapter', 'version'] as const,
      registers,
    }),
    shadowOverlap: new Histogram({
      name: 'adapter_train_shadow_overlap',
      help: 'Share of the top documents that the served and the shadow adapter have in common',
      labelNames: ['shadow'] as const,
      buckets: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
      registers,
    }),
    shadowSkipped: counter('shadow_skipped_total', 'Queries that shadow mode had no time for', ['shadow']),
  }
}
