import { once } from 'node:events'
import { pino } from 'pino'
import { loadAdapter } from '../../adapters/file.js'
import type { EmbeddingCache } from '../../cache/cache.js'
import { readDataset } from '../../dataset/read.js'
import { embedTexts } from '../../embed/embed-texts.js'
import { usageError } from '../../errors.js'
import { topScoreText } from '../../pipeline/top-score.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { createEmbeddingServer } from '../../serve/create-embedding-server.js'
import { type NamedAdapterFile, SERVE_DEFAULTS, type ShadowTrial } from '../../serve/options.js'
import { printable } from '../../words.js'
import type { ServeArgs } from '../commands/serve.js'
import { untilStopped } from '../interrupt.js'
import { checkProviderArgs, openCacheOption, openProvider, withBaseOf } from '../options/provider-options.js'
import { readToken, TOKEN_VARIABLE } from '../options/read-token.js'
import { type Console, createConsole } from '../output/console.js'
import { noteUnchecked } from '../session.js'

/** Milliseconds a request waits for another process's lock on the cache; all other requests wait too. */
const CACHE_WAIT_MS = 250
/** Most documents in shadow mode, spread over the dataset: they take memory and time. */
const MOST_SHADOW_DOCUMENTS = 10_000

export async function serve(given: ServeArgs): Promise<void> {
  const adapters = adapterFiles(given.adapter)
  const first = given.base === undefined ? loadAdapter(adapters[0].path) : undefined
  const args = await withBaseOf(given, first, adapters[0].path)
  const token = readToken(args.tokenFile)
  checkArgs(args, adapters)
  const out = createConsole(args)
  const log = pino.destination({ dest: 2, sync: false })
  const level = args.quiet && args.logLevel === 'info' ? 'warn' : args.logLevel
  const logger = pino({ level, hooks: { streamWrite: printable } }, log)
  let provider: EmbeddingProvider | undefined
  let cache: EmbeddingCache | undefined
  try {
    provider = await openUpstream(args)
    if (first) noteUnchecked(first, provider, out)
    cache = await openCacheOption(args, { busyTimeoutMs: CACHE_WAIT_MS })
    const server = createEmbeddingServer({
      ...args,
      provider,
      adapters,
      cache,
      token,
      logger,
      modelName: args.modelName ?? (args.baseId === undefined ? undefined : args.model),
      // A local model would be loaded once more for every length.
      providerFor: args.base === 'sbert' ? undefined : dimensions => openUpstream({ ...args, dimensions }),
      requestTimeoutMs: Math.ceil(args.requestTimeout * 1000),
      corsOrigins: args.cors,
      watchIntervalMs: args.watch ? SERVE_DEFAULTS.watchIntervalMs : 0,
      shadow: args.shadow === undefined ? undefined : await shadowTrial(args, provider, cache, out),
    })
    const stopped = untilStopped(() => server.reload())
    const url = await server.listen({ host: args.host, port: args.port })
    for (const { name, adapter } of server.adapters) {
      const moved = topScoreText(adapter)
      if (moved !== undefined) out.info(`adapter ${name}: ${moved}`)
    }
    const { models } = server
    out.json({ url, models })
    out.result(`listening at ${url}\n${models.map(model => `  ${model}`).join('\n')}`)
    if (token === undefined) out.info(`no token is set (${TOKEN_VARIABLE}): every program on this machine can use the server`)
    logger.info({ url, models }, 'listening')
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

function openUpstream(args: ServeArgs & { readonly base: string }): Promise<EmbeddingProvider> {
  const { concurrency = SERVE_DEFAULTS.concurrency } = args
  return openProvider(args.base, { ...args, concurrency, transport: 'http' })
}

function checkArgs(args: ServeArgs, adapters: readonly NamedAdapterFile[]): void {
  const { timeout, retries, ...own } = args
  checkProviderArgs(args.base, {
    ...own,
    timeout: timeout === SERVE_DEFAULTS.upstreamTimeoutMs / 1000 ? undefined : timeout,
    retries: retries === 0 ? undefined : retries,
  })
  if ((args.shadow === undefined) !== (args.shadowData === undefined))
    throw usageError('--shadow NAME and --shadow-data DATA go together')
  if (args.shadow !== undefined && !adapters.some(({ name }) => name === args.shadow)) {
    const names = adapters.map(({ name }) => name).join(', ')
    throw usageError(`--shadow names an adapter, and there is no "${args.shadow}"; there is ${names}`)
  }
  if (args.cacheQueries && args.cache === 'none') throw usageError('--cache-queries needs a cache; drop --cache none')
}

/** `x.json` -> default, `sales=y.json` -> sales */
function adapterFiles(values: readonly string[] | undefined): NamedAdapterFile[] {
  if (!values) throw usageError('missing option --adapter; see adapter-train serve --help')
  return values.map(value => {
    const [, name = 'default', path = value] = /^([\w.-]+)=(.+)$/s.exec(value) ?? []
    return { name, path }
  })
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
