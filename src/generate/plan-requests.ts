import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CompletionCache } from '../cache/cache.js'
import type { Chunk } from '../documents/chunk.js'
import type { ChatPrice } from '../providers/chat-prices.js'
import { loadTokenCounter } from '../providers/token-counter.js'
import type { ChatAnswer, ChatModel } from './llm/chat-model.js'
import { renderPrompt } from './prompt.js'
import { assignStyles, type StyleName } from './styles.js'

/** Chunks looked at before the event loop gets a turn. */
const TURN = 256

/** Tokens of one query in an answer with its quotes and comma, about, and of what is around them. */
const QUESTION_TOKENS = 30
const ANSWER_TOKENS = 10
/** Tokens of a message's frame and of the schema of the answer. */
const REQUEST_TOKENS = 60

/** What is asked for one chunk, and what is known of it. */
export interface PlannedRequest {
  readonly chunk: Chunk
  readonly styles: readonly StyleName[]
  /** SHA-256 of everything that changes the answer. */
  readonly key: Uint8Array
  readonly inputTokens: number
  /** Where the cache has it. */
  readonly answer?: ChatAnswer
}

/** What generating questions would take, beyond what is in the cache. */
export interface GenerationEstimate {
  readonly chunks: number
  readonly cached: number
  readonly missing: number
  /** Tokens of the missing prompts. */
  readonly inputTokens: number
  /** Tokens of the missing answers, without what a model thinks before it answers. */
  readonly outputTokens: number
  /** US dollars; absent where the price is not known. */
  readonly cost?: number
}

export interface PlanOptions {
  readonly questions: number
  readonly template: string
  readonly styles: readonly StyleName[]
  readonly seed: number
  readonly completions?: CompletionCache
}

/** Looks up what the cache has, and says what the rest would take; sends nothing. */
export async function planRequests(
  chunks: readonly Chunk[],
  model: ChatModel,
  { questions, template, styles, seed, completions }: PlanOptions,
): Promise<{ requests: PlannedRequest[]; estimate: GenerationEstimate }> {
  const { tokenRatio = 1, cacheKey } = model
  const countTokens = await loadTokenCounter()
  const frames = new Map<string, number>()
  const frameTokens = (chosen: readonly StyleName[]): number => {
    const name = chosen.join()
    const known = frames.get(name) ?? countTokens(renderPrompt(template, '', chosen)) + REQUEST_TOKENS
    frames.set(name, known)
    return known
  }
  const copies = template.split('{context}').length - 1
  const requests: PlannedRequest[] = []
  for (const chunk of chunks) {
    const chosen = assignStyles(styles, questions, seed, chunk.id)
    const prompt = renderPrompt(template, chunk.text, chosen)
    const key = createHash('sha256')
      .update(JSON.stringify(['completion/1', cacheKey, chunk.id, prompt]))
      .digest()
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

/** US dollars. */
export function costOf(inputTokens: number, outputTokens: number, price: ChatPrice): number {
  return (inputTokens * price.input + outputTokens * price.output) / 1e6
}

function readAnswer(stored: string | undefined): ChatAnswer | undefined {
  if (stored === undefined) return undefined
  const answer: unknown = JSON.parse(stored)
  const sound = typeof answer === 'object' && answer !== null && 'text' in answer && typeof answer.text === 'string'
  return sound ? (answer as ChatAnswer) : undefined
}
