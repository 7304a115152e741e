import { existsSync } from 'node:fs'
import type { EmbeddingCache } from '../cache/cache.js'
import type { EmbedDatasetOptions } from '../embed/embed-dataset.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { Console } from './console.js'
import { checkProviderArgs, openCacheOption, openProvider, type ProviderArgs } from './provider-options.js'

/** What a command that embeds works with. */
export interface Session {
  readonly provider: EmbeddingProvider
  readonly cache: EmbeddingCache | undefined
  /** Aborted by the first Ctrl-C; the second ends the program at once. */
  readonly signal: AbortSignal
  /** Retries, progress and cost lines. */
  readonly embed: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
  /** Lets Ctrl-C end the program at once, also in the middle of a long computation: nothing is left to be stored. */
  release(): void
}

/**
 * Opens provider and cache, runs `work`, and closes them however it ends.
 * @param dry `work` sends nothing: no key is needed, and no cache file is made where there is none
 */
export async function withSession<T>(
  base: string,
  args: ProviderArgs,
  out: Console,
  work: (session: Session) => Promise<T>,
  { dry = false } = {},
): Promise<T> {
  checkProviderArgs(base, args)
  const abort = new AbortController()
  const stop = (): void => {
    if (abort.signal.aborted) process.exit(1)
    out.warn('stopping; press Ctrl-C again to stop at once')
    abort.abort()
  }
  const release = (): void => {
    process.off('SIGINT', stop)
  }
  process.on('SIGINT', stop)
  const bar = out.progress('embedding')
  let provider: EmbeddingProvider | undefined
  let cache: EmbeddingCache | undefined
  try {
    provider = await openProvider(base, args, dry ? 'none' : undefined)
    cache = dry && !existsSync(args.cache) ? undefined : await openCacheOption(args)
    const embed = embedReporting(args, out, bar, provider)
    return await work({ provider, cache, signal: abort.signal, embed, release })
  } finally {
    release()
    bar.end()
    cache?.close()
    await provider?.close?.()
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
