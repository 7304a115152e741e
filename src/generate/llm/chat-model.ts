import type { Chunk } from '../../documents/chunk.js'
import { responseError, type Service, saidInstead } from '../../providers/http-error.js'
import type { ChatPrice } from '../../providers/prices.js'
import type { BatchClient, ProviderOptions } from '../../providers/provider.js'

/** Request for the questions of one chunk. */
export interface ChatRequest {
  readonly prompt: string
  readonly chunk: Chunk
  readonly count: number
  /** True if the answer should be JSON of the `ANSWER_SCHEMA`. */
  readonly structured: boolean
  /** Stops the request; the promise rejects with code `ABORTED`. */
  readonly signal?: AbortSignal
}

/** Complete answer, as it is stored. */
export interface ChatAnswer {
  readonly text: string
  /** True if the service refused to answer. */
  readonly refused?: boolean
  /** Tokens billed, if the service reports them. */
  readonly inputTokens?: number
  readonly outputTokens?: number
}

/**
 * Writer of questions: an LLM, or the extractive stand-in.
 *
 * A model turns one prompt into one answer, once: no retries, no cache, no parsing of the answer.
 */
export interface ChatModel {
  /** Provider and model, such as `openai/gpt-4o-mini`. */
  readonly id: string
  /** Everything except the prompt that changes an answer, never a secret; absent if an answer costs nothing to make again. */
  readonly cacheKey?: string
  /** Absent if the price is not known. */
  readonly price?: ChatPrice
  /** True if the questions are sentences of the chunk itself. */
  readonly extractive?: boolean
  /** Tokens per token of cl100k_base, at most; default 1, and 0 if none are billed. */
  readonly tokenRatio?: number
  /**
   * @throws PROVIDER_REQUEST when the service refuses or cannot be reached; `details` has `status`, `retryable`, `retryAfterMs`
   * @throws PROVIDER_RESPONSE when the answer has no text
   * @throws ABORTED when `signal` was aborted
   */
  complete(request: ChatRequest): Promise<ChatAnswer>
  /** Access to the service's Batch API; present only with `batchApi`. */
  readonly batches?: ChatBatches
}

/** Requests and answers of a Batch API, and its client. */
export interface ChatBatches {
  readonly client: BatchClient
  /** Makes the body of the request for a prompt, for an answer as JSON of the `ANSWER_SCHEMA`. */
  body(prompt: string): object
  /** Reads the body of an answer. @throws PROVIDER_RESPONSE when it has no text */
  read(body: unknown): ChatAnswer
}

/** Options of a chat model, those of a provider as far as they apply; `timeoutMs` is by default `CHAT_TIMEOUT_MS`. */
export interface ChatModelOptions extends Pick<ProviderOptions, 'model' | 'baseUrl' | 'apiKey' | 'timeoutMs' | 'batchApi'> {
  /** Overrides the price table. */
  readonly price?: ChatPrice
}

/** Milliseconds for one request, longer than for embeddings: a model on a CPU writes a few words per second. */
export const CHAT_TIMEOUT_MS = 180_000

export const ANSWER_SCHEMA = {
  type: 'object',
  properties: { questions: { type: 'array', items: { type: 'string' } } },
  required: ['questions'],
  additionalProperties: false,
} as const

/** Makes an answer from the parts of a service's response. `text`: its content, a string or a list of parts. */
export function readAnswer(
  service: Service,
  text: unknown,
  usage: { readonly input?: unknown; readonly output?: unknown },
  { refusal, finish, whole }: { readonly refusal?: unknown; readonly finish?: unknown; readonly whole?: unknown },
): ChatAnswer {
  const refused = finish === 'content_filter' || (typeof refusal === 'string' && refusal !== '')
  const said = [joined(text), refusal].find(part => typeof part === 'string' && part.trim() !== '') as string | undefined
  if (said === undefined && !refused) {
    const { quote } = saidInstead(service, whole)
    const why = typeof finish === 'string' ? ` (finish reason "${finish.slice(0, 40)}")` : ''
    throw responseError(service, `the answer has no text${why}${quote && `.${quote}`}`, { retryable: true })
  }
  return {
    // A gateway may quote the request; the answer goes into the cache.
    text: service.key && service.key.length >= 8 ? (said ?? '').replaceAll(service.key, '[redacted]') : (said ?? ''),
    ...(refused && { refused }),
    ...(isCount(usage.input) && { inputTokens: usage.input }),
    ...(isCount(usage.output) && { outputTokens: usage.output }),
  }
}

/** The text of a content that may be a part or a list of parts; those of other types, such as thinking, are passed over. */
function joined(content: unknown): unknown {
  return [content]
    .flat()
    .map(part => {
      if (typeof part === 'string') return part
      const { type = 'text', text } = (part ?? {}) as { type?: unknown; text?: unknown }
      return (type === 'text' || type === 'output_text') && typeof text === 'string' ? text : ''
    })
    .join('')
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
