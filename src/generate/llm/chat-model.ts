import type { Chunk } from '../../documents/chunk.js'
import type { BatchClient } from '../../providers/batch-client.js'
import type { ChatPrice } from '../../providers/chat-prices.js'

/** What is asked for one chunk. */
export interface ChatRequest {
  readonly prompt: string
  readonly chunk: Chunk
  /** Questions wanted. */
  readonly count: number
  /** Whether the answer is asked for as JSON of the `ANSWER_SCHEMA`. */
  readonly structured: boolean
  /** Stops the request; the promise rejects with code `ABORTED`. */
  readonly signal?: AbortSignal
}

/** A complete answer, as it is kept. */
export interface ChatAnswer {
  readonly text: string
  /** The service's own word that it will not answer. */
  readonly refused?: boolean
  /** Tokens billed, where the service says. */
  readonly inputTokens?: number
  readonly outputTokens?: number
}

/**
 * What writes questions: an LLM, or the extractive stand-in.
 *
 * A model turns one prompt into one answer, once: no retries, no cache, no reading of what it says.
 */
export interface ChatModel {
  /** Provider and model, such as `openai/gpt-4o-mini`. */
  readonly id: string
  /** Everything beside the prompt that changes an answer, never a secret; absent where an answer costs nothing to make again. */
  readonly cacheKey?: string
  /** Absent where the price is not known. */
  readonly price?: ChatPrice
  /** Whether the questions are sentences of the chunk itself. */
  readonly extractive?: boolean
  /** Its tokens for each token of cl100k_base, at the most; 1 where it is absent, 0 where none are billed. */
  readonly tokenRatio?: number
  /**
   * @throws PROVIDER_REQUEST when the service refuses or cannot be reached; `details` has `status`, `retryable`, `retryAfterMs`
   * @throws PROVIDER_RESPONSE when there is no text in the answer
   * @throws ABORTED when `signal` was aborted
   */
  complete(request: ChatRequest): Promise<ChatAnswer>
  /** How prompts go through the service's Batch API; present only where that was asked for (`batchApi`). */
  readonly batches?: ChatBatches
}

/** What asking through a Batch API takes, beside the batches themselves. */
export interface ChatBatches {
  readonly client: BatchClient
  /** Body of the request for a prompt; its answer is asked for as JSON of the `ANSWER_SCHEMA`. */
  body(prompt: string): object
  /** @throws PROVIDER_RESPONSE when the body of an answer holds no text */
  read(body: unknown): ChatAnswer
}

/** What a chat model is made with; an option that a service has no use for is refused. */
export interface ChatModelOptions {
  readonly model?: string
  /** Address of a compatible server. */
  readonly baseUrl?: string
  /** Key of the service; by default from the environment. Never stored or logged. */
  readonly apiKey?: string
  /** Milliseconds before one request is given up; default `CHAT_TIMEOUT_MS`. */
  readonly timeoutMs?: number
  /** Overrides the price table. */
  readonly price?: ChatPrice
  /** Whether prompts go through OpenAI's Batch API: at half the price, with answers within a day. */
  readonly batchApi?: boolean
}

/** How the registry knows and makes one. */
export interface ChatModelFactory {
  readonly name: string
  readonly keyVariables: readonly string[]
  create(options: ChatModelOptions): Promise<ChatModel>
}

/** Longer than for embeddings: a model on a CPU writes a few words a second. */
export const CHAT_TIMEOUT_MS = 180_000

/** JSON schema of a structured answer. */
export const ANSWER_SCHEMA = {
  type: 'object',
  properties: { questions: { type: 'array', items: { type: 'string' } } },
  required: ['questions'],
  additionalProperties: false,
} as const
