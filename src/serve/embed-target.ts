import { applyAdapter } from '../adapters/adapter.js'
import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { ApiError } from './api-error.js'
import type { BaseEmbedder } from './base-embedder.js'
import { inTurns } from './in-turns.js'
import type { Metrics } from './metrics.js'
import type { Target } from './model-names.js'
import type { RequestScope } from './request-scope.js'
import type { Shadow } from './shadow.js'

/** The vectors of one request, adapted or the upstream's own. */
export interface TargetEmbedding {
  readonly vectors: readonly Float32Array[]
  readonly tokens: number
}

export type TargetEmbedder = (
  target: Target,
  texts: readonly string[],
  dimensions: number | undefined,
  scope: RequestScope,
) => Promise<TargetEmbedding>

export interface TargetEmbedderOptions {
  readonly provider: EmbeddingProvider
  /** The same model with vectors of another length, for documents. */
  readonly providerFor?: (dimensions: number) => Promise<EmbeddingProvider>
  readonly embedBase: BaseEmbedder
  readonly shadow?: Shadow
  readonly metrics: Metrics
}

/** Lengths of vectors that are kept ready beside the provider's own. */
const MOST_LENGTHS = 16

/** What the routes have in common: role, length, the upstream's vectors, the adapter. */
export function createTargetEmbedder(options: TargetEmbedderOptions): TargetEmbedder {
  const { provider, embedBase, shadow, metrics } = options
  const ofLength = providersByLength(options)
  return async ({ adapter }, texts, dimensions, { facts, signal }) => {
    const role = adapter ? 'query' : 'document'
    facts.role = role
    facts.inputs = texts.length
    if (adapter) {
      facts.adapter = adapter.name
      facts.adapterVersion = adapter.version
      const own = adapter.adapter.base.dimensions
      if (dimensions !== undefined && dimensions !== own) {
        throw wrongLength(dimensions, `the adapter "${adapter.name}" has ${own}`)
      }
    }
    const base = await embedBase(adapter ? provider : await ofLength(dimensions), texts, role, signal)
    const { vectors, tokens, cacheHits } = base
    facts.tokens = tokens
    facts.cacheHits = cacheHits
    metrics.inputs.inc({ role }, texts.length)
    if (!adapter) {
      if (dimensions !== undefined && vectors[0].length !== dimensions) {
        throw new AdapterTrainError('VECTOR_INVALID', `expected ${dimensions} dimensions, got ${vectors[0].length}`)
      }
      return { vectors, tokens }
    }
    const adapted = await inTurns(vectors, vector => applyAdapter(adapter.adapter, vector))
    shadow?.offer(adapter, vectors[0], adapted[0])
    return { vectors: adapted, tokens }
  }
}

function providersByLength({ provider, providerFor }: TargetEmbedderOptions) {
  const known = new Map<number, Promise<EmbeddingProvider>>()
  return async (dimensions: number | undefined): Promise<EmbeddingProvider> => {
    if (dimensions === undefined || dimensions === provider.dimensions) return provider
    if (!providerFor) {
      // What a provider does not know before its first answer is checked on the answer.
      if (provider.dimensions === undefined) return provider
      throw wrongLength(dimensions, `this server has ${provider.dimensions}`)
    }
    const ready = known.get(dimensions) ?? providerFor(dimensions)
    known.set(dimensions, ready)
    if (known.size > MOST_LENGTHS) known.delete(known.keys().next().value!)
    try {
      return await ready
    } catch (error) {
      known.delete(dimensions)
      if (isAdapterTrainError(error, 'USAGE')) throw wrongLength(dimensions, 'the model does not offer that')
      throw error
    }
  }
}

function wrongLength(dimensions: number, found: string): ApiError {
  return new ApiError(400, 'invalid_dimensions', `there are no vectors of ${dimensions} dimensions: ${found}`, {
    param: 'dimensions',
  })
}
