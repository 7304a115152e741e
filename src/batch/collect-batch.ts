import type { BatchStore, StoredBatch } from '../cache/batch-store.js'
import { type RetryOptions, withRetries } from '../embed/retry.js'
import { isAdapterTrainError } from '../errors.js'
import type { BatchState } from '../providers/batch-client.js'
import type { BatchFailure, BatchJob, ReadAnswer } from './batch-job.js'
import { readAnswerLine } from './read-answer-line.js'
import { customIdOf } from './split-batches.js'

/** What one batch came to. */
export interface CollectedBatch {
  /** Keys whose answers are in the cache now. */
  readonly keys: readonly Uint8Array[]
  readonly requests: number
  readonly failures: readonly BatchFailure[]
  readonly inputTokens: number
  readonly outputTokens: number
}

/**
 * Reads the answers of a batch that is over, also of one that expired, and stores them together with the news that it is over.
 *
 * @returns `undefined` when another process has collected it
 * @throws PROVIDER_REQUEST when its files cannot be read; it can be collected again then
 */
export async function collectBatch(
  job: BatchJob,
  store: BatchStore,
  batch: StoredBatch,
  state: BatchState,
  retryOptions: RetryOptions,
): Promise<CollectedBatch | undefined> {
  const asked = new Map(batch.requests.map(keys => [customIdOf(keys), keys]))
  const answers = new Map<string, ReadAnswer>()
  const reasons = new Map<string, string>()
  const read = (line: string): void => {
    const { customId, body, problem } = readAnswerLine(line)
    const keys = customId === undefined ? undefined : asked.get(customId)
    if (customId === undefined || keys === undefined) return
    try {
      if (problem === undefined) answers.set(customId, job.read(keys, body))
      else reasons.set(customId, problem)
    } catch (error) {
      if (!isAdapterTrainError(error)) throw error
      reasons.set(customId, error.message)
    }
  }
  for (const file of [state.outputFile, state.errorFile]) {
    if (file === undefined) continue
    await withRetries(() => job.client.readLines(file, read, retryOptions.signal), retryOptions)
  }

  const saved: Uint8Array[] = []
  const count = { requests: 0, inputTokens: 0, outputTokens: 0 }
  const first = store.finish(batch.row, state.status, () => {
    for (const [customId, answer] of answers) {
      try {
        answer.save()
      } catch (error) {
        if (!isAdapterTrainError(error, 'VECTOR_INVALID')) throw error
        reasons.set(customId, error.message)
        continue
      }
      reasons.delete(customId)
      saved.push(...asked.get(customId)!)
      asked.delete(customId)
      count.requests++
      count.inputTokens += answer.inputTokens ?? 0
      count.outputTokens += answer.outputTokens ?? 0
    }
  })
  if (!first) return undefined
  const otherwise = whyUnanswered(state)
  const failures = Array.from(asked, ([customId, keys]) => ({
    batch: state.id,
    customId,
    keys,
    reason: job.client.redact(reasons.get(customId) ?? otherwise),
  }))
  return { keys: saved, failures, ...count }
}

function whyUnanswered({ status, errors }: BatchState): string {
  if (status === 'failed') return `the service refused the batch: ${errors.slice(0, 3).join('; ') || 'no reason given'}`
  if (status === 'expired') return 'the batch expired before it was answered'
  if (status === 'cancelled') return 'the batch was cancelled before it was answered'
  return 'there is no answer to it in the files of the batch'
}
