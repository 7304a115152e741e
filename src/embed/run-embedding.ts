import { embeddingStopped, throwIfStopped } from '../abort.js'
import type { EmbeddingCache } from '../cache/cache.js'
import { memoryCache } from '../cache/memory-cache.js'
import { AdapterTrainError, usageError } from '../errors.js'
import type { Rows } from '../math/row-source.js'
import { PartialAnswer } from '../providers/check.js'
import { changedModel, checkAnswer, isZero, preview, zeroWarning } from './check.js'
import { cacheFor } from './look-up.js'
import { type EmbeddingPlan, planBatches } from './plan-embedding.js'
import { isRefusal, learnMostInputs, mostInputs, type Refusal, refusalOf } from './refusals.js'
import { type RetryOptions, stoppable, withRetries, workOff } from './retry.js'
import type { EmbedStats } from './stats.js'

/** State of an embedding run: statistics so far. */
export interface EmbedProgress extends Pick<EmbedStats, 'hits' | 'tokens' | 'requests'> {
  /** Distinct texts whose vectors are there, those from the cache included. */
  readonly done: number
  /** Distinct texts. */
  readonly total: number
  readonly elapsedMs: number
}

/** Concurrency, retries and progress of an embedding. */
export interface EmbedRunOptions extends RetryOptions {
  /** Stores every finished request at once, so that a killed run loses only what was in flight. */
  readonly cache?: EmbeddingCache
  /** Stops the run: requests in flight are aborted, finished ones stay in the cache. */
  readonly signal?: AbortSignal
  /** Requests in flight at once; default and upper bound is the provider's `maxConcurrency`. */
  readonly concurrency?: number
  /** False to give up at the first refusal, without finding out which text is at fault; default true. */
  readonly isolate?: boolean
  /** Called with remarks on the vectors, such as zeros. */
  readonly onWarning?: (message: string) => void
  /** Called once before the first request and after every finished one. */
  readonly onProgress?: (progress: EmbedProgress) => void
}

/**
 * Sends the requests of a plan. After an error no further request starts; those in flight are awaited and stored, since they are
 * paid for. A request that is refused is asked again in parts, which finds a limit of the server or the text at fault.
 * @returns also the texts refused, whose rows are not filled
 */
