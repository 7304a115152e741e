import type { EmbeddingCache } from '../cache/cache.js'
import { memoryCache } from '../cache/memory-cache.js'
import { embedTexts } from '../embed/embed-texts.js'
import { isRefusal, learnMostInputs, mostInputs } from '../embed/refusals.js'
import { withRetries } from '../embed/retry.js'
import { isAdapterTrainError } from '../errors.js'
import { row } from '../math/matrix.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { overrideMembers } from '../wrap/override-members.js'
import type { Metrics } from './metrics.js'
import type { EmbeddingServerOptions } from './options.js'
import { createLimiter } from './turns.js'

/** The upstream's vectors for the texts of one request. */
interface BaseEmbedding {
  readonly vectors: readonly Float32Array[]
  /** Billed by the upstream; cached texts cost nothing. */
  readonly tokens: number
  /** Texts found in the cache; `undefined` if it was not used. */
  readonly cacheHits: number | undefined
}

export type BaseEmbedder = (
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  signal: AbortSignal,
) => Promise<BaseEmbedding>

interface BaseEmbedderOptions extends Pick<EmbeddingServerOptions, 'cache' | 'cacheQueries' | 'retries'> {
  readonly concurrency: number
  readonly metrics: Metrics
}

/** Makes the function that embeds the texts of requests by the upstream. */
export function createBaseEmbedder(options: BaseEmbedderOptions): BaseEmbedder {
  const { cache, cacheQueries = false, retries = 0, metrics } = options
  const limit = createLimiter(options.concurrency)

  const direct: BaseEmbedder = async (provider, texts, role, signal) => {
    let tokens = 0
    const onUsage = (usage: { readonly tokens: number }): void => {
      tokens += usage.tokens
    }
    // A retry of a composed model asks for the parts that failed alone.
    const parts = memoryCache()
    const call = () => limit(() => provider.embed(texts, role, { signal, onUsage, cache: parts }), signal)
    const vectors = retries > 0 ? await withRetries(call, { retries, signal }) : await call()
    if (tokens === 0) for (const text of texts) tokens += provider.countTokens(text)
    return { vectors, tokens, cacheHits: undefined }
  }

  /** Puts the provider's calls in line with those of other requests. */
  const limited = (provider: EmbeddingProvider): EmbeddingProvider => {
    const embed: EmbeddingProvider['embed'] = (texts, role, given = {}) => {
      const { signal = new AbortController().signal } = given
      return limit(() => provider.embed(texts, role, { ...given, signal }), signal)
    }
    return overrideMembers(provider, { embed })
  }

  const storeOf = (role: Role) => (role === 'document' || cacheQueries ? cache : undefined)

  const planned: BaseEmbedder = async (provider, texts, role, signal) => {
    const store = storeOf(role)
    const { vectors, stats } = await embedTexts(limited(provider), texts, role, {
      cache: store,
      retries,
      signal,
      isolate: false,
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
    const stop = metrics.upstreamDuration.startTimer({ role })
    try {
      const fits = texts.length <= mostInputs(provider) && surelyFits(provider, texts)
      const embed = !storeOf(role) && fits ? direct : planned
      return await embed(provider, texts, role, signal).catch(error => {
        // The upstream takes fewer texts than it was believed to: in parts, and from now on.
        const isMany = isRefusal(error) && Number(error.details.mostInputs) < texts.length
        if (embed !== direct || !isMany) throw error
        learnMostInputs(provider, Number(error.details.mostInputs))
        return planned(provider, texts, role, signal)
      })
    } catch (error) {
      if (!signal.aborted) metrics.upstreamErrors.inc({ reason: reasonOf(error) })
      throw error
    } finally {
      stop()
    }
  }
}

/** True if texts are within the limits of one call by their bytes alone: no token is shorter than a byte. */
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

/** Makes a cache whose failures cost no answer: what it cannot read counts as missing, what it cannot write is not kept. */
export function tolerantCache(
  cache: EmbeddingCache,
  onError: (operation: 'read' | 'write', error: unknown) => void,
): EmbeddingCache {
  return {
    get(space, textHashes) {
      try {
        return cache.get(space, textHashes)
      } catch (error) {
        onError('read', error)
        return textHashes.map(() => undefined)
      }
    },
    set(space, entries) {
      try {
        cache.set(space, entries)
      } catch (error) {
        // Vectors of another length than the space's: the upstream's fault, not the file's.
        if (isAdapterTrainError(error, 'VECTOR_INVALID')) throw error
        onError('write', error)
      }
    },
    close: () => cache.close(),
  }
}
