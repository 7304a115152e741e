import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import { type Logger, pino } from 'pino'
import type { EmbeddingCache } from '../cache/cache.js'
import { AdapterTrainError, isAdapterTrainError, messageOf } from '../errors.js'
import type { Matrix } from '../math/matrix.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { type AdapterSet, createAdapterSet, type LoadedAdapter, type NamedAdapterFile } from './adapter-set.js'
import { createBaseEmbedder } from './base-embedder.js'
import { createApp } from './create-app.js'
import { SERVE_DEFAULTS } from './defaults.js'
import { createTargetEmbedder } from './embed-target.js'
import { isLoopback } from './loopback.js'
import { createMetrics } from './metrics.js'
import { createModelNames } from './model-names.js'
import type { RequestScope } from './request-scope.js'
import { createShadow } from './shadow.js'
import { tolerantCache } from './tolerant-cache.js'

/** What a server serves, and how. Defaults are {@link SERVE_DEFAULTS}. */
export interface EmbeddingServerOptions {
  readonly provider: EmbeddingProvider
  /** The first serves `<model>:query`, each one `<model>:<name>`. */
  readonly adapters: readonly NamedAdapterFile[]
  /** The plain name; by default what the provider's id has after its first `/` and before an `@`. */
  readonly modelName?: string
  /** Serve although the provider's id or dimensions are not those of an adapter's base. */
  readonly allowMismatch?: boolean
  /** The same model with vectors of another length, for clients that ask for other documents' `dimensions`. */
  readonly providerFor?: (dimensions: number) => Promise<EmbeddingProvider>
  /** Where the upstream's vectors of documents are kept; the caller closes it. */
  readonly cache?: EmbeddingCache
  /** Keep those of queries as well. */
  readonly cacheQueries?: boolean
  /** Further attempts after a call of the upstream failed; 0 by default, since clients try again themselves. */
  readonly retries?: number
  /** What clients have to send as `authorization: Bearer <token>`. Needed to listen at more than this machine's own addresses. */
  readonly token?: string
  /** Bytes of a request's body. */
  readonly bodyLimit?: number
  readonly requestTimeoutMs?: number
  /** Requests a minute for each client address; no limit by default. */
  readonly rateLimit?: number
  /** Origins whose pages may read the answers; none by default. */
  readonly corsOrigins?: readonly string[]
  /** Milliseconds between two looks at the adapter files; 0 for none. */
  readonly watchIntervalMs?: number
  /** Logs for some queries how far the top documents would change under another of the adapters. */
  readonly shadow?: ShadowTrial
  /** None by default. */
  readonly logger?: Logger
}

/** An adapter on trial: real queries are ranked with it too, and only the log hears of it. */
export interface ShadowTrial {
  /** One of the adapters' names. */
  readonly adapter: string
  /** [documents, d] */
  readonly documents: Matrix
  /** Length of the rankings that are compared. */
  readonly top?: number
}

/** A server of embeddings that speaks the protocols of OpenAI and Cohere. */
export interface EmbeddingServer {
  /** Model names that clients can ask for, the plain one first. */
  readonly models: readonly string[]
  /** The adapters as they are now. */
  readonly adapters: readonly LoadedAdapter[]
  /**
   * @returns the address, such as `http://127.0.0.1:8080`
   * @throws USAGE when the host is more than this machine and there is no token
   * @throws SERVE_LISTEN when the address is taken, not allowed or not there
   */
  listen(options?: { readonly host?: string; readonly port?: number }): Promise<string>
  /** Reads every adapter file again; one that is broken keeps the state it had. */
  reload(): void
  /** Takes no more requests, lets those in flight finish, and gives up what is left of them after `drainTimeoutMs`. */
  close(drainTimeoutMs?: number): Promise<void>
}

/** Milliseconds in which requests are still taken after the server was told to end, so that none is cut off on its way. */
const LINGER_MS = 200
/** Milliseconds in which requests that were given up can still send their error. */
const LAST_WORDS_MS = 250

/**
 * Makes a server that puts adapters in front of an embedding provider: queries adapted, documents untouched.
 *
 * @throws USAGE when an option is wrong
 * @throws ADAPTER_MISMATCH when an adapter was not trained on the provider's model; as `loadAdapter` when one cannot be read
 */
