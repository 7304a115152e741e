import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import type { EmbeddingCache } from '../../cache/cache.js'
import { readDataset } from '../../dataset/read.js'
import { embedTexts } from '../../embed/embed-texts.js'
import { AdapterTrainError, messageOf } from '../../errors.js'
import { parseBytes } from '../../memory-limit.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import type { NamedAdapterFile } from '../../serve/adapter-set.js'
import { createEmbeddingServer, type ShadowTrial } from '../../serve/create-embedding-server.js'
import { SERVE_DEFAULTS } from '../../serve/defaults.js'
import type { ServeArgs } from '../commands/serve.js'
import { checkProviderArgs, openProvider } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { untilStopped } from '../until-stopped.js'

const TOKEN_VARIABLE = 'ADAPTER_TRAIN_SERVE_TOKEN'
/** Milliseconds that a request waits for another process's lock on the cache; all requests wait meanwhile. */
const CACHE_WAIT_MS = 250
/** Documents that shadow mode looks at, spread over the data set, for the memory and the time that they take. */
const MOST_SHADOW_DOCUMENTS = 10_000

/** Serves until the process is told to end. */
export async function serve(args: ServeArgs): Promise<void> {
  const adapters = adapterFiles(args.adapter)
  const token = readToken(args.tokenFile)
  const bodyLimit = parseBytes(args.bodyLimit)
  checkArgs(args, adapters)
  const out = createConsole(args)
  const log = pino.destination({ dest: 2, sync: false })
  const logger = pino({ level: args.quiet && args.logLevel === 'info' ? 'warn' : args.logLevel }, log)
  let provider: EmbeddingProvider | undefined
  let cache: EmbeddingCache | undefined
  try {
    provider = await openUpstream(args)
    cache = await openServerCache(args)
    const server = createEmbeddingServer({
      provider,
      adapters,
      modelName: args.modelName ?? (args.baseId === undefined ? undefined : args.model),
      allowMismatch: args.allowMismatch,
      // A local model would be loaded once more for every length.
      providerFor: args.base === 'sbert' ? undefined : dimensions => openUpstream({ ...args, dimensions }),
      cache,
      cacheQueries: args.cacheQueries,
      retries: args.retries,
      token,
      bodyLimit,
      requestTimeoutMs: Math.ceil(args.requestTimeout * 1000),
      rateLimit: args.rateLimit,
      corsOrigins: args.cors,
      watchIntervalMs: args.watch ? SERVE_DEFAULTS.watchIntervalMs : 0,
      shadow: args.shadow === undefined ? undefined : await shadowTrial(args, provider, cache, out),
      logger,
    })
    const stopped = untilStopped(() => server.reload())
    const url = await server.listen({ host: args.host, port: args.port })
    announce(url, server.models, token !== undefined, args, out)
    logger.info({ url, models: server.models }, 'listening')
    const signal = await stopped
    logger.info({ signal }, 'closing')
    await server.close(Math.ceil(args.drainTimeout * 1000))
    logger.info('closed')
  } finally {
    // Lines that are being written come first; a reader that is gone loses no more than its lines.
    const written = once(log, 'close').catch(() => undefined)
    log.end()
    await written
    cache?.close()
    await provider?.close?.()
  }
}

function openUpstream(args: ServeArgs): Promise<EmbeddingProvider> {
  const { concurrency = SERVE_DEFAULTS.concurrency } = args
  return openProvider(args.base, { ...args, concurrency, transport: 'http' })
}

async function openServerCache({ cache }: ServeArgs): Promise<EmbeddingCache | undefined> {
  if (cache === 'none') return undefined
  const { openCache } = await import('../../cache/sqlite-cache.js')
  return openCache(cache, { busyTimeoutMs: CACHE_WAIT_MS })
}

function checkArgs(args: ServeArgs, adapters: readonly NamedAdapterFile[]): void {
  const { timeout, retries, ...own } = args
  checkProviderArgs(args.base, {
    ...own,
    timeout: timeout === SERVE_DEFAULTS.upstreamTimeoutMs / 1000 ? undefined : timeout,
    retries: retries === 0 ? undefined : retries,
  })
  if (args.port > 65_535) throw new AdapterTrainError('USAGE', `--port must be at most 65535, found ${args.port}`)
  if ((args.shadow === undefined) !== (args.shadowData === undefined)) {
    throw new AdapterTrainError('USAGE', '--shadow NAME and --shadow-data DATA go together')
  }
  if (args.shadow !== undefined && !adapters.some(({ name }) => name === args.shadow)) {
    const names = adapters.map(({ name }) => name).join(', ')
    throw new AdapterTrainError(
      'USAGE',
      `--shadow names an adapter, and there is no "${args.shadow}"; there is ${names}`,
    )
  }
  if (args.cacheQueries && args.cache === 'none') {
    throw new AdapterTrainError('USAGE', '--cache-queries needs a cache; drop --cache none')
  }
}

/** `x.json` -> default, `sales=y.json` -> sales */
function adapterFiles(values: readonly string[] | undefined): NamedAdapterFile[] {
  if (!values) throw new AdapterTrainError('USAGE', 'missing option --adapter; see adapter-train serve --help')
  return values.map(value => {
    const [, name = 'default', path = value] = /^([\w.-]+)=(.+)$/s.exec(value) ?? []
    return { name, path }
  })
}

function readToken(file: string | undefined): string | undefined {
  if (file === undefined) return process.env[TOKEN_VARIABLE]?.trim() || undefined
  let token: string
  try {
    token = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new AdapterTrainError('FILE_READ', `cannot read the token file ${file}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  if (token === '') throw new AdapterTrainError('USAGE', `the token file ${file} is empty`)
  return token
}

async function shadowTrial(
  args: ServeArgs,
  provider: EmbeddingProvider,
  cache: EmbeddingCache | undefined,
  out: Console,
): Promise<ShadowTrial> {
  const { dataset } = await readDataset(args.shadowData!)
  const all = [...new Set(dataset.corpus.values())]
  const step = Math.max(1, all.length / MOST_SHADOW_DOCUMENTS)
  const texts = Array.from({ length: Math.min(all.length, MOST_SHADOW_DOCUMENTS) }, (_, i) => all[Math.floor(i * step)])
  out.info(`shadow mode: embedding ${texts.length} documents of ${args.shadowData}`)
  const { vectors } = await embedTexts(provider, texts, 'document', { cache, concurrency: 4 })
  return { adapter: args.shadow!, documents: vectors, top: args.shadowTop }
}

function announce(url: string, models: readonly string[], guarded: boolean, args: ServeArgs, out: Console): void {
  if (args.json) out.json({ url, models })
  else out.result(`listening at ${url}\n${models.map(model => `  ${model}`).join('\n')}`)
  if (!guarded) out.info(`no token is set (${TOKEN_VARIABLE}): every program on this machine can use the server`)
}
