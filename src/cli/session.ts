import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Adapter } from '../adapters/adapter.js'
import type { EmbeddingCache } from '../cache/cache.js'
import type { SqliteCache } from '../cache/sqlite-cache.js'
import type { EmbedDatasetOptions } from '../embed/embed-dataset.js'
import type { EmbeddingEstimate } from '../embed/estimate.js'
import type { RetryInfo } from '../embed/retry.js'
import { usageError } from '../errors.js'
import { getOrInsert } from '../maps.js'
import { type OpenDataOptions, type OpenedData, openData } from '../pipeline/open-data.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { formatDollars, whole } from '../report/format.js'
import { type Interrupt, onInterrupt } from './interrupt.js'
import { type BatchArgs, batchReporting } from './options/batch-options.js'
import { type CostArgs, costLimit, Estimated } from './options/cost-options.js'
import { type DataFileArgs, findDataFiles } from './options/data-files.js'
import type { DatasetArgs } from './options/dataset-options.js'
import type { ProviderArgs } from './options/provider-options.js'
import { checkProviderArgs, openCacheOption, openProvider, requireBase } from './options/provider-options.js'
import { type Console, reportSkipped } from './output/console.js'
import type { Progress } from './output/progress.js'
import { count } from './output/tables.js'

type EmbedArgs = ProviderArgs & Partial<BatchArgs> & Partial<CostArgs>

/** Provider, cache and reporting of a command that embeds. */
export interface Session extends Interrupt {
  readonly provider: EmbeddingProvider
  readonly cache: EmbeddingCache | undefined
  /** Retries, progress and cost lines. */
  readonly embed: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
  /** Folder of vectors that do not fit in memory. */
  readonly spillFolder: string | undefined
}

/** Opens provider and cache, runs `work`, and closes them. An estimate sends nothing: it needs no key and makes no cache file. */
export async function withSession<T>(args: EmbedArgs, out: Console, work: (session: Session) => Promise<T>) {
  const base = requireBase(args.base)
  checkProviderArgs(base, args)
  const { signal, release } = onInterrupt(out)
  const bar = out.progress('embedding', 'texts')
  let provider: EmbeddingProvider | undefined
  let cache: SqliteCache | undefined
  try {
    provider = countingOnce(await openProvider(base, args, args.estimate ? 'none' : undefined))
    cache = args.estimate && !existsSync(args.cache) ? undefined : await openCacheOption(args, { onWarning: out.warn })
    const { batchApi = false, wait = true, batchPoll } = args
    const batches = batchApi && cache ? batchReporting({ batchApi, wait, batchPoll }, cache.batches, out) : undefined
    const { id, price, limits, isLocal } = provider
    out.detail(
      `provider ${id}: at most ${limits.maxInputs} texts per request, ${args.concurrency ?? limits.maxConcurrency} requests at once; cache ${args.cache}`,
    )
    const limit = costLimit(args.maxCost)
    const onPlan: Session['embed']['onPlan'] = estimate => {
      const text = planText(id, estimate)
      if (args.estimate) out.result(text)
      else out.info(text)
      limit({ id, isLocal }, estimate)
      if (args.estimate) throw new Estimated(id, estimate)
    }
    const embed = { ...embedReporting(args, out, bar, price), onPlan, batches }
    return await work({ provider, cache, signal, embed, release, spillFolder: spillFolderOf(args) })
  } finally {
    release()
    bar.end()
    cache?.close()
    await provider?.close?.()
  }
}

/** Remembers the tokens of texts for as long as a command runs: its estimate counts them before its embedding does. */
export function countingOnce(provider: EmbeddingProvider): EmbeddingProvider {
  for (const model of provider.parts ?? [provider]) {
    const count = model.countTokens.bind(model)
    const known = new Map<string, number>()
    Object.assign(model, { countTokens: (text: string) => getOrInsert(known, text, () => count(text)) })
  }
  return provider
}

/** Opens what `--base` needs, runs `work`, and closes it; vectors of your own need no provider. */
export async function withDataSession<T>(
  args: EmbedArgs,
  out: Console,
  work: (session: Interrupt & Partial<Session>) => Promise<T>,
): Promise<T> {
  if (args.base !== 'vectors') return withSession(args, out, work)
  if (args.estimate) throw usageError('--estimate: vectors of your own cost nothing; drop it')
  const interrupt = onInterrupt(out)
  try {
    return await work(interrupt)
  } finally {
    interrupt.release()
  }
}

type DataArgs = ProviderArgs &
  DataFileArgs &
  Partial<DatasetArgs> &
  Pick<OpenDataOptions, 'vectors' | 'texts' | 'index' | 'indexFilter' | 'indexEffort' | 'splitBy' | 'seed'>

