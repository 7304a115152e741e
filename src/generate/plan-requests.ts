import { hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CompletionCache } from '../cache/cache.js'
import type { Chunk } from '../documents/chunk.js'
import { tryJson } from '../json.js'
import { getOrInsert } from '../maps.js'
import type { ChatPrice } from '../providers/prices.js'
import { loadTokenCounter } from '../providers/token-counter.js'
import type { ChatAnswer, ChatModel } from './llm/chat-model.js'
import { renderPrompt } from './prompt.js'
import { assignStyles, type StyleName } from './styles.js'

/** Chunks per turn of the event loop. */
const TURN = 256
/** Approximate tokens of one query in an answer, with its quotes and comma, and of the rest of the answer. */
const QUESTION_TOKENS = 30
const ANSWER_TOKENS = 10
/** Tokens of a message's frame and of the answer's schema. */
const REQUEST_TOKENS = 60

/** Request for the questions of one chunk, and its answer if the cache has it. */
export interface PlannedRequest {
  readonly chunk: Chunk
  readonly styles: readonly StyleName[]
  /** SHA-256 of everything that changes the answer. */
  readonly key: Uint8Array
  readonly inputTokens: number
  readonly answer?: ChatAnswer
}

/** Requests and cost of generating questions, without what is in the cache. */
export interface GenerationEstimate {
  readonly chunks: number
  readonly cached: number
  readonly missing: number
  /** Tokens of the missing prompts. */
  readonly inputTokens: number
  /** Tokens of the missing answers, without reasoning. */
  readonly outputTokens: number
  /** US dollars; absent if the price is not known. */
  readonly cost?: number
}

/** Options that determine the requests. */
export interface GenerationPlanOptions {
  readonly questions: number
  /** Prompt with `{context}` and `{n}`, and optionally `{styles}`. */
  readonly template: string
  /** Styles of the queries, in turn. */
  readonly styles: readonly StyleName[]
  /** Determines the first style of a chunk. */
  readonly seed: number
  /** Store of answers, such as the `completions` of `openCache`. */
  readonly completions?: CompletionCache
}

/** Looks up answers in the cache and estimates the rest; sends nothing. */
export async function planRequests(
  chunks: readonly Chunk[],
  model: ChatModel,
  { questions, template, styles, seed, completions }: GenerationPlanOptions,
): Promise<{ requests: PlannedRequest[]; estimate: GenerationEstimate }> {
  const { tokenRatio = 1, cacheKey } = model
  const countTokens = await loadTokenCounter()
  const frames = new Map<string, number>()
  const frameTokens = (chosen: readonly StyleName[]): number => {
    const make = (): number => countTokens(renderPrompt(template, '', chosen)) + REQUEST_TOKENS
    return getOrInsert(frames, chosen.join(), make)
  }
  const copies = template.split('{context}').length - 1
  const requests: PlannedRequest[] = []
  for (const chunk of chunks) {
    const chosen = assignStyles(styles, questions, seed, chunk.id)
    const prompt = renderPrompt(template, chunk.text, chosen)
    const key = hash('sha256', JSON.stringify(['completion/1', cacheKey, chunk.id, prompt]), 'buffer')
    const answer = cacheKey === undefined ? undefined : readAnswer(completions?.get(key))
    const inputTokens = Math.ceil(tokenRatio * (frameTokens(chosen) + copies * chunk.tokens))
    requests.push({ chunk, styles: chosen, key, inputTokens, ...(answer ? { answer } : {}) })
    if (requests.length % TURN === 0) await nextTurn()
  }
  const missing = requests.filter(request => request.answer === undefined)
  const inputTokens = missing.reduce((sum, request) => sum + request.inputTokens, 0)
  const outputTokens = Math.ceil(tokenRatio * missing.length * (questions * QUESTION_TOKENS + ANSWER_TOKENS))
  const counts = { chunks: requests.length, cached: requests.length - missing.length, missing: missing.length }
  const cost = model.price && costOf(inputTokens, outputTokens, model.price)
  return { requests, estimate: { ...counts, inputTokens, outputTokens, ...(cost === undefined ? {} : { cost }) } }
}

/** Computes the cost in US dollars. */
export function costOf(inputTokens: number, outputTokens: number, price: ChatPrice): number {
  return (inputTokens * price.input + outputTokens * price.output) / 1e6
}

/** Reads an answer as it is stored. */
export function readAnswer(stored: string | undefined): ChatAnswer | undefined {
  const answer = tryJson(stored ?? 'null') as Partial<ChatAnswer> | null | undefined
  return typeof answer?.text === 'string' ? { ...answer, text: answer.text } : undefined
}
