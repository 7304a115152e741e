import type { CompletionCache } from '../cache/cache.js'
import type { Chunk } from '../documents/chunk.js'
import type { RetryOptions } from '../embed/retry.js'
import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import { createAsker } from './ask-model.js'
import type { ChatAnswer, ChatModel } from './llm/chat-model.js'
import { costOf, type PlannedRequest } from './plan-requests.js'
import { renderPrompt } from './prompt.js'

/** So many chunks one after another without an answer: the service is down, or wrong. */
const MOST_FAILURES = 10

/** A chunk for which no answer could be had. */
export interface FailedChunk {
  readonly chunk: Chunk
  readonly error: AdapterTrainError
}

/** Where a run stands. */
export interface GenerationProgress {
  /** Chunks with an answer, those from the cache included, or given up. */
  readonly done: number
  readonly total: number
  readonly failed: number
}

/** What was asked and answered. */
export interface GenerationStats {
  readonly chunks: number
  /** Answers from the cache. */
  readonly cached: number
  /** Requests sent, retries included. */
  readonly requests: number
  readonly retries: number
  /** Tokens of this run's answered requests, as billed, or as estimated where the service does not say. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** US dollars of this run; absent where the price is not known. */
  readonly cost?: number
}

export interface RunOptions extends RetryOptions {
  /** Every answer is stored before it is counted, so that a killed run loses only what was in flight. */
  readonly completions?: CompletionCache
  /** Stops the run: requests in flight are aborted, finished ones stay in the cache. */
  readonly signal?: AbortSignal
  /** Requests in flight at once. */
  readonly concurrency: number
  /** US dollars: no request is sent once so much is spent. */
  readonly maxCost?: number
  readonly onProgress?: (progress: GenerationProgress) => void
}

/**
 * Sends the requests that the cache has no answer to. A chunk whose request fails for good is listed and the others go on, unless
 * the failure would be that of all (a wrong key or model, no credit, {@link MOST_FAILURES} in a row).
 *
 * @returns one answer a request, in order, `undefined` for a failed one
 * @throws PROVIDER_REQUEST, PROVIDER_RESPONSE when the run cannot go on; what was answered is stored
 * @throws USAGE when `maxCost` is reached
 * @throws ABORTED when `signal` was aborted
 */
export async function runRequests(
  requests: readonly PlannedRequest[],
  model: ChatModel,
  template: string,
  options: RunOptions,
): Promise<{ answers: (ChatAnswer | undefined)[]; failed: FailedChunk[]; stats: GenerationStats }> {
  const { completions, signal, maxCost = Number.POSITIVE_INFINITY, onProgress } = options
  const answers = requests.map(request => request.answer)
  const missing = requests.flatMap((request, i) => (request.answer === undefined ? [{ ...request, i }] : []))
  const failures = new Map<number, AdapterTrainError>()
  const cached = requests.length - missing.length
  const count = { answered: 0, inARow: 0, requests: 0, retries: 0, inputTokens: 0, outputTokens: 0 }
  const cost = (): number | undefined => model.price && costOf(count.inputTokens, count.outputTokens, model.price)
  const report = (): void => {
    onProgress?.({ done: cached + count.answered + failures.size, total: requests.length, failed: failures.size })
  }

  // Ends the waits between attempts as soon as the run has failed, but not the requests in flight: they are paid for.
  const stop = new AbortController()
  const retryOptions: RetryOptions = {
    ...options,
    signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
    onRetry(info) {
      count.retries++
      options.onRetry?.(info)
    },
  }
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

  report()
  let next = 0
  let failure: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    while (next < missing.length && failure === undefined) {
      const request = missing[next++]
      try {
        if (signal?.aborted) throw signal.reason
        if ((cost() ?? 0) >= maxCost && maxCost > 0) throw tooExpensive(cost()!, maxCost)
        await answerOne(request)
      } catch (error) {
        if (signal?.aborted) failure ??= { error: aborted(signal) }
        else if (failure === undefined && isOfOneChunk(error) && ++count.inARow < MOST_FAILURES) {
          failures.set(request.i, error)
        } else {
          failure ??= { error }
          stop.abort()
        }
      }
      report()
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.concurrency, missing.length) }, worker))
  if (failure !== undefined) throw withCounts(failure.error, cached + count.answered, requests.length, completions)

  const { requests: sent, retries, inputTokens, outputTokens } = count
  const spent = cost()
  const failed = [...failures].sort(([a], [b]) => a - b).map(([i, error]) => ({ chunk: requests[i].chunk, error }))
  return {
    answers,
    failed,
    stats: {
      chunks: requests.length,
      cached,
      requests: model.tokenRatio === 0 ? 0 : sent,
      retries,
      inputTokens,
      outputTokens,
      ...(spent === undefined ? {} : { cost: spent }),
    },
  }
}

/** Whether the same could not be expected for every other chunk. */
function isOfOneChunk(error: unknown): error is AdapterTrainError {
  if (isAdapterTrainError(error, 'PROVIDER_RESPONSE')) return true
  if (!isAdapterTrainError(error, 'PROVIDER_REQUEST')) return false
  const { status, retryable } = error.details
  if (status === 401 || status === 402 || status === 404) return false
  // Credit that ran out, or a wait that is longer than a run waits.
  return !(status === 429 && (retryable !== true || /longer than a run waits/.test(error.message)))
}

function withCounts(error: unknown, stored: number, total: number, completions: CompletionCache | undefined): unknown {
  if (!isAdapterTrainError(error) || completions === undefined || stored === 0) return error
  const note = `${stored} of ${total} answers are in the cache: run again, and only the others are asked for`
  return new AdapterTrainError(error.code, `${error.message.replace(/\.$/, '')}. ${note}`, {
    cause: error.cause,
    details: { ...error.details, stored, total },
  })
}

function aborted(signal: AbortSignal): AdapterTrainError {
  const message = 'generation was stopped before it was done; what was answered is in the cache, where one is used'
  return new AdapterTrainError('ABORTED', message, { cause: signal.reason })
}

function tooExpensive(spent: number, maxCost: number): AdapterTrainError {
  const message = `the answers have cost $${spent.toFixed(4)}, more than the estimate said and the limit of $${maxCost}: raise maxCost to go on`
  return new AdapterTrainError('USAGE', message, { details: { spent, maxCost } })
}