export function createEmbeddingServer(options: EmbeddingServerOptions): EmbeddingServer {
  const { provider, token, requestTimeoutMs = SERVE_DEFAULTS.requestTimeoutMs } = options
  const { watchIntervalMs = SERVE_DEFAULTS.watchIntervalMs, logger = pino({ level: 'silent' }) } = options
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new AdapterTrainError('USAGE', 'the token of the server must be of visible ASCII characters, without blanks')
  }
  const metrics = createMetrics()
  const adapters = createAdapterSet(options.adapters, { ...options, metrics, logger })
  const models = createModelNames(options.modelName ?? plainName(provider.id), provider.id, adapters)
  const cache =
    options.cache &&
    tolerantCache(options.cache, (operation, error) => {
      metrics.cacheErrors.inc({ operation })
      logger.warn({ operation, code: isAdapterTrainError(error) ? error.code : 'INTERNAL' }, 'cache failed')
    })
  const embed = createTargetEmbedder({
    provider,
    providerFor: options.providerFor,
    embedBase: createBaseEmbedder({
      concurrency: provider.limits.maxConcurrency,
      cache,
      cacheQueries: options.cacheQueries,
      retries: options.retries ?? 0,
      metrics,
    }),
    shadow: options.shadow && createShadow({ ...shadowOf(options.shadow, adapters), metrics, logger }),
    metrics,
  })
  const active = new Set<RequestScope>()
  let closing: Promise<void> | undefined
  const app = createApp({
    models,
    embed,
    maxInputs: provider.limits.maxInputs,
    bodyLimit: options.bodyLimit ?? SERVE_DEFAULTS.bodyLimit,
    requestTimeoutMs,
    token,
    rateLimit: options.rateLimit,
    corsOrigins: options.corsOrigins ?? [],
    metrics,
    logger,
    active,
    isClosing: () => closing !== undefined,
  })
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: { requestTimeout: requestTimeoutMs, keepAliveTimeout: 65_000 },
  }) as Server
  let watch: NodeJS.Timeout | undefined

  const drain = async (drainTimeoutMs: number): Promise<void> => {
    clearInterval(watch)
    for (const scope of active) scope.closeConnection()
    // Requests that are on their way over open connections are taken, each the last of its connection.
    const connections = await new Promise<number>(resolve => server.getConnections((_, count) => resolve(count ?? 0)))
    if (connections > 0) await sleep(Math.min(LINGER_MS, drainTimeoutMs))
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    const giveUp = setTimeout(
      () => {
        logger.warn({ requests: active.size }, 'requests given up')
        for (const scope of active) scope.stop('shutdown')
        setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS)
      },
      Math.max(0, drainTimeoutMs - LINGER_MS),
    )
    await closed
    clearTimeout(giveUp)
    // The last connections are closed a turn or two before their requests are counted and logged.
    while (active.size > 0) await nextTurn()
  }

  return {
    models: models.all,
    get adapters() {
      return adapters.names.map(name => adapters.get(name)!)
    },
    async listen({ host = SERVE_DEFAULTS.host, port = SERVE_DEFAULTS.port } = {}) {
      if (token === undefined && !isLoopback(host)) {
        throw new AdapterTrainError(
          'USAGE',
          `${host} can be reached from other machines, so the server needs a token there (ADAPTER_TRAIN_SERVE_TOKEN or ` +
            '--token-file); without one it listens at 127.0.0.1, ::1 and localhost only',
        )
      }
      await listening(server, host, port)
      if (watchIntervalMs > 0) watch = setInterval(() => adapters.reload('changed'), watchIntervalMs).unref()
      const { address, family, port: given } = server.address() as AddressInfo
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${given}`
    },
    reload: () => adapters.reload('all'),
    close(drainTimeoutMs = SERVE_DEFAULTS.drainTimeoutMs) {
      closing ??= drain(drainTimeoutMs)
      return closing
    },
  }
}

function plainName(id: string): string {
  return id.replace(/^[^/]*\//, '').replace(/@\d+$/, '')
}

function shadowOf({ adapter, documents, top = SERVE_DEFAULTS.shadowTop }: ShadowTrial, adapters: AdapterSet) {
  const trial = adapters.get(adapter)
  if (!trial) {
    const names = adapters.names.join(', ')
    throw new AdapterTrainError('USAGE', `there is no adapter "${adapter}" for shadow mode; there is ${names}`)
  }
  const { dimensions } = trial.adapter.base
  if (documents.rows === 0 || documents.cols !== dimensions) {
    throw new AdapterTrainError(
      'USAGE',
      `shadow mode needs documents of ${dimensions} dimensions; there are ${documents.rows} of ${documents.cols}`,
    )
  }
  return { adapter: () => adapters.get(adapter)!, documents, top, intervalMs: SERVE_DEFAULTS.shadowIntervalMs }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const message = `cannot listen at ${host}, port ${port}: ${messageOf(error)}; choose another --port or --host`
      reject(new AdapterTrainError('SERVE_LISTEN', message, { cause: error, details: { host, port } }))
    }
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
}
