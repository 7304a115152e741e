import { setTimeout as sleepFor } from 'node:timers/promises'
import { timerMs } from '../abort.js'
import type { BatchStore, StoredBatch } from '../cache/batch-store.js'
import { type RetryOptions, withRetries } from '../embed/retry.js'
import { AdapterTrainError, isAdapterTrainError, usageError } from '../errors.js'
import type { BatchState } from '../providers/provider.js'
import { type CollectedBatch, collectBatch } from './collect.js'
import { POLL_MS } from './defaults.js'
import { BATCH_LIMITS, type BatchJob, type BatchLimits, splitBatches } from './jobs.js'
import { isBeingSubmitted, settleBatch, submitBatch } from './submit-batch.js'

const SLOWEST_POLL = 12
/** The service answers or gives up within a day; a batch it does not know after two is lost. */
const GONE_AFTER_MS = 48 * 60 * 60_000
const FINAL = ['completed', 'failed', 'expired', 'cancelled']

/** Progress of a run's batches, in requests, each of which may have many texts. */
export interface BatchProgress {
  readonly completed: number
  readonly failed: number
  readonly total: number
  /** Pending batches. */
  readonly batches: number
}

/** Options of running batches. */
export interface BatchOptions {
  /** Store of pending batches, such as the `batches` of `openCache`; the answers go into the same file. */
  readonly store: BatchStore
  /** False to submit what is missing, collect what is ready, and throw `BATCH_PENDING` if more is to come; default true. */
  readonly wait?: boolean
  /** Default `POLL_MS`. */
  readonly pollMs?: number
  /** Lower limits of one batch. */
  readonly limits?: Partial<BatchLimits>
  /** Called for each batch the service accepted. */
  readonly onSubmit?: (batch: { readonly id: string; readonly requests: number; readonly inputs: number }) => void
  /** Called once for each pending batch of an earlier run. */
  readonly onResume?: (batch: { readonly id: string; readonly requests: number }) => void
  /** Called after every look at the batches. */
  readonly onProgress?: (progress: BatchProgress) => void
}

/** Result of a run's batches. */
export interface BatchOutcome extends Omit<CollectedBatch, 'keys'> {
  /** Keys of this run that were collected, of batches that may have others' too. */
  readonly collected: number
  readonly batches: number
}

/**
 * Completes the cache through a service's Batch API: waits for batches of earlier runs, submits the rest, and collects all answers
 * into the cache. Nothing pending is submitted again.
 * @returns what was collected, and the requests without an answer, the only ones a further run submits
 */
export async function runBatches(
  jobs: readonly BatchJob[],
  { store, wait = true, pollMs = POLL_MS, limits, onSubmit, onResume, onProgress }: BatchOptions,
  retryOptions: RetryOptions = {},
): Promise<BatchOutcome> {
  if (!(Number.isFinite(pollMs) && pollMs > 0)) throw usageError(`pollMs: expected milliseconds above 0, found ${pollMs}`)
  const { signal } = retryOptions
  const settled = new Set<string>()
  const own = new Set<number>()
  const wanted = new Set(jobs.flatMap(job => job.keys.map(key => nameOf(job, key))))
  let collected = 0
  const resumed = new Set<number>()
  const over: CollectedBatch[] = []
  let open = new Map<number, { readonly job: BatchJob; readonly batch: StoredBatch }>()

  /** Submits the keys of a job that are in no batch, and returns its batches. */
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
    const files = splitBatches(job.requests(missing), job.client.endpoint, { ...BATCH_LIMITS, ...limits })
    for (const { requests, lines } of files) {
      signal?.throwIfAborted()
      const batch = store.add(job.scope, requests, last)
      // Another process was faster; its batch is looked at first.
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
      const answers = await collectBatch(job, store, batch, state, retryOptions)
      open.delete(row)
      progress.batches--
      if (answers === undefined) continue
      over.push(answers)
      for (const key of answers.keys) {
        settled.add(nameOf(job, key))
        if (wanted.delete(nameOf(job, key))) collected++
      }
      for (const { keys } of answers.failures) for (const key of keys) settled.add(nameOf(job, key))
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
      if (open.size === 0) return sumOf(over, collected)
      await look()
      if (open.size === 0) continue
      if (!wait) throw pending([...open.values()].map(({ batch }) => batch))
      await sleepFor(timerMs(delay), undefined, { signal })
    }
  } catch (error) {
    const left = Array.from(open.values(), ({ batch }) => batch)
    throw signal?.aborted ? stopped(signal, left) : withPending(error, left)
  }
}

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
      const errors = ['it no longer knows the batch']
      return { id, status: 'failed', completed: 0, failed: 0, total: 0, errors }
    }
    const problem = `${client.name} does not know the batch ${id}, submitted at ${new Date(submittedAt).toISOString()}`
    const fix = 'Use the key and the base URL it was submitted with'
    const message = `${problem}. ${fix}. After two days it counts as lost and is submitted again`
    throw new AdapterTrainError('PROVIDER_REQUEST', message, { details: { ...error.details, batch: id } })
  }
}

function nameOf({ scope }: BatchJob, key: Uint8Array): string {
  return `${scope.space}\n${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')}`
}

function sumOf(over: readonly CollectedBatch[], collected: number): BatchOutcome {
  const sum = (count: (batch: CollectedBatch) => number): number => over.reduce((n, batch) => n + count(batch), 0)
  return {
    collected,
    requests: sum(({ requests }) => requests),
    batches: over.length,
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    failures: over.flatMap(({ failures }) => failures),
  }
}

function describe(batches: readonly StoredBatch[]): { text: string; details: Record<string, unknown> } {
  const ids = batches.flatMap(({ id }) => id ?? [])
  const requests = batches.reduce((n, batch) => n + batch.requests.length, 0)
  const listed = ids.length > 5 ? [...ids.slice(0, 5), `${ids.length - 5} more`] : ids
  const named = ids.length === 0 ? 'being submitted by another run' : listed.join(', ')
  const text = `${batches.length} batch${batches.length === 1 ? '' : 'es'} with ${requests} request${requests === 1 ? '' : 's'} (${named})`
  return { text, details: { batches: ids, requests } }
}

const RERUN = 'Run again to collect them'

function pending(batches: readonly StoredBatch[]): AdapterTrainError {
  const { text, details } = describe(batches)
  return new AdapterTrainError('BATCH_PENDING', `pending: ${text}. ${RERUN}`, { details })
}

/** Adds the paid batches it leaves behind to an error. */
function withPending(error: unknown, batches: readonly StoredBatch[]): unknown {
  if (!isAdapterTrainError(error) || error.code === 'BATCH_PENDING' || batches.length === 0) return error
  const message = `${error.message.replace(/\.$/, '')}. Still pending: ${describe(batches).text}. ${RERUN}`
  return new AdapterTrainError(error.code, message, { cause: error, details: error.details })
}

function stopped(signal: AbortSignal, batches: readonly StoredBatch[]): AdapterTrainError {
  const { text, details } = describe(batches)
  const rest = batches.length === 0 ? '' : `; still pending: ${text}. ${RERUN}`
  return new AdapterTrainError('ABORTED', `stopped waiting for batches${rest}`, { cause: signal.reason, details })
}
