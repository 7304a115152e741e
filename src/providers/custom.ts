import { once } from 'node:events'
import { abortError } from '../abort.js'
import { AdapterTrainError, messageOf, usageError } from '../errors.js'
import { vectorReader } from './check.js'
import { isTransient } from './http-error.js'
import type { EmbeddingProvider, EmbedOptions, ProviderLimits, Role } from './provider.js'

type Vectors = readonly ArrayLike<number>[]

/** Function that embeds a batch of texts: one vector per text, in order. */
export type EmbedFunction = (texts: string[], role: Role, options: EmbedOptions) => Promise<Vectors> | Vectors

/** Object of the shape of LangChain's `Embeddings`. */
export interface EmbeddingsObject {
  /** Returns one vector for a query. */
  embedQuery(text: string): Promise<ArrayLike<number>>
  /** Returns one vector per document, in order. */
  embedDocuments(texts: string[]): Promise<Vectors>
}

/** Function, or object with LangChain's two methods, that a provider wraps. */
export type CustomEmbedder = EmbedFunction | EmbeddingsObject

/** Embedding space and limits of a custom provider. */
export interface CustomProviderOptions {
  /** Names the embedding space, such as `acme/encoder-2`; an adapter is bound to it. */
  readonly id: string
  /** Length of a vector; default that of the first vector. */
  readonly dimensions?: number
  /** Default 32 texts per call, one call at a time. */
  readonly limits?: Partial<ProviderLimits>
  /** Version of the vectors under this id; change it to stop using cached ones. */
  readonly cacheVersion?: string | number
  /** Counts the tokens of a text, exactly or from above, for `limits` in tokens; default bytes / 3. */
  readonly countTokens?: (text: string) => number
}

const DEFAULT_LIMITS: ProviderLimits = { maxInputs: 32, maxConcurrency: 1 }

/**
 * Makes a provider from any function or object that embeds texts.
 *
 * Such as `customProvider({ id: 'acme/encoder-2', embed: (texts, role) => acme.encode(texts, { kind: role }) })`, or
 * `customProvider(new OllamaEmbeddings({ model: 'nomic-embed-text' }), { id: 'ollama/nomic-embed-text' })`.
 *
 * Its errors become PROVIDER_REQUEST, retryable if their `status` is 408, 409, 429 or 5xx.
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
  const reader = vectorReader(options.dimensions, options.id)

  return {
    id: options.id,
    get dimensions() {
      return reader.dimensions
    },
    limits,
    // With the role, because the embedder may treat a query and a document differently.
    cacheKey: role => JSON.stringify({ custom: options.id, version: options.cacheVersion ?? null, role }),
    countTokens: text => options.countTokens?.(text) ?? Math.ceil(Buffer.byteLength(text) / 3),
    async embed(texts, role, embedOptions = {}) {
      if (texts.length === 0) return []
      const answer = await guarded(options.id, embedOptions.signal, async () => call([...texts], role, embedOptions))
      return reader.read(toLists(answer), texts.length, embedOptions.dimensions)
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
      role === 'query' ? Promise.all(texts.map(text => embedQuery.call(object, text))) : embedDocuments.call(object, texts)
  }
  const { embed } = object
  if (typeof embed === 'function') return (texts, role, options) => embed.call(object as never, texts, role, options)
  if (embed) return callerOf(embed)
  const objects = 'an object with "id" and "embed", or an object with "embedQuery" and "embedDocuments"'
  const found = embedder === null ? 'null' : typeof embedder
  throw usageError(`customProvider: expected a function (texts, role) => vectors, ${objects}, found ${found}`)
}

function check({ id, dimensions, limits = {} }: CustomProviderOptions): void {
  if (typeof id !== 'string' || id.trim() === '' || /[\r\n]/.test(id))
    throw usageError(`custom provider: expected an "id" of one line, found ${JSON.stringify(id)}`)
  for (const [name, value] of Object.entries({ dimensions, ...limits })) {
    if (value === undefined || (Number.isInteger(value) && value > 0)) continue
    throw usageError(`provider ${id}: expected "${name}" to be a positive integer, found ${value}`)
  }
}

/** Runs the user's code: its errors become this package's, and an abort does not wait for it. */
async function guarded<T>(id: string, signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  const aborted = () => abortError(signal, 'embedding was stopped')
  if (signal?.aborted) throw aborted()
  const finished = new AbortController()
  try {
    if (!signal) return await run()
    const stopped = once(signal, 'abort', { signal: finished.signal }).then(() => Promise.reject(aborted()))
    return await Promise.race([run(), stopped])
  } catch (error) {
    if (error instanceof AdapterTrainError) throw error
    if (signal?.aborted) throw aborted()
    const { status: own, statusCode, response } = (error ?? {}) as Record<string, unknown>
    const found = own ?? statusCode ?? (response as { status?: unknown } | undefined)?.status
    const status = typeof found === 'number' ? found : undefined
    const details = { status, retryable: status !== undefined && isTransient(status) }
    const message = `provider ${id} failed: ${messageOf(error)}`
    throw new AdapterTrainError('PROVIDER_REQUEST', message, { cause: error, details })
  } finally {
    finished.abort()
  }
}

/** Converts other typed arrays to lists of numbers; anything else is left for {@link vectorReader} to report. */
function toLists(answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer
  return answer.map((values: unknown) =>
    ArrayBuffer.isView(values) && !(values instanceof Float32Array) ? Array.from(values as Float64Array) : values,
  )
}
