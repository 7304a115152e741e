import type { EmbeddingCache } from '../cache/cache.js'
import type { Projection } from '../math/projection.js'

/** Use of a text. Many models embed a query and a document differently (prompts, Cohere's `input_type`). */
export type Role = 'query' | 'document'

/** Limits of one request, as data; the embedding pipeline does the batching. */
export interface ProviderLimits {
  /** Most texts per `embed` call. */
  readonly maxInputs: number
  /** Most tokens per text. */
  readonly maxInputTokens?: number
  /** Most tokens per `embed` call, over all texts. */
  readonly maxRequestTokens?: number
  /** Most `embed` calls in flight at once; 1 for a local model. */
  readonly maxConcurrency: number
}

/** Amount a service billed for one request. */
export interface Usage {
  readonly tokens: number
}

/** Options of one request. */
export interface EmbedOptions {
  /** Stops the request; the promise rejects with code `ABORTED`. */
  readonly signal?: AbortSignal
  /** Called with the amount billed, if the service reports it. */
  readonly onUsage?: (usage: Usage) => void
  /** Length of the vectors, if it is known from elsewhere (the cache): a provider that does not state its own expects it. */
  readonly dimensions?: number
  /** Cache of the vectors of a composed model's parts; other providers leave it aside. */
  readonly cache?: EmbeddingCache
}

/** Embedding model: turns one batch of texts into vectors, once, without batching, retries or cache (see `src/embed`). */
export interface EmbeddingProvider {
  /**
   * Names the embedding space: provider, model and every setting that differs from the model's own default, such as
   * `openai/text-embedding-3-small@512`. An adapter is bound to it.
   */
  readonly id: string
  /** Length of a vector; `undefined` before the first call if the model does not state it. */
  readonly dimensions: number | undefined
  readonly limits: ProviderLimits
  /** US dollars per million tokens, 0 if free; absent if not known. */
  readonly price?: number
  /** Models whose vectors it joins; each counts tokens, and has limits and a price, of its own. */
  readonly parts?: readonly EmbeddingProvider[]
  /** True if it computes in this process and costs nothing but time. */
  readonly isLocal?: boolean
  /** Facts that open it again, for adapter files; absent if code is needed for that. */
  readonly facts?: ProviderFacts
  /**
   * Returns everything that changes the vector of a text in this role, as one string: the cache's namespace. It covers more than
   * the id (prompt, pooling, dtype, hash of local model files), and never a secret.
   */
  cacheKey(role: Role): string
  /** Counts the tokens of a text, exactly or from above; used for batching and cost estimates. */
  countTokens(text: string): number
  /**
   * Embeds one batch of at most `limits.maxInputs` texts.
   * @param texts non-empty, well-formed strings
   * @returns one vector per text, in order, each of length `dimensions`
   * @throws PROVIDER_REQUEST when the service refuses or cannot be reached; `details` has `status`, `retryable` and `retryAfterMs`
   * @throws PROVIDER_RESPONSE when the answer is not one finite vector per text
   * @throws ABORTED when `signal` was aborted
   */
  embed(texts: readonly string[], role: Role, options?: EmbedOptions): Promise<Float32Array[]>
  /** Access to the service's Batch API; present only with `batchApi`. */
  readonly batches?: EmbeddingBatches
  /** Frees the memory of a local model. */
  close?(): Promise<void> | void
}

/** Requests and answers of a Batch API, and its client. */
export interface EmbeddingBatches {
  readonly client: BatchClient
  /** Makes the body of the request for these texts. */
  body(texts: readonly string[], role: Role): object
  /**
   * Reads the body of an answer.
   * @param count texts of the request
   * @param known length of a vector, if the caller knows it
   * @throws PROVIDER_RESPONSE when it is not one finite vector per text
   */
  read(body: unknown, count: number, known?: number): { readonly vectors: Float32Array[]; readonly tokens?: number }
}

/** Reductions of token vectors to one that users can choose. */
export const POOLINGS = ['mean', 'cls', 'last_token'] as const

/** Extra fields of a request by name, as JSON has them. */
export type RequestParams = Readonly<Record<string, unknown>>

