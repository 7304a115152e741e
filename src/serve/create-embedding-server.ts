import type { Server } from 'node:http'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import { pino } from 'pino'
import { timerMs } from '../abort.js'
import { usageError } from '../errors.js'
import { modelNameOf } from '../wrap/adapter-source.js'
import { type AdapterSet, createAdapterSet, type LoadedAdapter } from './adapter-set.js'
import { listening, requireToken } from './address.js'
import { createBaseEmbedder, tolerantCache } from './base-embedder.js'
import { createApp } from './create-app.js'
import { createDriftWatch } from './drift-watch.js'
import { createTargetEmbedder } from './embed-target.js'
import { codeOf } from './errors.js'
import { createMetrics } from './metrics.js'
import { createModelNames } from './model-names.js'
import { type EmbeddingServerOptions, SERVE_DEFAULTS, type ShadowTrial } from './options.js'
import type { RequestScope } from './request-scope.js'
import { createShadow } from './shadow.js'

/** A server of embeddings for clients of OpenAI and Cohere. */
export interface EmbeddingServer {
  /** Model names that clients can request, the plain one first. */
  readonly models: readonly string[]
  readonly adapters: readonly LoadedAdapter[]
  /**
   * Loads a model of this machine, then listens at an address, by default 127.0.0.1:8080.
   * @param options `port` 0 for any free one
   * @returns the address, such as `http://127.0.0.1:8080`
   * @throws USAGE if other machines reach the host and there is no token
   * @throws as `EmbeddingProvider.embed` if a local model cannot be loaded
   * @throws SERVE_LISTEN if the address is taken, not allowed or does not exist
   */
  listen(options?: { readonly host?: string; readonly port?: number }): Promise<string>
  /** Reads every adapter file again; a broken one keeps its state. */
  reload(): void
  /** Takes no more requests, lets those in flight finish, and gives up the rest after `drainTimeoutMs` milliseconds. */
  close(drainTimeoutMs?: number): Promise<void>
}

/** Milliseconds in which requests are still taken while the server closes, so that none is cut off on its way. */
const LINGER_MS = 200
/** Milliseconds for requests given up to send their error. */
const LAST_WORDS_MS = 250

/**
 * Makes a server that puts adapters in front of an embedding provider: queries adapted, documents untouched.
 * @throws USAGE if an option is wrong
 * @throws ADAPTER_MISMATCH if an adapter was not trained on the provider's model; as `loadAdapter` if one cannot be read
 */
export function createEmbeddingServer(options: EmbeddingServerOptions): EmbeddingServer {
  const { provider, token } = options
  const requestTimeoutMs = timerMs(options.requestTimeoutMs ?? SERVE_DEFAULTS.requestTimeoutMs)
  const { watchIntervalMs = SERVE_DEFAULTS.watchIntervalMs, logger = pino({ level: 'silent' }) } = options
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw usageError('server token: expected visible ASCII characters without blanks')
  const metrics = createMetrics()
  const adapters = createAdapterSet(options.adapters, { ...options, metrics, logger })
  const models = createModelNames(options.modelName ?? modelNameOf(provider.id), provider.id, adapters)
  const cache =
    options.cache &&
    tolerantCache(options.cache, (operation, error) => {
      metrics.cacheErrors.inc({ operation })
      logger.warn({ operation, code: codeOf(error) }, 'cache failed')
    })
  const embed = createTargetEmbedder({
    provider,
    providerFor: options.providerFor,
    embedBase: createBaseEmbedder({ ...options, concurrency: provider.limits.maxConcurrency, cache, metrics }),
    drift: createDriftWatch({ adapters, metrics, logger }),
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
    corsOrigins: options.corsOrigins ?? [],
    rateLimit: options.rateLimit,
    requestTimeoutMs,
    token,
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
    // Requests on their way over open connections are taken, each the last of its connection.
    const connections = await new Promise<number>(resolve => server.getConnections((_, count) => resolve(count ?? 0)))
    if (connections > 0) await sleep(Math.min(LINGER_MS, drainTimeoutMs))
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    const giveUp = setTimeout(
      () => {
        logger.warn({ requests: active.size }, 'requests given up')
        for (const scope of active) scope.stop('shutdown')
        setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS)
      },
      timerMs(Math.max(0, drainTimeoutMs - LINGER_MS)),
    )
    await closed
    clearTimeout(giveUp)
    // The last connections close a turn or two before their requests are counted and logged.
    while (active.size > 0) await nextTurn()
  }

  return {
    models: models.all,
    get adapters() {
      return adapters.names.map(name => adapters.get(name)!)
    },
    async listen({ host = SERVE_DEFAULTS.host, port = SERVE_DEFAULTS.port } = {}) {
      requireToken(host, token)
      // A model on this machine loads with its first text; clients and probes find no open port before.
      if (provider.isLocal) await provider.embed(['warm-up'], 'query')
      const url = await listening(server, host, port)
      if (watchIntervalMs > 0) watch = setInterval(() => adapters.reload('changed'), timerMs(watchIntervalMs)).unref()
      return url
    },
    reload: () => adapters.reload('all'),
    close(drainTimeoutMs = SERVE_DEFAULTS.drainTimeoutMs) {
      closing ??= drain(drainTimeoutMs)
      return closing
    },
  }
}

function shadowOf({ adapter, documents, top = SERVE_DEFAULTS.shadowTop }: ShadowTrial, adapters: AdapterSet) {
  const trial = adapters.get(adapter)
  if (!trial) throw usageError(`shadow mode: expected one of the adapters ${adapters.names.join(', ')}, found "${adapter}"`)
  const { dimensions } = trial.adapter.base
  if (documents.rows === 0 || documents.cols !== dimensions) {
    throw usageError(`shadow mode: expected documents of ${dimensions} dimensions, found ${documents.rows} of ${documents.cols}`)
  }
  return { adapter: () => adapters.get(adapter)!, documents, top, intervalMs: SERVE_DEFAULTS.shadowIntervalMs }
}
