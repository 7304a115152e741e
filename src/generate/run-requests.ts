import { abortError } from '../abort.js'
import type { CompletionCache } from '../cache/cache.js'
import type { Chunk } from '../documents/chunk.js'
import { type RetryOptions, stoppable, withRetries, workOff } from '../embed/retry.js'
import { AdapterTrainError, isAdapterTrainError, usageError } from '../errors.js'
import type { ChatAnswer, ChatModel, ChatRequest } from './llm/chat-model.js'
import { costOf, type PlannedRequest, readAnswer } from './plan-requests.js'
import { renderPrompt } from './prompt.js'

const STOPPED = 'generation was stopped before it was done; answers are in the cache, if one is used'
/** Failures in a row after which the service counts as down. */
const MOST_FAILURES = 10

/** Chunk without an answer. */
export interface FailedChunk {
  readonly chunk: Chunk
  readonly error: AdapterTrainError
}

/** Progress of a run. */
export interface GenerationProgress {
  /** Chunks with an answer, including those from the cache, or failed. */
  readonly done: number
  readonly total: number
  readonly failed: number
}

/** Numbers of requests and answers. */
export interface GenerationStats {
  readonly chunks: number
  /** Answers from the cache. */
  readonly cached: number
  /** Requests sent, retries included. */
  readonly requests: number
  readonly retries: number
  /** Tokens of this run's answered requests, as billed, or as estimated if the service does not report them. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** US dollars of this run; absent if the price is not known. */
  readonly cost?: number
}

/** One answer per request, in order, `undefined` for a failed one. */
export interface GenerationOutcome {
  readonly answers: readonly (ChatAnswer | undefined)[]
  readonly failed: readonly FailedChunk[]
  readonly stats: GenerationStats
}

/** Options of sending the requests. */
export interface GenerationRunOptions extends RetryOptions {
  /** Store of answers; a killed or aborted run loses only what was in flight. */
  readonly completions?: CompletionCache
  /** Requests in flight at once. */
  readonly concurrency: number
  /** US dollars: an estimate above it is refused, and no request is sent once it is spent. */
  readonly maxCost?: number
  /** Called after every chunk. */
  readonly onProgress?: (progress: GenerationProgress) => void
}

/**
 * Sends the requests without an answer in the cache. A chunk whose request fails for good is listed and the others continue, unless
 * all would fail (a wrong key or model, no credit, {@link MOST_FAILURES} in a row).
 */
export async function runRequests(
  requests: readonly PlannedRequest[],
  model: ChatModel,
  template: string,
  options: GenerationRunOptions,
): Promise<GenerationOutcome> {
  const { completions, signal, maxCost = Number.POSITIVE_INFINITY, onProgress } = options
  const answers = requests.map(request => request.answer)
  const missing = requests.flatMap((request, i) => (request.answer === undefined ? [{ ...request, i }] : []))
  const failures = new Map<number, AdapterTrainError>()
  let cached = requests.length - missing.length
  const count = { answered: 0, inARow: 0, requests: 0, retries: 0, inputTokens: 0, outputTokens: 0 }
  const cost = (): number | undefined => model.price && costOf(count.inputTokens, count.outputTokens, model.price)
  const report = (): void => {
    onProgress?.({ done: cached + count.answered + failures.size, total: requests.length, failed: failures.size })
  }

  const { stop, retryOptions } = stoppable(options, () => {
    count.retries++
  })
  const ask = createAsker(model, retryOptions, () => {
    count.requests++
  })

  const answerOne = async ({ chunk, styles, key, inputTokens, i }: (typeof missing)[number]): Promise<void> => {
    const prompt = renderPrompt(template, chunk.text, styles)
    const answer = await ask({ prompt, chunk, count: styles.length, signal })
    if (model.cacheKey !== undefined) completions?.set(key, model.id, JSON.stringify(answer))
    answers[i] = answer
    count.answered++
    count.inARow = 0
    if (model.tokenRatio === 0) return
    count.inputTokens += answer.inputTokens ?? inputTokens
    count.outputTokens += answer.outputTokens ?? Math.ceil(answer.text.length / 4)
  }

  const queue = [...missing]
  const others: typeof missing = []
  /** Leaves an answer that another process asks for, or takes it if it is stored by now. */
  const take = async (request: (typeof missing)[number]): Promise<void> => {
    const store = model.cacheKey === undefined ? undefined : completions
    const claim = store?.claim?.(request.key) ?? true
    if (claim === false) return void others.push(request)
    const stored = claim === true ? undefined : readAnswer(claim)
    if (stored !== undefined) {
      answers[request.i] = stored
      cached++
      return
    }
    await answerOne(request).catch(error => {
      store?.release?.(request.key)
      throw error
    })
  }

  report()
  let failure: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    while (queue.length > 0 && failure === undefined) {
      const request = queue.shift()!
      try {
        if (signal?.aborted) throw signal.reason
        if ((cost() ?? 0) >= maxCost && maxCost > 0) throw tooExpensive(cost()!, maxCost)
        await take(request)
      } catch (error) {
        if (signal?.aborted) failure ??= { error: abortError(signal, STOPPED) }
        else if (failure === undefined && isOfOneChunk(error) && ++count.inARow < MOST_FAILURES) {
          failures.set(request.i, error)
        } else {
          failure ??= { error }
          others.length = 0
          stop.abort()
        }
      }
      report()
    }
  }
  await workOff({ queue, others, width: options.concurrency }, worker, signal)
  if (failure !== undefined) throw withCounts(failure.error, cached + count.answered, requests.length, completions)

  const { retries, inputTokens, outputTokens } = count
  const sent = model.tokenRatio === 0 ? 0 : count.requests
  const failed = [...failures].sort(([a], [b]) => a - b).map(([i, error]) => ({ chunk: requests[i].chunk, error }))
  const counts = { chunks: requests.length, cached, requests: sent, retries, inputTokens, outputTokens }
  return { answers, failed, stats: withCost(counts, model) }
}

