import { setTimeout as sleepFor } from 'node:timers/promises'
import type { BatchStore, StoredBatch } from '../cache/batch-store.js'
import { type RetryOptions, withRetries } from '../embed/retry.js'
import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import type { BatchState } from '../providers/batch-client.js'
import type { BatchFailure, BatchJob } from './batch-job.js'
import { type CollectedBatch, collectBatch } from './collect-batch.js'
import { BATCH_LIMITS, type BatchLimits, splitBatches } from './split-batches.js'
import { isBeingSubmitted, settleBatch, submitBatch } from './submit-batch.js'

/** Milliseconds before the second look at a batch; the wait grows by half each time, up to {@link SLOWEST_POLL} times this. */
export const POLL_MS = 10_000
const SLOWEST_POLL = 12
/** The service answers within a day or gives up; a batch that it does not know after two is gone. */
const GONE_AFTER_MS = 48 * 60 * 60_000
const FINAL = ['completed', 'failed', 'expired', 'cancelled']

/** Where the batches of a run stand; counts are of requests, each of which may hold many texts. */
export interface BatchProgress {
  readonly completed: number
  readonly failed: number
  readonly total: number
  /** Batches under way. */
  readonly batches: number
}

/** How to go about batches. */
export interface BatchOptions {
  /** Keeps what is under way, such as the `batches` of `openCache`; the answers go into the same file. */
  readonly store: BatchStore
  /** False submits what is missing, collects what is ready, and throws `BATCH_PENDING` where more is to come; default true. */
  readonly wait?: boolean
  /** Default `POLL_MS`. */
  readonly pollMs?: number
  /** Lowers what one batch may hold. */
  readonly limits?: Partial<BatchLimits>
  /** Called for each batch that the service took. */
  readonly onSubmit?: (batch: { readonly id: string; readonly requests: number; readonly inputs: number }) => void
  /** Called once for each batch of an earlier run that is waited for. */
  readonly onResume?: (batch: { readonly id: string; readonly requests: number }) => void
  /** Called whenever the batches were looked at. */
  readonly onProgress?: (progress: BatchProgress) => void
}

/** What a run's batches came to. */
export interface BatchOutcome {
  /** Cache keys that were collected. */
  readonly collected: number
  /** Answered requests. */
  readonly requests: number
  readonly batches: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly failures: readonly BatchFailure[]
}

/**
 * Has a service answer everything that the cache does not have: waits for batches of earlier runs, submits the rest, and collects
 * all of them into the cache. Nothing that is under way is submitted again.
 *
 * @returns what was collected; requests without an answer are listed, and a further run submits only these
 * @throws BATCH_PENDING when `wait` is false and batches are under way
 * @throws PROVIDER_REQUEST, PROVIDER_RESPONSE when the service cannot be reached or has no Batch API
 * @throws ABORTED when `signal` was aborted; the batches go on at the service
 */
export async function runBatches(
  jobs: readonly BatchJob[],
  { store, wait = true, pollMs = POLL_MS, limits, onSubmit, onResume, onProgress }: BatchOptions,
  retryOptions: RetryOptions = {},
): Promise<BatchOutcome> {
  if (!(Number.isFinite(pollMs) && pollMs > 0)) {
    throw new AdapterTrainError('USAGE', `pollMs must be milliseconds above 0; it is ${pollMs}`)
  }
  const { signal } = retryOptions
  const settled = new Set<string>()
  const own = new Set<number>()
  const resumed = new Set<number>()
  const over: CollectedBatch[] = []
  let open = new Map<number, { readonly job: BatchJob; readonly batch: StoredBatch }>()

  /** Batches that hold something of a job, after what is in none was submitted. */
  const batchesOf = async (job: BatchJob): Promise<StoredBatch[]> => {
    for (;;) {
      const { batches, last } = store.open(job.scope)
      const cutShort = batches.filter(batch => batch.id === undefined && !isBeingSubmitted(batch))
      for (const batch of cutShort) await settleBatch(job.client, store, batch, retryOptions)
      if (cutShort.length > 0) continue
      const underWay = new Map(batches.flatMap(batch => batch.requests.flat().map(key => [nameOf(job, key), batch])))
      const names = job.keys.map(key => nameOf(job, key))
      const inNone = names.flatMap((name, i) => (underWay.has(name) || settled.has(name) ? [] : [i]))
      const missing = job.missing(inNone)
      const isMissing = new Set(missing)
      for (const i of inNone) if (!isMissing.has(i)) settled.add(names[i])
      if (missing.length === 0) return [...new Set(names.flatMap(name => underWay.get(name) ?? []))]
      await submit(job, missing, last)
    }
  }

  const submit = async (job: BatchJob, missing: readonly number[], seen: number): Promise<void> => {
    let last = seen
    for (const { requests, lines } of splitBatches(job.requests(missing), job.client.endpoint, {
      ...BATCH_LIMITS,
      ...limits,
    })) {
      signal?.throwIfAborted()
      const batch = store.add(job.scope, requests, last)
      // Another process was faster; what it has put down is looked at first.
      if (batch === undefined) return
      last = batch.row
      own.add(batch.row)
      const id = await submitBatch(job.client, store, batch, lines, retryOptions)
      open.set(batch.row, { job, batch: { ...batch, id } })
      onSubmit?.({ id, requests: requests.length, inputs: requests.flat().length })
    }
  }

  const look = async (): Promise<void> => {
    const progress = { completed: 0, failed: 0, total: 0, batches: 0 }
    for (const { requests, failures } of over) {
      progress.completed += requests
      progress.failed += failures.length
      progress.total += requests + failures.length
    }
    for (const [row, { job, batch }] of open) {
      progress.total += batch.requests.length
      progress.batches++
      if (batch.id === undefined) continue
      const state = await stateOf(job, { ...batch, id: batch.id }, retryOptions)
      progress.completed += state.completed
      progress.failed += state.failed
      if (!FINAL.includes(state.status)) continue
      const collected = await collectBatch(job, store, batch, state, retryOptions)
      open.delete(row)
      progress.batches--
      if (collected === undefined) continue
      over.push(collected)
      for (const key of collected.keys) settled.add(nameOf(job, key))
      for (const { keys } of collected.failures) for (const key of keys) settled.add(nameOf(job, key))
    }
    onProgress?.(progress)
  }

  try {
    for (let delay = pollMs; ; delay = Math.min(1.5 * delay, SLOWEST_POLL * pollMs)) {
      const found: typeof open = new Map()
      for (const job of jobs) {
        for (const batch of await batchesOf(job)) {
          found.set(batch.row, { job, batch })
          if (batch.id === undefined || own.has(batch.row) || resumed.has(batch.row)) continue
          resumed.add(batch.row)
          onResume?.({ id: batch.id, requests: batch.requests.length })
        }
      }
      open = found
      if (open.size === 0) return sumOf(over)
      await look()
      if (open.size === 0) continue
      if (!wait) throw pending([...open.values()].map(({ batch }) => batch))
      await sleepFor(delay, undefined, { signal })
    }
  } catch (error) {
    const underWay = Array.from(open.values(), ({ batch }) => batch)
    throw signal?.aborted ? stopped(signal, underWay) : withUnderWay(error, underWay)
  }
}

