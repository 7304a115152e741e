import { applyAdapter, outputDimensions } from '../adapters/adapter.js'
import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import { getOrInsert } from '../maps.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { BaseEmbedder } from './base-embedder.js'
import type { DriftWatch } from './drift-watch.js'
import { type ApiError, badRequest } from './errors.js'
import type { Metrics } from './metrics.js'
import type { Target } from './model-names.js'
import type { EmbeddingServerOptions } from './options.js'
import type { RequestScope } from './request-scope.js'
import type { Shadow } from './shadow.js'
import { inTurns } from './turns.js'

/** Embeds the texts of one request: its vectors are adapted or the upstream's own. */
export type TargetEmbedder = ReturnType<typeof createTargetEmbedder>

type Texts = readonly string[]

interface TargetEmbedderOptions extends Pick<EmbeddingServerOptions, 'provider' | 'providerFor'> {
  readonly embedBase: BaseEmbedder
  readonly shadow?: Shadow
  readonly drift: DriftWatch
  readonly metrics: Metrics
}

/** Most lengths of vectors kept ready besides the provider's own. */
const MOST_LENGTHS = 16

/** Makes the function all routes share: role, length, the upstream's vectors, the adapter. */
export function createTargetEmbedder(options: TargetEmbedderOptions) {
  const { provider, embedBase, shadow, drift, metrics } = options
  const ofLength = providersByLength(options)
  return async ({ adapter }: Target, texts: Texts, dimensions: number | undefined, { facts, signal }: RequestScope) => {
    const role = adapter ? 'query' : 'document'
    facts.role = role
    facts.inputs = texts.length
    if (adapter) {
      facts.adapter = adapter.name
      facts.adapterVersion = adapter.version
      const own = outputDimensions(adapter.adapter)
      if (dimensions !== undefined && dimensions !== own)
        throw wrongLength(dimensions, `the adapter "${adapter.name}" has ${own}`)
    }
    const base = await embedBase(adapter ? provider : await ofLength(dimensions), texts, role, signal)
    const { vectors, tokens, cacheHits } = base
    facts.tokens = tokens
    facts.cacheHits = cacheHits
    metrics.inputs.inc({ role }, texts.length)
    if (!adapter) {
      if (dimensions !== undefined && vectors[0].length !== dimensions)
        throw new AdapterTrainError('VECTOR_INVALID', `expected ${dimensions} dimensions, found ${vectors[0].length}`)
      return { vectors, tokens }
    }
    const adapted = await inTurns(vectors, (vector, i) => {
      const query = applyAdapter(adapter.adapter, vector, texts[i])
      drift.count(adapter, vector)
      return query
    })
    shadow?.offer(adapter, vectors[0], adapted[0], texts[0])
    return { vectors: adapted, tokens }
  }
}

function providersByLength({ provider, providerFor }: TargetEmbedderOptions) {
  const known = new Map<number, Promise<EmbeddingProvider>>()
  return async (dimensions: number | undefined): Promise<EmbeddingProvider> => {
    if (dimensions === undefined || dimensions === provider.dimensions) return provider
    if (!providerFor) {
      // A length unknown before the first answer is checked on the answer.
      if (provider.dimensions === undefined) return provider
      throw wrongLength(dimensions, `this server has ${provider.dimensions}`)
    }
    const ready = getOrInsert(known, dimensions, () => providerFor(dimensions))
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
  return badRequest('dimensions', `there are no vectors of ${dimensions} dimensions: ${found}`)
}
