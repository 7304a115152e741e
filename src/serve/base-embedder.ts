import type { EmbeddingCache } from '../cache/cache.js'
import { embedTexts } from '../embed/embed-texts.js'
import { withRetries } from '../embed/retry.js'
import { isAdapterTrainError } from '../errors.js'
import { row } from '../math/matrix.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { createLimiter } from './limiter.js'
import type { Metrics } from './metrics.js'

/** The upstream's vectors of the texts of one request. */
export interface BaseEmbedding {
  readonly vectors: readonly Float32Array[]
  /** Billed by the upstream; what the cache has costs nothing. */
  readonly tokens: number
  /** Texts that the cache had; `undefined` where it was not asked. */
  readonly cacheHits: number | undefined
}

export type BaseEmbedder = (
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  signal: AbortSignal,
) => Promise<BaseEmbedding>

export interface BaseEmbedderOptions {
  /** Calls of the upstream at once. */
  readonly concurrency: number
  readonly cache?: EmbeddingCache
  readonly cacheQueries?: boolean
  /** Further attempts after a call that failed; the client can try again itself. */
  readonly retries: number
  readonly metrics: Metrics
}

/** What asks the upstream on behalf of requests. */
export function createBaseEmbedder(options: BaseEmbedderOptions): BaseEmbedder {
  const { cache, cacheQueries = false, retries, metrics } = options
  const limit = createLimiter(options.concurrency)

  const direct = async (...[provider, texts, role, signal]: Parameters<BaseEmbedder>): Promise<BaseEmbedding> => {
    let tokens = 0
    const onUsage = (usage: { readonly tokens: number }): void => {
      tokens += usage.tokens
    }
    const call = () => limit(() => provider.embed(texts, role, { signal, onUsage }), signal)
    const vectors = retries > 0 ? await withRetries(call, { retries, signal }) : await call()
    if (tokens === 0) for (const text of texts) tokens += provider.countTokens(text)
    return { vectors, tokens, cacheHits: undefined }
  }

  /** The provider, its calls in line with those of other requests. */
  const limited = (provider: EmbeddingProvider): EmbeddingProvider => ({
    id: provider.id,
    get dimensions() {
      return provider.dimensions
    },
    limits: provider.limits,
    cacheKey: role => provider.cacheKey(role),
    countTokens: text => provider.countTokens(text),
    embed: (texts, role, { signal = new AbortController().signal, ...rest } = {}) =>
      limit(() => provider.embed(texts, role, { signal, ...rest }), signal),
  })

  const planned = async (...[provider, texts, role, signal]: Parameters<BaseEmbedder>): Promise<BaseEmbedding> => {
    const store = role === 'document' || cacheQueries ? cache : undefined
    const { vectors, stats } = await embedTexts(limited(provider), texts, role, {
      cache: store,
      retries,
      signal,
      label: i => `input[${i}]`,
    })
    if (store) {
      metrics.cacheHits.inc({ role }, stats.hits)
      metrics.cacheMisses.inc({ role }, stats.misses)
    }
    return {
      vectors: texts.map((_, i) => row(vectors, i)),
      tokens: stats.misses > 0 ? stats.tokens : 0,
      cacheHits: store ? stats.hits : undefined,
    }
  }

  return async (provider, texts, role, signal) => {
    const cached = cache !== undefined && (role === 'document' || cacheQueries)
    const stop = metrics.upstreamDuration.startTimer({ role })
    try {
      const embed = !cached && surelyFits(provider, texts) ? direct : planned
      return await embed(provider, texts, role, signal)
    } catch (error) {
      if (!signal.aborted) metrics.upstreamErrors.inc({ reason: reasonOf(error) })
      throw error
    } finally {
      stop()
    }
  }
}

/** Whether texts keep to the limits of one call by their bytes alone: no token is shorter than a byte. */
function surelyFits({ limits }: EmbeddingProvider, texts: readonly string[]): boolean {
  const { maxInputTokens = Number.POSITIVE_INFINITY, maxRequestTokens = Number.POSITIVE_INFINITY } = limits
  let bytes = 0
  for (const text of texts) {
    const most = 3 * text.length
    if (most > maxInputTokens) return false
    bytes += most
  }
  return bytes <= maxRequestTokens
}

function reasonOf(error: unknown): string {
  if (!isAdapterTrainError(error)) return 'internal'
  const { status, timeoutMs } = error.details
  if (error.code === 'PROVIDER_INPUT') return 'input'
  if (error.code !== 'PROVIDER_REQUEST') return 'response'
  return typeof status === 'number' ? String(status) : timeoutMs !== undefined ? 'timeout' : 'connection'
}
