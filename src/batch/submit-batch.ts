import { hostname } from 'node:os'
import type { BatchStore, StoredBatch } from '../cache/batch-store.js'
import { type RetryOptions, withRetries } from '../embed/retry.js'
import { isAdapterTrainError } from '../errors.js'
import type { BatchClient } from '../providers/batch-client.js'

/** Whoever is at it for longer than this is not at it any more. */
const LONGEST_SUBMISSION_MS = 60 * 60_000

/**
 * Uploads a batch that was put down, creates it, and notes its id.
 *
 * @throws PROVIDER_REQUEST, PROVIDER_RESPONSE when it was not created; where that is not sure, the next run looks for it
 */
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

/** Finds out what became of a batch whose submission was cut short. */
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

/** Whether another run is about to submit it. */
export function isBeingSubmitted({ id, owner, submittedAt }: StoredBatch): boolean {
  if (id !== undefined || owner === undefined || Date.now() - submittedAt > LONGEST_SUBMISSION_MS) return false
  const split = owner.lastIndexOf(':')
  return owner.slice(0, split) !== hostname() || isRunning(Number(owner.slice(split + 1)))
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether the service said no, so that there is no batch for sure. */
function isRefusal(error: unknown): boolean {
  const status = isAdapterTrainError(error, 'PROVIDER_REQUEST') ? error.details.status : undefined
  const retryable = isAdapterTrainError(error) && error.details.retryable !== false
  return typeof status === 'number' ? status < 500 && status !== 408 : !retryable
}
