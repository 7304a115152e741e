import type { BatchJob } from '../batch/batch-job.js'
import { type BatchOptions, runBatches } from '../batch/run-batches.js'
import type { CompletionCache } from '../cache/cache.js'
import type { RetryOptions } from '../embed/retry.js'
import { AdapterTrainError } from '../errors.js'
import type { ChatAnswer, ChatModel } from './llm/chat-model.js'
import { costOf, type PlannedRequest } from './plan-requests.js'
import { renderPrompt } from './prompt.js'
import type { FailedChunk, GenerationStats } from './run-requests.js'

export interface BatchRequestsOptions extends RetryOptions {
  readonly completions?: CompletionCache
  readonly batches?: BatchOptions
}

/**
 * Has the requests that the cache has no answer to answered through the model's Batch API, into the cache.
 *
 * @returns one answer a request, in order, `undefined` for a failed one
 * @throws USAGE when there is no cache, or no store for the batches
 * @throws as `runBatches`
 */
export async function runBatchRequests(
  requests: readonly PlannedRequest[],
  model: ChatModel,
  template: string,
  options: BatchRequestsOptions,
): Promise<{ answers: (ChatAnswer | undefined)[]; failed: FailedChunk[]; stats: GenerationStats }> {
  const { batches } = model
  const { completions, batches: batchOptions } = options
  if (batches === undefined || completions === undefined || batchOptions === undefined) {
    const message =
      'generating through the Batch API needs a cache file: pass { completions: cache.completions, batches: { store: cache.batches } }'
    throw new AdapterTrainError('USAGE', message)
  }
  const { client } = batches
  const missing = requests.filter(({ answer }) => answer === undefined)
  const job: BatchJob = {
    client,
    scope: { kind: 'chat', space: model.cacheKey ?? model.id, model: client.model, baseUrl: client.baseUrl },
    keys: missing.map(({ key }) => key),
    missing: indices => indices.filter(i => completions.get(missing[i].key) === undefined),
    *requests(indices) {
      for (const i of indices) {
        const { chunk, styles, key } = missing[i]
        yield { keys: [key], body: batches.body(renderPrompt(template, chunk.text, styles)) }
      }
    },
    read([key], body) {
      const answer = batches.read(body)
      const { inputTokens, outputTokens } = answer
      return { inputTokens, outputTokens, save: () => completions.set(key, model.id, JSON.stringify(answer)) }
    },
  }
  const outcome = await runBatches(missing.length > 0 ? [job] : [], batchOptions, options)

  const reasons = new Map(outcome.failures.map(failure => [hex(failure.keys[0]), failure]))
  const failed: FailedChunk[] = []
  const answers = requests.map(({ answer, key, chunk }) => {
    if (answer !== undefined) return answer
    const stored = completions.get(key)
    if (stored !== undefined) return JSON.parse(stored) as ChatAnswer
    const failure = reasons.get(hex(key))
    const message = failure
      ? `${client.name}: ${failure.reason} (batch ${failure.batch}, request ${failure.customId})`
      : `${client.name}: the answer is not in the cache any more`
    const details = { provider: model.id, batch: failure?.batch, customId: failure?.customId }
    failed.push({ chunk, error: new AdapterTrainError('PROVIDER_REQUEST', message, { details }) })
    return undefined
  })
  const { inputTokens, outputTokens } = outcome
  const stats = {
    chunks: requests.length,
    cached: requests.length - outcome.requests - failed.length,
    requests: outcome.requests + outcome.failures.length,
    retries: 0,
    inputTokens,
    outputTokens,
  }
  return {
    answers,
    failed,
    stats: model.price ? { ...stats, cost: costOf(inputTokens, outputTokens, model.price) } : stats,
  }
}

function hex(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex')
}
