import { AdapterTrainError } from '../errors.js'
import { vectorReader } from './check.js'
import type { RequestLimits } from './http.js'
import { nameOf, type Service, saidInstead } from './http-error.js'
import { BATCH_PRICE_SHARE, PRICES } from './prices.js'
import type { BatchClient, EmbeddingProvider, EmbedOptions, ProviderOptions, RequestParams, Role } from './provider.js'
import type { RemoteService } from './service.js'
import { loadTokenCounter } from './token-counter.js'

/** Bytes of an answer around its vectors, and around each of them. */
const ROOM = 2 ** 20
const ROOM_PER_TEXT = 1024
/** Bytes of one value, written in JSON with all its digits, a comma and an indent. */
const VALUE_BYTES = 40
/** Values of a vector whose length is not known. */
const LONGEST_VECTOR = 8192

/** What tells the API of one embedding service from another's. */
export interface EmbeddingApi<Body extends object> {
  readonly dimensions?: number
  readonly maxInputs: number
  readonly maxInputTokens?: number
  readonly maxRequestTokens?: number
  /** Tokens per token of cl100k_base, at most; default 1. */
  readonly tokenRatio?: number
  /** The service's names of the roles, if it distinguishes them. */
  readonly inputTypes?: Readonly<Record<Role, string>>
  /** Makes the body of a request. `params`: fields that the user adds for this role. */
  body(texts: string[], role: Role, dimensions: number | undefined, params: RequestParams): Body
  send(body: Body, limits: RequestLimits): Promise<unknown>
  /** Reads the parsed body of an answer. Returns lists of numbers in the order of the texts, and the tokens billed. */
  read(answer: unknown): { readonly vectors: unknown; readonly tokens: number | undefined }
  readonly batchClient?: BatchClient
}

export async function remoteProvider<Body extends object>(
  service: RemoteService,
  options: ProviderOptions,
  api: EmbeddingApi<Body>,
): Promise<EmbeddingProvider> {
  const { provider, model, host } = service
  const { tokenRatio = 1, batchClient } = api
  const { maxInputs = api.maxInputs, maxInputTokens = api.maxInputTokens, concurrency = 4, baseId } = options
  const countTokens = await loadTokenCounter()
  const prefixes: Record<Role, string> = { query: options.queryPrefix ?? '', document: options.documentPrefix ?? '' }
  const params = { query: options.queryParams ?? {}, document: options.documentParams ?? {} }
  const prefixTokens = Math.max(...Object.values(prefixes).map(countTokens))
  const shortened = options.dimensions === api.dimensions ? undefined : options.dimensions
  // Another server may serve another model under a known name (LocalAI does), so its first answer decides.
  const reader = vectorReader(options.dimensions ?? (host === undefined ? api.dimensions : undefined), nameOf(service))

  const body = (texts: readonly string[], role: Role) => {
    const prefixed = texts.map(text => prefixes[role] + text)
    return api.body(prefixed, role, shortened, params[role])
  }
  const read = (answer: unknown, count: number, known?: number) => {
    const { vectors, tokens } = api.read(answer)
    return { vectors: reader.read(vectors, count, known), tokens: Number.isFinite(tokens) ? tokens : undefined }
  }
  const price = options.price ?? PRICES.get(`${provider}/${model}`)

  return {
    id: baseId ?? `${provider}/${model}${shortened === undefined ? '' : `@${shortened}`}${paramsSuffix(options)}`,
    get dimensions() {
      return reader.dimensions
    },
    limits: {
      maxInputs: Math.min(maxInputs, api.maxInputs),
      maxInputTokens,
      maxRequestTokens: api.maxRequestTokens,
      maxConcurrency: concurrency,
    },
    facts: {
      name: provider,
      model,
      dimensions: shortened,
      baseId,
      queryPrefix: prefixes.query || undefined,
      documentPrefix: prefixes.document || undefined,
      queryParams: some(params.query),
      documentParams: some(params.document),
      needsBaseUrl: host === undefined ? undefined : true,
    },
    price: batchClient && price !== undefined ? price * BATCH_PRICE_SHARE : price,
    cacheKey: role =>
      JSON.stringify({
        provider,
        model,
        dimensions: shortened,
        inputType: api.inputTypes?.[role],
        prefix: prefixes[role] || undefined,
        params: some(params[role]),
        host,
        baseId,
      }),
    countTokens: text => Math.ceil((prefixTokens + countTokens(text)) * tokenRatio),
    async embed(texts, role, { signal, onUsage, dimensions: known }: EmbedOptions = {}) {
      if (texts.length === 0) return []
      const maxBytes = ROOM + texts.length * (VALUE_BYTES * (reader.dimensions ?? LONGEST_VECTOR) + ROOM_PER_TEXT)
      const answer = await api.send(body(texts, role), { timeoutMs: options.timeoutMs, signal, maxBytes })
      const { vectors, tokens } = read(answer, texts.length, known)
      if (tokens !== undefined) onUsage?.({ tokens })
      return vectors
    },
    ...(batchClient && { batches: { client: batchClient, body, read } }),
  }
}