/** Opens the data that options name, or LlamaIndex's files if they name none, and lists invalid entries left out. */
export async function openDataOf(
  args: DataArgs,
  fractions: Pick<OpenDataOptions, 'valFraction' | 'testFraction'>,
  out: Console,
): Promise<OpenedData> {
  checkVectorArgs(args, ['train', 'val', 'test'])
  const files = args.vectors === undefined ? findDataFiles(args) : undefined
  return openListed({ ...args, ...files, ...fractions }, out)
}

/** Opens data as `openData` does and lists invalid entries left out. */
export async function openListed(options: OpenDataOptions, out: Console): Promise<OpenedData> {
  const data = await openData(options)
  reportSkipped(data.skipped, out)
  return data
}

/** @throws USAGE if `--vectors` and `--base vectors` do not come together, or an option comes with them that names other data */
export function checkVectorArgs<A extends DataArgs>(args: A, others: readonly (keyof A & string)[]): void {
  checkProviderArgs(args.base, args)
  const isVectors = args.base === 'vectors'
  if (args.index === undefined && args.indexFilter !== undefined)
    throw usageError('--index-filter chooses rows of an index; add --index URL')
  if (args.index === undefined && args.indexEffort !== undefined)
    throw usageError('--index-effort is that of an index; add --index URL')
  if (args.index !== undefined && isVectors)
    throw usageError('--index has the vectors of documents; expected a --base that embeds the queries, found vectors')
  const stray = (['vectors', 'texts'] as const).find(name => args[name] !== undefined)
  if (!isVectors && stray) throw usageError(`--${stray} goes with --base vectors`)
  if (!isVectors) return
  if (args.vectors === undefined) throw usageError('--base vectors needs --vectors FOLDER')
  const given = others.filter(name => args[name] !== undefined).map(name => `--${name}`)
  if (given.length === 0) return
  throw usageError(`--base vectors reads all its data from --vectors; drop ${given.join(' and ')}`)
}

/** Notes that only the name of a model folder is checked, for files that have no fingerprint. */
export function noteUnchecked({ base }: Adapter, provider: EmbeddingProvider, out: Console): void {
  if (provider.facts?.fingerprint === undefined || base.provider?.fingerprint !== undefined) return
  out.info(`the adapter file has no fingerprint of "${base.id}": the model is known by its name alone`)
}

/** Chooses a folder beside the cache: the folder of temporary files may itself be memory. */
export function spillFolderOf({ cache }: ProviderArgs): string | undefined {
  return cache === 'none' ? undefined : dirname(resolve(cache))
}

/** Describes an estimate: texts, and tokens and cost of those not cached. */
export function planText(id: string, { unique, cached, missing, tokens, cost }: EmbeddingEstimate): string {
  const price = !cost ? '' : `, about ${formatDollars(cost)}`
  const rest = missing > 0 ? `; ${whole(missing)} to embed (${whole(tokens)} tokens${price})` : ''
  return `${whole(unique)} distinct texts for ${id}: ${whole(cached)} from the cache${rest}`
}

/** Leaves out the plans of texts that are all cached. */
export const ifSent =
  (onPlan: Session['embed']['onPlan']): Session['embed']['onPlan'] =>
  estimate => {
    if (estimate.missing > 0) onPlan?.(estimate)
  }

/** Builds the callbacks that print retries and progress. `price`: US dollars per million tokens. */
export function embedReporting(
  args: Pick<ProviderArgs, 'concurrency' | 'retries' | 'skipRefused'>,
  out: Console,
  bar: Progress,
  price?: number,
): Omit<Session['embed'], 'onPlan'> {
  let reported = 0
  return {
    concurrency: args.concurrency,
    retries: args.retries,
    skipRefused: args.skipRefused,
    onWarning(message) {
      bar.end()
      out.warn(message)
    },
    onProgress({ done, total, hits, tokens, requests, elapsedMs }) {
      const cost = price ? `, ${formatDollars((tokens / 1e6) * price)}` : ''
      const spent = `${whole(tokens)} tokens${cost}`
      bar.update(done, total, requests > 0 ? spent : undefined)
      if (requests > reported) {
        const texts = `${done - hits} of ${total - hits} texts embedded`
        out.detail(`${count(requests, 'request')}: ${texts}, ${spent}, after ${(elapsedMs / 1000).toFixed(2)} s`)
        reported = requests
      }
      if (done === total) bar.end()
    },
    onRetry: retryReporting(out, bar),
  }
}

export const retryReporting =
  (out: Console, bar: Progress) =>
  ({ attempt, attempts, delayMs, reason }: RetryInfo): void => {
    bar.end()
    const seconds = (delayMs / 1000).toFixed(1)
    out.warn(`request failed (attempt ${attempt} of ${attempts}), next try in ${seconds} s: ${reason}`)
  }
