import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { EmbeddingCache } from '../cache/cache.js'
import type { SqliteCache } from '../cache/sqlite-cache.js'
import type { EmbedDatasetOptions } from '../embed/embed-dataset.js'
import type { EmbeddingEstimate } from '../embed/estimate.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { type Interrupt, onInterrupt } from './interrupt.js'
import { type BatchArgs, batchReporting } from './options/batch-options.js'
import { checkProviderArgs, openCacheOption, openProvider, type ProviderArgs } from './options/provider-options.js'
import type { Console } from './output/console.js'
import { count } from './output/tables.js'

/** What a command that embeds works with. */
export interface Session extends Interrupt {
  readonly provider: EmbeddingProvider
  readonly cache: EmbeddingCache | undefined
  /** Retries, progress and cost lines. */
  readonly embed: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
  /** Where vectors go that memory has no room for. */
  readonly spillFolder: string | undefined
}

/**
 * Opens provider and cache, runs `work`, and closes them however it ends.
 * @param dry `work` sends nothing: no key is needed, and no cache file is made where there is none
 */
export async function withSession<T>(
  base: string,
  args: ProviderArgs & Partial<BatchArgs>,
  out: Console,
  work: (session: Session) => Promise<T>,
  { dry = false } = {},
): Promise<T> {
  checkProviderArgs(base, args)
  const { signal, release } = onInterrupt(out)
  const bar = out.progress('embedding', 'texts')
  let provider: EmbeddingProvider | undefined
  let cache: SqliteCache | undefined
  try {
    provider = await openProvider(base, args, dry ? 'none' : undefined)
    cache = dry && !existsSync(args.cache) ? undefined : await openCacheOption(args)
    const { batchApi = false, wait = true, batchPoll } = args
    const batches = batchApi && cache ? batchReporting({ batchApi, wait, batchPoll }, cache.batches, out) : undefined
    const { id, price, limits } = provider
    out.detail(
      `provider ${id}: at most ${limits.maxInputs} texts a request, ${args.concurrency ?? limits.maxConcurrency} requests at once; cache ${args.cache}`,
    )
    const onPlan: Session['embed']['onPlan'] = estimate => out.info(planText(id, estimate))
    const embed = { ...embedReporting(args, out, bar, price), onPlan, batches }
    return await work({ provider, cache, signal, embed, release, spillFolder: spillFolderOf(args) })
  } finally {
    release()
    bar.end()
    cache?.close()
    await provider?.close?.()
  }
}

/** Beside the cache, because the folder for temporary files may itself be memory. */
export function spillFolderOf({ cache }: ProviderArgs): string | undefined {
  return cache === 'none' ? undefined : dirname(resolve(cache))
}

/** Says what embedding will take: texts, and tokens and cost of those that are missing. */
export function planText(id: string, { unique, cached, missing, tokens, cost }: EmbeddingEstimate): string {
  const price = !cost ? '' : `, about ${formatDollars(cost)}`
  const rest =
    missing > 0 ? `; ${missing.toLocaleString('en')} to embed (${tokens.toLocaleString('en')} tokens${price})` : ''
  return `${unique.toLocaleString('en')} distinct texts for ${id}: ${cached.toLocaleString('en')} from the cache${rest}`
}

/**
 * Retries and progress as a command shows them.
 * @param price of a million tokens, in US dollars
 */
export function embedReporting(
  args: Pick<ProviderArgs, 'concurrency' | 'retries'>,
  out: Console,
  bar: ReturnType<Console['progress']>,
  price?: number,
): Omit<Session['embed'], 'onPlan'> {
  let told = 0
  return {
    concurrency: args.concurrency,
    retries: args.retries,
    onProgress({ done, total, hits, tokens, requests, elapsedMs }) {
      const cost = price ? `, ${formatDollars((tokens / 1e6) * price)}` : ''
      const spent = `${tokens.toLocaleString('en')} tokens${cost}`
      bar.update(done, total, requests > 0 ? spent : undefined)
      if (requests > told) {
        const texts = `${done - hits} of ${total - hits} texts embedded`
        out.detail(`${count(requests, 'request')}: ${texts}, ${spent}, after ${(elapsedMs / 1000).toFixed(2)} s`)
        told = requests
      }
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
