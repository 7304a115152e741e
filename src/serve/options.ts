import type { Logger } from 'pino'
import type { EmbeddingCache } from '../cache/cache.js'
import type { Matrix } from '../math/matrix.js'
import type { EmbeddingProvider } from '../providers/provider.js'

/** Settings of a server. Defaults are {@link SERVE_DEFAULTS}. */
export interface EmbeddingServerOptions {
  readonly provider: EmbeddingProvider
  /** The first serves `<model>:query`, each one `<model>:<name>`. */
  readonly adapters: readonly NamedAdapterFile[]
  /** Plain name of the model; by default the part of the provider's id after its first `/` and before an `@`. */
  readonly modelName?: string
  /** Serves even if the provider's id or dimensions are not those of an adapter's base model. */
  readonly allowMismatch?: boolean
  /** Makes the same model with vectors of another length, for clients that request documents of other `dimensions`. */
  readonly providerFor?: (dimensions: number) => Promise<EmbeddingProvider>
  /** Cache of the upstream's vectors of documents; the caller closes it. */
  readonly cache?: EmbeddingCache
  /** Caches those of queries as well. */
  readonly cacheQueries?: boolean
  /** Further attempts after a failed call of the upstream; 0 by default, since clients retry themselves. */
  readonly retries?: number
  /** Token that clients send as `authorization: Bearer <token>`. Required to listen at more than this machine's own addresses. */
  readonly token?: string
  /** Bytes of a request's body. */
  readonly bodyLimit?: number
  /** Milliseconds from a request's first byte to the end of its answer. */
  readonly requestTimeoutMs?: number
  /** Requests per minute and client address; no limit by default. */
  readonly rateLimit?: number
  /** Origins whose pages may read the answers; none by default. */
  readonly corsOrigins?: readonly string[]
  /** Milliseconds between two checks of the adapter files; 0 for none. */
  readonly watchIntervalMs?: number
  /** Logs for some queries how much the top documents would change under another of the adapters. */
  readonly shadow?: ShadowTrial
  /** None by default. */
  readonly logger?: Logger
}

/** An adapter on trial: real queries are ranked with it too, for the log alone. */
export interface ShadowTrial {
  /** One of the adapters' names. */
  readonly adapter: string
  /** [documents, d] */
  readonly documents: Matrix
  /** Documents of the rankings compared. */
  readonly top?: number
}

/** An adapter file and the name under which clients request it. */
export interface NamedAdapterFile {
  readonly name: string
  readonly path: string
}

/** Defaults of a server. */
export const SERVE_DEFAULTS = {
  host: '127.0.0.1',
  port: 8080,
  bodyLimit: 8 * 2 ** 20,
  requestTimeoutMs: 60_000,
  /** Milliseconds before a call of the upstream is given up. */
  upstreamTimeoutMs: 30_000,
  /** Milliseconds for requests in flight to finish when the server closes. */
  drainTimeoutMs: 10_000,
  /** Calls of a remote upstream in flight at once. */
  concurrency: 256,
  watchIntervalMs: 1000,
  shadowTop: 10,
  /** Milliseconds between the starts of two comparisons of shadow mode. */
  shadowIntervalMs: 500,
} as const
