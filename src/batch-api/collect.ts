import type { BatchStore, StoredBatch } from '../cache/batch-store.js'
import { type RetryOptions, withRetries } from '../embed/retry.js'
import { isAdapterTrainError } from '../errors.js'
import { tryJson } from '../json.js'
import { parseErrorBody } from '../providers/http-error.js'
import type { BatchState } from '../providers/provider.js'
import { type BatchFailure, type BatchJob, customIdOf, type ReadAnswer } from './jobs.js'

export interface CollectedBatch {
  /** Keys of answered requests; their answers are in the cache, except texts whose vectors cannot be used. */
  readonly keys: readonly Uint8Array[]
  /** Answered requests. */
  readonly requests: number
  readonly failures: readonly BatchFailure[]
  readonly inputTokens: number
  readonly outputTokens: number
}

/** Stores a finished or expired batch's answers with its final status; `undefined` if another process collected it. */
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
    const answer = readAnswerLine(line)
    const keys = answer && asked.get(answer.customId)
    if (keys === undefined) return
    const { customId, body, problem } = answer!
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
  return 'the files of the batch have no answer to it'
}

interface Line {
  readonly custom_id?: unknown
  readonly response?: { readonly status_code?: number; readonly body?: unknown } | null
  readonly error?: { readonly code?: string; readonly message?: string } | null
}

/**
 * Reads a line of an output or error file.
 * @returns the body of an answer, or the problem, which may still contain keys; `undefined` if the line names no request
 * @see https://platform.openai.com/docs/api-reference/batch/request-output
 */
function readAnswerLine(line: string): { customId: string; body?: unknown; problem?: string } | undefined {
  const parsed = tryJson(line) as Line | null | undefined
  if (typeof parsed?.custom_id !== 'string') return undefined
  const { custom_id: customId, response, error } = parsed
  if (error) return { customId, problem: error.message ?? error.code ?? 'no reason given' }
  const status = response?.status_code
  if (status === 200) return { customId, body: response?.body }
  const { message } = parseErrorBody(JSON.stringify(response?.body ?? ''))
  return { customId, problem: `HTTP ${status ?? '?'}${message ? `: ${message}` : ''}` }
}