/** @throws PROVIDER_REQUEST when the service cannot be asked, or does not know the batch */
async function stateOf(
  { client }: BatchJob,
  { id, submittedAt }: StoredBatch & { readonly id: string },
  retryOptions: RetryOptions,
): Promise<BatchState> {
  try {
    return await withRetries(() => client.retrieve(id, retryOptions.signal), retryOptions)
  } catch (error) {
    if (!isAdapterTrainError(error, 'PROVIDER_REQUEST') || error.details.status !== 404) throw error
    if (Date.now() - submittedAt > GONE_AFTER_MS) {
      const errors = ['it does not know the batch any more']
      return { id, status: 'failed', completed: 0, failed: 0, total: 0, errors }
    }
    throw new AdapterTrainError(
      'PROVIDER_REQUEST',
      `${client.name} does not know the batch ${id}, which was submitted at ${new Date(submittedAt).toISOString()}: ` +
        'use the key and the base URL it was submitted with. After two days it counts as lost and is submitted again',
      { details: { ...error.details, batch: id } },
    )
  }
}

function nameOf({ scope }: BatchJob, key: Uint8Array): string {
  return `${scope.space}\n${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')}`
}

function sumOf(over: readonly CollectedBatch[]): BatchOutcome {
  const sum = (count: (batch: CollectedBatch) => number): number => over.reduce((n, batch) => n + count(batch), 0)
  return {
    collected: sum(({ keys }) => keys.length),
    requests: sum(({ requests }) => requests),
    batches: over.length,
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    failures: over.flatMap(({ failures }) => failures),
  }
}

function describe(batches: readonly StoredBatch[]): { text: string; details: object } {
  const ids = batches.flatMap(({ id }) => id ?? [])
  const requests = batches.reduce((n, batch) => n + batch.requests.length, 0)
  const listed = ids.length > 5 ? [...ids.slice(0, 5), `${ids.length - 5} more`] : ids
  const named = ids.length === 0 ? 'being submitted by another run' : listed.join(', ')
  const plural = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`
  const text = `${plural(batches.length, 'batch', 'batches')} with ${plural(requests, 'request', 'requests')} (${named})`
  return { text, details: { batches: ids, requests } }
}

function pending(batches: readonly StoredBatch[]): AdapterTrainError {
  const { text, details } = describe(batches)
  return new AdapterTrainError('BATCH_PENDING', `under way: ${text}; run the same again to collect them`, {
    details: { ...details },
  })
}

/** An error that leaves paid batches behind says so. */
function withUnderWay(error: unknown, batches: readonly StoredBatch[]): unknown {
  if (!isAdapterTrainError(error) || error.code === 'BATCH_PENDING' || batches.length === 0) return error
  const message = `${error.message.replace(/\.$/, '')}. Still under way: ${describe(batches).text}; run the same again to collect them`
  return new AdapterTrainError(error.code, message, { cause: error, details: error.details })
}

function stopped(signal: AbortSignal, batches: readonly StoredBatch[]): AdapterTrainError {
  const { text, details } = describe(batches)
  const rest = batches.length === 0 ? '' : `; at the service go on: ${text}. Run the same again to collect them`
  return new AdapterTrainError('ABORTED', `stopped waiting for batches${rest}`, {
    cause: signal.reason,
    details: { ...details },
  })
}
