import type { EmbeddingCache } from '../cache/cache.js'
import type { EmbedDatasetOptions } from '../embed/embed-dataset.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { Console } from './console.js'
import { openCacheOption, openProvider, type ProviderArgs } from './provider-options.js'

/** What a command that embeds works with. */
export interface Session {
  readonly provider: EmbeddingProvider
  readonly cache: EmbeddingCache | undefined
  /** Aborted by the first Ctrl-C; the second ends the program at once. */
  readonly signal: AbortSignal
  /** Retries, progress and cost lines. */
  readonly embed: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
}

/** Opens provider and cache, runs `work`, and closes them however it ends. */
export async function withSession<T>(
  base: string,
  args: ProviderArgs,
  out: Console,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const provider = await openProvider(base, args)
  const cache = await openCacheOption(args)
  const abort = new AbortController()
  const stop = (): void => {
    if (abort.signal.aborted) process.exit(1)
    out.warn('stopping; press Ctrl-C again to stop at once')
    abort.abort()
  }
  process.on('SIGINT', stop)
  const bar = out.progress('embedding')
  try {
    return await work({ provider, cache, signal: abort.signal, embed: embedReporting(args, out, bar, provider) })
  } finally {
    process.off('SIGINT', stop)
    bar.end()
    cache?.close()
    await provider.close?.()
  }
}

function embedReporting(
  args: ProviderArgs,
  out: Console,
  bar: ReturnType<Console['progress']>,
  provider: EmbeddingProvider,
): Session['embed'] {
  return {
    concurrency: args.concurrency,
    retries: args.retries,
    onPlan({ unique, cached, missing, tokens, cost }) {
      const price = !cost ? '' : `, about ${formatDollars(cost)}`
      const rest = missing > 0 ? `; ${missing} to embed (${tokens.toLocaleString('en')} tokens${price})` : ''
      out.info(`${unique.toLocaleString('en')} distinct texts for ${provider.id}: ${cached} from the cache${rest}`)
    },
    onProgress({ done, total }) {
      bar.update(done, total)
      if (done === total) bar.end()
    },
    onRetry({ attempt, attempts, delayMs, reason }) {
      bar.end()
      out.warn(
        `request failed (attempt ${attempt} of ${attempts}), next try in ${(delayMs / 1000).toFixed(1)} s: ${reason}`,
      )
    },
  }
}

/** 0.00042 -> "$0.0004", 12.3 -> "$12.30" */
export function formatDollars(dollars: number): string {
  return `$${dollars.toFixed(dollars > 0 && dollars < 0.1 ? 4 : 2)}`
}