const some = (params: RequestParams): RequestParams | undefined => (Object.keys(params).length > 0 ? params : undefined)

/** Writes the added fields as the end of a base id: `?query.input_type=query&document.input_type=passage`. */
export function paramsSuffix({ queryParams = {}, documentParams = {} }: ProviderOptions): string {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  const listed = ([role, params]: [string, RequestParams]) =>
    Object.keys(params)
      .sort()
      .map((name): [string, string] => [`${role}.${name}`, text(params[name])])
  const all = Object.entries({ query: queryParams, document: documentParams }).flatMap(listed)
  return all.length === 0 ? '' : `?${new URLSearchParams(all)}`
}

/** Makes the error for an answer without its vectors, which quotes what the server said instead. */
export function missingVectors(service: Service, answer: unknown, field: string, advice = ''): AdapterTrainError {
  const { quote, details } = saidInstead(service, answer)
  const message = `${nameOf(service)}: the answer has no ${field}.${advice && ` ${advice}${quote && '.'}`}${quote}`
  return new AdapterTrainError('PROVIDER_RESPONSE', message.replace(/\.$/, ''), { details })
}

/** Orders an answer's vectors by the texts, base64 or lists as servers please; unreadable ones are `undefined`. */
export function vectorsIn(answer: unknown, service: Service): unknown[] {
  const data = (answer as { data?: unknown } | null | undefined)?.data
  if (!Array.isArray(data)) {
    const advice = 'Check that the base URL ends as the server expects, often in /v1'
    throw missingVectors(service, answer, 'list "data"', advice)
  }
  const items = data as ({ index?: unknown; embedding?: unknown } | null)[]
  const vectors: unknown[] = []
  const taken = new Set<number>()
  for (const [i, index] of indicesOf(items).entries()) {
    if (Number.isInteger(index) && index >= 0 && index < items.length && !taken.has(index)) {
      taken.add(index)
      const embedding = items[i]?.embedding
      vectors[index] = typeof embedding === 'string' ? decodeFloat32(embedding) : embedding
    }
  }
  const missing = items.findIndex((_, index) => !taken.has(index))
  if (missing < 0) return vectors
  const problem = `expected the indices 0 to ${items.length - 1}, each once; index ${missing} is missing`
  throw new AdapterTrainError('PROVIDER_RESPONSE', `${nameOf(service)}: ${problem}`)
}

/** The indices of an answer. Where there are none its order counts; one that is left out alone is 0, as protobuf writes it. */
function indicesOf(items: readonly ({ index?: unknown } | null)[]): number[] {
  const given = items.map(item => item?.index ?? undefined)
  const absent = given.filter(index => index === undefined).length
  const isZero = absent === 1 && !given.includes(0)
  return given.map((index, i) => (index === undefined ? (isZero ? 0 : i) : Number(index)))
}

/** Decodes little-endian float32 values; `undefined` if the text is not base64 of whole values. */
function decodeFloat32(base64: string): Float32Array | undefined {
  const digits = base64.replace(/=+$/, '').length
  const bytes = Buffer.from(base64, 'base64')
  // Node skips characters that are not base64, so a shorter result shows them.
  if (bytes.length !== Math.floor((digits * 3) / 4) || bytes.length % 4 !== 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const vector = new Float32Array(bytes.length / 4)
  for (let i = 0; i < vector.length; i++) vector[i] = view.getFloat32(i * 4, true)
  return vector
}
