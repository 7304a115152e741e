import type { BatchClient } from './batch-client.js'

/** What a text is for. Many models embed a query and a document differently (prompts, Cohere's `input_type`). */
export type Role = 'query' | 'document'

/** What one request may hold. Limits are data; the embedding pipeline does the batching. */
export interface ProviderLimits {
  /** Most texts in one `embed` call. */
  readonly maxInputs: number
  /** Most tokens in one text. */
  readonly maxInputTokens?: number
  /** Most tokens in one `embed` call, all texts together. */
  readonly maxRequestTokens?: number
  /** How many `embed` calls may be in flight at once; 1 for a local model. */
  readonly maxConcurrency: number
}

/** Called by a provider with what the service says it billed for one request. */
export interface Usage {
  readonly tokens: number
}

/** What goes with one request. */
export interface EmbedOptions {
  /** Stops the request; the promise rejects with code `ABORTED`. */
  readonly signal?: AbortSignal
  /** Told what the service billed for the request, where it says so. */
  readonly onUsage?: (usage: Usage) => void
}

/**
 * An embedding model.
 *
 * A provider turns one batch of texts into vectors, once: no batching, no retries, no cache. All of those live in `src/embed`.
 */
export interface EmbeddingProvider {
  /**
   * Names the embedding space: provider, model and every setting that differs from the model's own default, such as
   * `openai/text-embedding-3-small@512`. An adapter is bound to it.
   */
  readonly id: string
  /** Length of a vector; `undefined` until the first call where the model does not say so in advance. */
  readonly dimensions: number | undefined
  readonly limits: ProviderLimits
  /** US dollars for a million tokens, 0 where it is free; absent where the price is not known. */
  readonly price?: number
  /** Whether it computes in this process, so that asking it costs nothing but time. */
  readonly isLocal?: boolean
  /**
   * Everything that changes the vector of a text in this role, as one string: the cache's namespace. Holds the id and also
   * what the id leaves out (prompt, pooling, dtype, hash of local model files). Never a secret.
   */
  cacheKey(role: Role): string
  /** Tokens of a text, exact or an upper estimate; used for batching and for the cost estimate. */
  countTokens(text: string): number
  /**
   * Embeds one batch of at most `limits.maxInputs` texts.
   *
   * @param texts non-empty, well-formed strings
   * @returns one vector a text, in order, each of length `dimensions`
   * @throws PROVIDER_REQUEST when the service refuses or cannot be reached; `details` has `status`, `retryable` and `retryAfterMs`
   * @throws PROVIDER_RESPONSE when the answer does not hold one finite vector a text
   * @throws ABORTED when `signal` was aborted
   */
  embed(texts: readonly string[], role: Role, options?: EmbedOptions): Promise<Float32Array[]>
  /** How texts go through the service's Batch API; present only where that was asked for (`batchApi`). */
  readonly batches?: EmbeddingBatches
  /** Frees what a local model holds. */
  close?(): Promise<void> | void
}

/** What embedding through a Batch API takes, beside the batches themselves. */
export interface EmbeddingBatches {
  readonly client: BatchClient
  /** Body of the request for these texts. */
  body(texts: readonly string[], role: Role): object
  /**
   * Reads the body of an answer.
   * @param count texts of the request
   * @throws PROVIDER_RESPONSE when it does not hold one finite vector a text
   */
  read(body: unknown, count: number): { readonly vectors: Float32Array[]; readonly tokens?: number }
}

/** Options that every provider understands where they make sense to it; each reads what it needs and refuses nothing else. */
export interface ProviderOptions {
  /** Model name at the service, hub id, or local folder. */
  readonly model?: string
  /** Length of the vectors, where the model can shorten them. */
  readonly dimensions?: number
  /** Overrides {@link EmbeddingProvider.id}. */
  readonly baseId?: string
  /** Address of a compatible server. */
  readonly baseUrl?: string
  /** Key of the service; by default from the environment. Never stored or logged. */
  readonly apiKey?: string
  /** Milliseconds before one request is given up. */
  readonly timeoutMs?: number
  /** US dollars for a million tokens; overrides the price table. */
  readonly price?: number
  /** Whether texts go through OpenAI's Batch API: at half the price, with answers within a day. */
  readonly batchApi?: boolean
  /** Text put before every query, such as `query: `. */
  readonly queryPrefix?: string
  /** Text put before every document, such as `passage: `. */
  readonly documentPrefix?: string
  /** How token vectors become one: overrides the model's own setting. */
  readonly pooling?: 'mean' | 'cls' | 'last_token'
  /** Whether vectors are scaled to length 1: overrides the model's own setting. */
  readonly normalize?: boolean
  /** Precision of a local model: `fp32`, `fp16`, `q8`, `q4`, ... */
  readonly dtype?: string
  /** Where a local model runs: `cpu`, `cuda`, `webgpu`, ... */
  readonly device?: string
  /** Longest text in tokens; longer ones are cut by a local model and refused by a service. */
  readonly maxInputTokens?: number
  /** Most texts in one call; lowers the provider's own limit. */
  readonly maxInputs?: number
  /** Calls in flight at once. */
  readonly concurrency?: number
  /**
   * What carries the requests of `openai`: the service's own library (default), or Node's http, which takes a fraction of the
   * processor time a request, follows no redirect, and is what `serve` uses.
   */
  readonly transport?: 'library' | 'http'
  /** Revision of a hub model (branch, tag or commit). */
  readonly revision?: string
  /** Folder in which hub models are kept. */
  readonly modelCache?: string
}
