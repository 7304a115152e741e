import type { EmbeddingCache } from '../cache/cache.js'
import { AdapterTrainError } from '../errors.js'
import type { Rows } from '../math/row-source.js'
import { embeddingStopped, throwIfStopped } from './abort.js'
import { planBatches } from './batches.js'
import { changedModel, checkVectors } from './check-vectors.js'
import type { EmbeddingPlan } from './plan-embedding.js'
import { type RetryOptions, withRetries } from './retry.js'

/** What an embedding run did. */
export interface EmbedStats {
  /** Texts given, duplicates included. */
  readonly texts: number
  /** Distinct texts: `hits + misses`. */
  readonly unique: number
  /** Distinct texts that the cache had. */
  readonly hits: number
  /** Distinct texts that were embedded. */
  readonly misses: number
  /** Requests sent, retries included. */
  readonly requests: number
  readonly retries: number
  /** Tokens billed, or the provider's count where the service does not say. */
  readonly tokens: number
}

/** Where an embedding run stands. */
export interface EmbedProgress {
  /** Distinct texts whose vectors are there, those from the cache included. */
  readonly done: number
  /** Distinct texts. */
  readonly total: number
  /** Distinct texts that the cache had. */
  readonly hits: number
  /** Tokens so far, as in {@link EmbedStats}. */
  readonly tokens: number
  /** Requests so far, retries included. */
  readonly requests: number
  readonly elapsedMs: number
}

/** How requests are made, and who hears of them. */
export interface RunOptions extends RetryOptions {
  /** Every finished request is stored at once, so that a killed run loses only what was in flight. */
  readonly cache?: EmbeddingCache
  /** Stops the run: requests in flight are aborted, finished ones stay in the cache. */
  readonly signal?: AbortSignal
  /** Requests in flight at once; default and upper bound is the provider's `maxConcurrency`. */
  readonly concurrency?: number
  /** Called once before the first request and after every finished one. */
  readonly onProgress?: (progress: EmbedProgress) => void
}

/**
 * Sends the requests of a plan. After an error no further request starts; those in flight are waited for and stored, since
 * they are paid for.
 *
 * @throws PROVIDER_REQUEST when a request failed for good
 * @throws PROVIDER_RESPONSE when an answer does not hold one finite vector a text, all of one length
 * @throws VECTOR_INVALID when the vectors have another length than those in the cache
 * @throws ABORTED when `signal` was aborted
 * @throws USAGE when `concurrency` or `retries` is not a number of requests
 */
export async function runEmbedding<V extends Rows>(
  plan: EmbeddingPlan<V>,
  options: RunOptions = {},
): Promise<{ vectors: V; stats: EmbedStats }> {
  const { provider, role, space, label, unique, rows, missing } = plan
  const { cache, signal, onProgress } = options
  checkCount('concurrency', options.concurrency, 1)
  checkCount('retries', options.retries, 0)
  const started = performance.now()
  const cachedLength = rows.cols
  const count = { done: plan.hits, requests: 0, retries: 0, tokens: 0 }
  const report = (): void => {
    const { done, requests, tokens } = count
    const elapsedMs = performance.now() - started
    onProgress?.({ done, total: unique.texts.length, hits: plan.hits, tokens, requests, elapsedMs })
  }

  // Ends the waits between attempts as soon as one request has failed for good, but not the requests in flight.
  const stop = new AbortController()
  const retryOptions: RetryOptions = {
    ...options,
    signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
    onRetry(info) {
      count.retries++
      options.onRetry?.(info)
    },
  }

  const embedBatch = async (batch: readonly number[]): Promise<void> => {
    const texts = batch.map(i => missing[i].text)
    let billed: number | undefined
    const onUsage = ({ tokens }: { tokens: number }): void => {
      billed = (billed ?? 0) + tokens
    }
    const vectors = await withRetries(() => {
      count.requests++
      return provider.embed(texts, role, { signal, onUsage })
    }, retryOptions)
    const indices = batch.map(i => missing[i].row)
    checkVectors(provider, vectors, indices, cachedLength === undefined ? rows.cols : undefined, label)
    if (cachedLength !== undefined && vectors[0].length !== cachedLength) {
      throw changedModel(provider, space, cachedLength, vectors[0].length)
    }
    cache?.set(
      space,
      batch.map((i, j) => ({ textHash: missing[i].textHash, vector: vectors[j] })),
    )
    for (const [j, vector] of vectors.entries()) rows.set(indices[j], vector)
    count.done += batch.length
    count.tokens += billed ?? batch.reduce((sum, i) => sum + plan.tokens[i], 0)
    report()
  }

  report()
  const batches = planBatches(plan.tokens, provider.limits)
  let next = 0
  let failure: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    while (next < batches.length && failure === undefined) {
      try {
        throwIfStopped(signal)
        await embedBatch(batches[next++])
      } catch (error) {
        failure ??= { error: signal?.aborted ? embeddingStopped(signal) : error }
        stop.abort()
      }
    }
  }
  const { maxConcurrency } = provider.limits
  const width = Math.min(options.concurrency ?? maxConcurrency, maxConcurrency, batches.length)
  await Promise.all(Array.from({ length: width }, worker))
  if (failure !== undefined) throw failure.error

  unique.indexOf.forEach((u, i) => {
    if (unique.first[u] !== i) rows.copy(unique.first[u], i)
  })
  const { requests, retries, tokens } = count
  return {
    vectors: rows.build(provider.dimensions ?? 0),
    stats: {
      texts: unique.indexOf.length,
      unique: unique.texts.length,
      hits: plan.hits,
      misses: missing.length,
      requests,
      retries,
      tokens,
    },
  }
}

function checkCount(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return
  throw new AdapterTrainError('USAGE', `${name} must be a whole number, ${least} or more; it is ${value}`)
}