/** Adds the cost to the numbers of a run, if the model's price is known. */
export function withCost(counts: Omit<GenerationStats, 'cost'>, { price }: ChatModel): GenerationStats {
  return { ...counts, ...(price && { cost: costOf(counts.inputTokens, counts.outputTokens, price) }) }
}

/** True if the failure need not affect every other chunk. */
function isOfOneChunk(error: unknown): error is AdapterTrainError {
  if (isAdapterTrainError(error, 'PROVIDER_RESPONSE')) return true
  if (!isAdapterTrainError(error, 'PROVIDER_REQUEST')) return false
  const { status, retryable } = error.details
  if (status === 401 || status === 402 || status === 404) return false
  // Credit that ran out, or a wait longer than a run waits.
  return !(status === 429 && (retryable !== true || /longer than a run waits/.test(error.message)))
}

function withCounts(error: unknown, stored: number, total: number, completions: CompletionCache | undefined): unknown {
  if (!isAdapterTrainError(error) || completions === undefined || stored === 0) return error
  const note = `${stored} of ${total} answers are in the cache. Run again to request only the others`
  return new AdapterTrainError(error.code, `${error.message.replace(/\.$/, '')}. ${note}`, {
    cause: error.cause,
    details: { ...error.details, stored, total },
  })
}

function tooExpensive(spent: number, maxCost: number): AdapterTrainError {
  const message = `the answers have cost $${spent.toFixed(4)}, above the estimate and the limit of $${maxCost}. Raise maxCost to continue`
  return usageError(message, { details: { spent, maxCost } })
}

/** Requests structured answers until the server refuses them, and plain ones from then on. */
function createAsker(
  model: ChatModel,
  retryOptions: RetryOptions,
  onRequest: () => void,
): (request: Omit<ChatRequest, 'structured'>) => Promise<ChatAnswer> {
  let structured = true
  const send = (request: Omit<ChatRequest, 'structured'>, asJson: boolean): Promise<ChatAnswer> =>
    withRetries(async () => {
      onRequest()
      try {
        return await model.complete({ ...request, structured: asJson })
      } catch (error) {
        if (!isAdapterTrainError(error, 'PROVIDER_RESPONSE')) throw error
        // An unreadable answer (a page of a proxy, JSON that is cut off) may be readable next time.
        throw new AdapterTrainError(error.code, error.message, { details: { ...error.details, retryable: true } })
      }
    }, retryOptions)

  return async request => {
    const asJson = structured
    try {
      return await send(request, asJson)
    } catch (error) {
      // A server that does not know the format answers 400, or 422 if a schema of its own checks requests.
      const status = isAdapterTrainError(error, 'PROVIDER_REQUEST') ? error.details.status : undefined
      if (!asJson || (status !== 400 && status !== 422)) throw error
      const answer = await send(request, false)
      // Only now is it certain that it refused the format, not the prompt.
      structured = false
      return answer
    }
  }
}