export async function runEmbedding<V extends Rows>(plan: EmbeddingPlan<V>, options: EmbedRunOptions = {}) {
  const { provider, role, space, label, unique, rows, missing } = plan
  const { signal, onProgress, isolate = true } = options
  const cache = cacheFor(provider, options.cache)
  checkCount('concurrency', options.concurrency, 1)
  checkCount('retries', options.retries, 0)
  const started = performance.now()
  const cachedLength = rows.cols ?? cache?.dimensions?.(space)
  const count = { done: plan.hits, found: 0, requests: 0, retries: 0, tokens: 0 }
  const report = (): void => {
    const { done, requests, tokens } = count
    const elapsedMs = performance.now() - started
    onProgress?.({ done, total: unique.texts.length, hits: plan.hits + count.found, tokens, requests, elapsedMs })
  }

  const { stop, retryOptions } = stoppable(options, () => {
    count.retries++
  })

  const refusals: Refusal[] = []
  const zeros = [...plan.zeros]
  let answered = false
  // Texts refused since the last answer.
  let unanswered = 0

  const keep = (batch: readonly number[], vectors: readonly Float32Array[]): void => {
    if (batch.length === 0) return
    const indices = batch.map(i => missing[i].row)
    checkAnswer(provider, vectors, indices, cachedLength === undefined ? rows.cols : undefined, label)
    if (cachedLength !== undefined && vectors[0].length !== cachedLength)
      throw changedModel(provider, space, cachedLength, vectors[0].length)
    const entries = batch.map((i, j) => ({ textHash: missing[i].textHash, vector: vectors[j] }))
    cache?.set(space, entries)
    for (const i of batch) claimed.delete(i)
    place(batch, vectors)
    answered = true
    unanswered = 0
  }
  const place = (batch: readonly number[], vectors: readonly Float32Array[]): void => {
    for (const [j, vector] of vectors.entries()) {
      const { row } = missing[batch[j]]
      rows.set(row, vector)
      if (isZero(vector)) zeros.push(row)
    }
    count.done += batch.length
  }

  const ask = async ({ batch, part }: Task): Promise<void> => {
    const texts = batch.map(i => missing[i].text)
    // A composed model stores the vectors of its parts itself: without a cache for a retry, which asks for the others alone.
    const parts = (cache === options.cache ? undefined : options.cache) ?? memoryCache()
    let billed: number | undefined
    const onUsage = ({ tokens }: { tokens: number }): void => {
      billed = (billed ?? 0) + tokens
    }
    const vectors = await withRetries(async () => {
      count.requests++
      try {
        const dimensions = cachedLength ?? rows.cols
        return await provider.embed(texts, role, { signal, onUsage, dimensions, cache: parts })
      } catch (error) {
        // The whole request was retried; its parts only show which text is at fault.
        if (part && isRefusal(error)) throw withoutRetry(error)
        throw error
      }
    }, retryOptions)
    keep(batch, vectors)
    count.tokens += billed ?? batch.reduce((sum, i) => sum + plan.tokens[i], 0)
    report()
  }

  /** True if the model itself gives vectors of another length: one that it has embedded before, or the like, tells. */
  const hasChanged = async (length: number | undefined): Promise<boolean> => {
    const lacking = new Set(missing.map(({ row }) => row))
    const known = unique.texts.find((_, u) => !lacking.has(unique.first[u])) ?? 'hello'
    count.requests++
    const asked = withRetries(() => provider.embed([known], role, { signal }), retryOptions)
    return asked.then(
      ([vector]) => vector.length !== length,
      error => {
        if (error instanceof PartialAnswer) return true
        throw error
      },
    )
  }

  const refuse = (i: number, error: AdapterTrainError, reason?: string): void => {
    refusals.push(refusalOf(role, missing[i].row, missing[i].text, label, error, reason))
  }

  const embedBatch = async (task: Task): Promise<void> => {
    const { batch, part } = task
    const known = provider.dimensions
    try {
      await ask(task)
      // Both halves are taken where the whole was not: it had too many texts.
      if (part && ++part.taken === 2) learnMostInputs(provider, part.size)
    } catch (error) {
      if (error instanceof PartialAnswer) {
        const { otherLength } = error
        const isUnsure = otherLength !== undefined && !answered && (batch.length > 1 || known === undefined)
        if (isUnsure && (await hasChanged(known ?? cachedLength)))
          throw cachedLength === undefined ? error : changedModel(provider, space, cachedLength, otherLength)
        const sound = batch.filter((_, j) => error.vectors[j])
        const vectors = error.vectors.filter(vector => vector !== undefined)
        keep(sound, vectors)
        for (const [j, problem] of error.problems) refuse(batch[j], error, problem)
        return report()
      }
      if (!isRefusal(error) || signal?.aborted) throw error
      const said = Number(error.details.mostInputs ?? Number.POSITIVE_INFINITY)
      const isSaid = said < batch.length
      if (!isSaid && !isolate) throw error
      if (isSaid) learnMostInputs(provider, said)
      if (batch.length > 1) {
        const size = isSaid ? said : Math.ceil(batch.length / 2)
        const half = isSaid ? undefined : { size, taken: 0 }
        queue.unshift(...chunksOf(batch, size).map(batch => ({ batch, part: half })))
        return
      }
      refuse(batch[0], error)
      // Hardly anything is answered: the service is at fault, not a text.
      if (++unanswered > (answered ? MOST_REFUSALS : MOST_FIRST_REFUSALS)) throw error
    }
  }

  /** Leaves of a batch what no other process asks for; what is stored by now takes its place. */
  const claimed = new Set<number>()
  const hashesOf = (batch: readonly number[]): Uint8Array[] => batch.map(i => missing[i].textHash)
  const others: Task[] = []
  const claim = (batch: readonly number[]): number[] => {
    if (!cache?.claim) return [...batch]
    const claims = cache.claim(space, hashesOf(batch))
    const found = batch.filter((_, j) => typeof claims[j] === 'object')
    const vectors = claims.filter(claim => typeof claim === 'object')
    place(found, vectors)
    count.found += found.length
    const left = batch.filter((_, j) => claims[j] === false)
    if (left.length > 0) others.push({ batch: left, isNew: true })
    const own = batch.filter((_, j) => claims[j] === true)
    for (const i of own) claimed.add(i)
    if (found.length > 0) report()
    return own
  }

  report()
  const batches = planBatches(plan.tokens, { ...provider.limits, maxInputs: mostInputs(provider) })
  const queue: Task[] = batches.map(batch => ({ batch, isNew: true }))
  let failure: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    while (queue.length > 0 && failure === undefined) {
      try {
        throwIfStopped(signal)
        const task = queue.shift()!
        const [batch, ...rest] = chunksOf(task.isNew ? claim(task.batch) : task.batch, mostInputs(provider))
        queue.unshift(...rest.map(batch => ({ batch })))
        if (batch) await embedBatch({ batch, part: task.part })
      } catch (error) {
        failure ??= { error: signal?.aborted ? embeddingStopped(signal) : error }
        others.length = 0
        stop.abort()
      }
    }
  }
  const { maxConcurrency } = provider.limits
  const width = Math.min(options.concurrency ?? maxConcurrency, maxConcurrency)
  try {
    await workOff({ queue, others, width }, worker, signal)
    if (failure !== undefined) throw failure.error
  } finally {
    if (claimed.size > 0) cache?.release?.(space, hashesOf([...claimed]))
  }
  if (zeros.length > 0) {
    const texts = new Map(unique.first.map((row, u) => [row, unique.texts[u]]))
    const nameOf = (row: number): string => `${label(row)} (${preview(texts.get(row)!)})`
    options.onWarning?.(`${zeroWarning(provider.id, role, zeros, nameOf)}. Check the texts and the server`)
  }

  for (const [i, u] of unique.indexOf.entries()) if (unique.first[u] !== i) rows.copy(unique.first[u], i)
  const { requests, retries, tokens } = count
  return {
    vectors: rows.build(provider.dimensions ?? 0),
    stats: {
      texts: unique.indexOf.length,
      unique: unique.texts.length,
      hits: plan.hits + count.found,
      misses: missing.length - count.found,
      requests,
      retries,
      tokens,
    },
    refusals,
  }
}

interface Task {
  readonly batch: readonly number[]
  /** One half of a refused request, shared with the other. */
  readonly part?: { readonly size: number; taken: number }
  /** True if nothing of it is claimed yet. */
  readonly isNew?: boolean
}

/** Texts refused one after the other, before the first answer and after it; more, and the service is at fault. */
const MOST_FIRST_REFUSALS = 2
const MOST_REFUSALS = 20

function chunksOf(list: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))
}

function withoutRetry({ code, message, cause, details }: AdapterTrainError): AdapterTrainError {
  return new AdapterTrainError(code, message, { cause, details: { ...details, retryable: false } })
}

function checkCount(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return
  throw usageError(`${name}: expected a whole number of at least ${least}, found ${value}`)
}
