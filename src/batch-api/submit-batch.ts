import type { BatchStore, StoredBatch } from '../cache/batch-store.js'
import { mayRun } from '../cache/spill.js'
import { type RetryOptions, withRetries } from '../embed/retry.js'
import { isAdapterTrainError } from '../errors.js'
import type { BatchClient } from '../providers/provider.js'

/** A submission that takes longer than this was cut short. */
const LONGEST_SUBMISSION_MS = 60 * 60_000

/** Uploads a recorded batch, creates it, and records its id. */
export async function submitBatch(
  client: BatchClient,
  store: BatchStore,
  { row, token, submittedAt }: StoredBatch,
  lines: readonly Uint8Array[],
  retryOptions: RetryOptions,
): Promise<string> {
  let unsure = false
  try {
    const file = await withRetries(() => client.upload(lines, retryOptions.signal), retryOptions)
    retryOptions.signal?.throwIfAborted()
    const { id } = await withRetries(async () => {
      const found = unsure ? await client.find(token, submittedAt) : undefined
      if (found) return found
      unsure = true
      return client.create(file, token).catch(error => {
        unsure = !isRefusal(error)
        throw error
      })
    }, retryOptions)
    store.name(row, id)
    return id
  } catch (error) {
    if (unsure) store.release(row)
    else store.remove(row)
    throw error
  }
}

/** Records or removes a batch whose submission was cut short, depending on whether the service has it. */
export async function settleBatch(
  client: BatchClient,
  store: BatchStore,
  { row, token, submittedAt }: StoredBatch,
  retryOptions: RetryOptions,
): Promise<void> {
  const found = await withRetries(() => client.find(token, submittedAt, retryOptions.signal), retryOptions)
  if (found) store.name(row, found.id)
  else store.remove(row)
}

export function isBeingSubmitted({ id, owner, submittedAt }: StoredBatch): boolean {
  if (id !== undefined || owner === undefined || Date.now() - submittedAt > LONGEST_SUBMISSION_MS) return false
  return mayRun(owner, submittedAt)
}

/** True if the service refused, so that certainly no batch exists. */
function isRefusal(error: unknown): boolean {
  const status = isAdapterTrainError(error, 'PROVIDER_REQUEST') ? error.details.status : undefined
  const retryable = isAdapterTrainError(error) && error.details.retryable !== false
  return typeof status === 'number' ? status < 500 && status !== 408 : !retryable
}
