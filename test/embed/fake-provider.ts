import { AdapterTrainError } from '../../src/errors.js'
import type { EmbeddingProvider, EmbedOptions, ProviderLimits, Role } from '../../src/providers/provider.js'

/** One call of `embed`, as it was made. */
export interface Call {
  readonly texts: readonly string[]
  readonly role: Role
  readonly options?: EmbedOptions
}

export interface FakeProvider extends EmbeddingProvider {
  readonly calls: Call[]
  /** Most calls that were in flight at once. */
  mostInFlight: number
}

export interface FakeOptions {
  readonly id?: string
  readonly dimensions?: number
  readonly price?: number
  readonly limits?: Partial<ProviderLimits>
  /** Runs before call `n` (from 1) answers; what it throws is the call's error, what it returns replaces the answer. */
  readonly script?: (n: number, call: Call) => Promise<Float32Array[] | undefined> | Float32Array[] | undefined
}

/** The vector of a text: [length, words, 1 for a query or 2 for a document]. */
export function vectorOf(text: string, role: Role = 'document'): Float32Array {
  return Float32Array.of(text.length, text.split(' ').length, role === 'query' ? 1 : 2)
}

/** A model whose vectors can be worked out in one's head; a token is a word. */
export function fakeProvider({ id = 'fake/model', dimensions, price, limits, script }: FakeOptions = {}): FakeProvider {
  let inFlight = 0
  const provider: FakeProvider = {
    id,
    dimensions,
    price,
    limits: { maxInputs: 2, maxConcurrency: 1, ...limits },
    calls: [],
    mostInFlight: 0,
    cacheKey: role => `${id}|${role}`,
    countTokens: text => text.split(' ').length,
    async embed(texts, role, options) {
      const call = { texts: [...texts], role, options }
      const n = provider.calls.push(call)
      provider.mostInFlight = Math.max(provider.mostInFlight, ++inFlight)
      try {
        await new Promise(setImmediate)
        return (await script?.(n, call)) ?? texts.map(text => vectorOf(text, role))
      } finally {
        inFlight--
      }
    },
  }
  return provider
}

/** A refusal by the service. */
export function requestError(retryable: boolean, retryAfterMs?: number): AdapterTrainError {
  return new AdapterTrainError('PROVIDER_REQUEST', 'the service said no', { details: { retryable, retryAfterMs } })
}
