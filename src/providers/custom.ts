import { AdapterTrainError, messageOf } from '../errors.js'
import { abortError } from '../throw-if-aborted.js'
import { checkVectors } from './check-vectors.js'
import type { EmbeddingProvider, EmbedOptions, ProviderLimits, Role } from './provider.js'

type Vectors = readonly ArrayLike<number>[]

/** Embeds a batch of texts: one vector a text, in order. */
export type EmbedFunction = (texts: string[], role: Role, options: EmbedOptions) => Promise<Vectors> | Vectors

/** The shape of LangChain's `Embeddings`. */
export interface EmbeddingsObject {
  /** One vector for a query. */
  embedQuery(text: string): Promise<ArrayLike<number>>
  /** One vector for each document, in order. */
  embedDocuments(texts: string[]): Promise<Vectors>
}

/** What a provider is made of: a function, or an object with LangChain's two methods. */
export type CustomEmbedder = EmbedFunction | EmbeddingsObject

/** The embedding space, and the limits of what embeds. */
export interface CustomProviderOptions {
  /** Names the embedding space, such as `acme/encoder-2`; an adapter is bound to it. */
  readonly id: string
  /** Length of a vector; by default that of the first vector. */
  readonly dimensions?: number
  /** By default 32 texts a call, one call at a time. */
  readonly limits?: Partial<ProviderLimits>
  /** Change it whenever the embedder gives other vectors under the same id: cached ones are then not used again. */
  readonly cacheVersion?: string | number
  /** Tokens of a text, exact or an upper estimate; needed where `limits` speaks of tokens. By default bytes / 3. */
  readonly countTokens?: (text: string) => number
}

const DEFAULT_LIMITS: ProviderLimits = { maxInputs: 32, maxConcurrency: 1 }

/**
 * Makes a provider of any function or object that embeds texts.
 *
 * ```ts
 * customProvider({ id: 'acme/encoder-2', embed: (texts, role) => acme.encode(texts, { kind: role }) })
 * customProvider(new OllamaEmbeddings({ model: 'nomic-embed-text' }), { id: 'ollama/nomic-embed-text' })
 * ```
 *
 * An error that it throws becomes PROVIDER_REQUEST, retryable when its `status` is 408, 409, 429 or 5xx.
 *
 * @throws USAGE when an option is not of the expected form
 */
export function customProvider(options: CustomProviderOptions & { readonly embed: CustomEmbedder }): EmbeddingProvider
export function customProvider(embedder: CustomEmbedder, options: CustomProviderOptions): EmbeddingProvider
export function customProvider(
  first: CustomEmbedder | (CustomProviderOptions & { readonly embed: CustomEmbedder }),
  second?: CustomProviderOptions,
): EmbeddingProvider {
  const options = second ?? (first as CustomProviderOptions)
  const call = callerOf(first)
  check(options)
  const given = Object.entries(options.limits ?? {}).filter(([, value]) => value !== undefined)
  const limits: ProviderLimits = { ...DEFAULT_LIMITS, ...Object.fromEntries(given) }
  let dimensions = options.dimensions

  return {
    id: options.id,
    get dimensions() {
      return dimensions
    },
    limits,
    // The role is part of it, as the embedder may treat a query and a document differently.
    cacheKey: role => JSON.stringify({ custom: options.id, version: options.cacheVersion ?? null, role }),
    countTokens: text => options.countTokens?.(text) ?? Math.ceil(Buffer.byteLength(text) / 3),
    async embed(texts, role, embedOptions = {}) {
      if (texts.length === 0) return []
      const answer = await guarded(options.id, embedOptions.signal, async () => call([...texts], role, embedOptions))
      const vectors = checkVectors(toLists(answer), texts.length, dimensions, options.id)
      dimensions ??= vectors[0].length
      return vectors
    },
  }
}

function callerOf(embedder: unknown): EmbedFunction {
  if (typeof embedder === 'function') return embedder as EmbedFunction
  const object = (embedder ?? {}) as Partial<EmbeddingsObject & { embed: CustomEmbedder }>
  // Called as methods, so that `this` is what the object expects.
  if (typeof object.embedQuery === 'function' && typeof object.embedDocuments === 'function') {
    const { embedQuery, embedDocuments } = object
    return (texts, role) =>
      role === 'query'
        ? Promise.all(texts.map(text => embedQuery.call(object, text)))
        : embedDocuments.call(object, texts)
  }
  const { embed } = object
  if (typeof embed === 'function') return (texts, role, options) => embed.call(object as never, texts, role, options)
  if (embed) return callerOf(embed)
  throw new AdapterTrainError(
    'USAGE',
    'expected customProvider to get a function (texts, role) => vectors, an object with "id" and "embed", or an object ' +
      `with "embedQuery" and "embedDocuments"; got ${embedder === null ? 'null' : typeof embedder}`,
  )
}

function check({ id, dimensions, limits = {} }: CustomProviderOptions): void {
  if (typeof id !== 'string' || id.trim() === '' || /[\r\n]/.test(id)) {
    throw new AdapterTrainError(
      'USAGE',
      `expected the "id" of a custom provider to be a name of one line, such as "acme/encoder-2"; got ${JSON.stringify(id)}`,
    )
  }
  for (const [name, value] of Object.entries({ dimensions, ...limits })) {
    if (value === undefined || (Number.isInteger(value) && value > 0)) continue
    throw new AdapterTrainError('USAGE', `expected "${name}" of provider ${id} to be a positive integer; got ${value}`)
  }
}

/** Runs the user's code: what it throws becomes this package's errors, and it is left at once when the caller stops. */
async function guarded<T>(id: string, signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  const aborted = () => abortError(signal, 'embedding was stopped')
  if (signal?.aborted) throw aborted()
  let stop: (() => void) | undefined
  try {
    if (!signal) return await run()
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(aborted())
      signal.addEventListener('abort', stop, { once: true })
    })
    return await Promise.race([run(), stopped])
  } catch (error) {
    if (error instanceof AdapterTrainError) throw error
    if (signal?.aborted) throw aborted()
    const status = statusOf(error)
    throw new AdapterTrainError('PROVIDER_REQUEST', `provider ${id} failed: ${messageOf(error)}`, {
      cause: error,
      details: { status, retryable: status !== undefined && ([408, 409, 429].includes(status) || status >= 500) },
    })
  } finally {
    if (stop) signal?.removeEventListener('abort', stop)
  }
}

function statusOf(error: unknown): number | undefined {
  const { status, statusCode, response } = (error ?? {}) as Record<string, unknown>
  const found = status ?? statusCode ?? (response as { status?: unknown } | undefined)?.status
  return typeof found === 'number' ? found : undefined
}

/** Other typed arrays as lists of numbers; what is no array is left for {@link checkVectors} to name. */
function toLists(answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer
  return answer.map((values: unknown) =>
    ArrayBuffer.isView(values) && !(values instanceof Float32Array) ? Array.from(values as Float64Array) : values,
  )
}