/** Options of all providers; each reads those it supports and ignores the others. */
export interface ProviderOptions {
  /** Model name at the service, hub id, or local folder. */
  readonly model?: string
  /** Length of the vectors, if the model can shorten them. */
  readonly dimensions?: number
  /** Overrides {@link EmbeddingProvider.id}. */
  readonly baseId?: string
  /** Address of a compatible server. */
  readonly baseUrl?: string
  /** Key of the service; default from the environment. Never stored or logged. */
  readonly apiKey?: string
  /** Milliseconds for one request. */
  readonly timeoutMs?: number
  /** US dollars per million tokens; overrides the price table. */
  readonly price?: number
  /** True to use OpenAI's Batch API: half the price, answers within a day. */
  readonly batchApi?: boolean
  /** Text before every query, such as `query: `. */
  readonly queryPrefix?: string
  /** Text before every document, such as `passage: `. */
  readonly documentPrefix?: string
  /** Fields added to a request for queries, such as `{ input_type: 'query' }`; of `openai` and the presets. */
  readonly queryParams?: RequestParams
  /** Fields added to a request for documents. */
  readonly documentParams?: RequestParams
  /** Reduction of token vectors to one; overrides the model's own setting. */
  readonly pooling?: (typeof POOLINGS)[number]
  /** True to scale vectors to unit length; overrides the model's own setting. */
  readonly normalize?: boolean
  /** Precision of a local model: `fp32`, `fp16`, `q8`, `q4`, ... */
  readonly dtype?: string
  /** Device of a local model: `cpu`, `cuda`, `webgpu`, ... */
  readonly device?: string
  /** Longest text in tokens; a local model cuts longer ones, a service refuses them. */
  readonly maxInputTokens?: number
  /** Most texts per call; lowers the provider's own limit. */
  readonly maxInputs?: number
  /** Calls in flight at once. */
  readonly concurrency?: number
  /**
   * Sender of the requests of `openai`: the service's own library (default), or Node's http, which takes a fraction of the
   * processor time, follows no redirect, and is used by `serve`.
   */
  readonly transport?: 'library' | 'http'
  /** Revision of a hub model (branch, tag or commit). */
  readonly revision?: string
  /** Folder of hub models. */
  readonly modelCache?: string
  /** Models of `compose`, such as `openai:text-embedding-3-small` and `sbert:./model?dtype=q8`. */
  readonly part?: readonly string[]
  /** Projection of the vectors of `compose`. */
  readonly pca?: Projection
}

/** Options that an adapter file records of its base model. */
export const RECORDED_OPTIONS = [
  ...(['model', 'dimensions', 'baseId', 'queryPrefix', 'documentPrefix', 'pooling', 'normalize', 'dtype'] as const),
  ...(['revision', 'maxInputTokens', 'queryParams', 'documentParams', 'part', 'pca'] as const),
]

/** Facts that open a provider again: its name and options, never an address, a key, or code to load. */
export interface ProviderFacts extends Pick<ProviderOptions, (typeof RECORDED_OPTIONS)[number]> {
  /** Name in the registry, or `custom`. */
  readonly name: string
  /** True if its server is not the service's own. */
  readonly needsBaseUrl?: boolean
  /** SHA-256 (hex) of the files and settings of a model folder on this machine, whose path is `model`. */
  readonly fingerprint?: string
}

export interface ProviderFactory {
  readonly name: string
  readonly description: string
  readonly defaultModel?: string
  /** Environment variables for its key, in order of preference; empty for a local provider. */
  readonly keyVariables: readonly string[]
  /** Form of the address, if it has no public one and `baseUrl` is required. */
  readonly addressForm?: string
  readonly needsModel?: boolean
  create(options: ProviderOptions): Promise<EmbeddingProvider>
}

export interface BatchState {
  readonly id: string
  /** `validating`, `in_progress`, `finalizing`, `cancelling`; `completed`, `expired`, `failed`, `cancelled` are final. */
  readonly status: string
  readonly completed: number
  readonly failed: number
  readonly total: number
  readonly outputFile?: string
  readonly errorFile?: string
  readonly errors: readonly string[]
}

/** Batch API of a service: one file of requests in, answers within a day. No retries, no waiting. */
export interface BatchClient {
  readonly name: string
  readonly model: string
  readonly baseUrl: string
  /** Target of each request, such as `/v1/embeddings`. */
  readonly endpoint: string
  /** `lines`: the file, one JSON object per line. Returns the file's id. */
  upload(lines: readonly Uint8Array[], signal?: AbortSignal): Promise<string>
  /** @param token kept with the batch, see {@link find} */
  create(file: string, token: string): Promise<BatchState>
  /** Finds the batch created with `token`. `since`: milliseconds since 1970; older batches are skipped. */
  find(token: string, since: number, signal?: AbortSignal): Promise<BatchState | undefined>
  retrieve(id: string, signal?: AbortSignal): Promise<BatchState>
  /** Reads a file line by line; it is never in memory as a whole. */
  readLines(file: string, onLine: (line: string) => void, signal?: AbortSignal): Promise<void>
  redact(text: string): string
}
