import { BATCH_LIMITS, type BatchFailure, type BatchJob } from '../batch-api/jobs.js'
import { type BatchOptions, type BatchOutcome, runBatches } from '../batch-api/run-batches.js'
import type { EmbeddingCache } from '../cache/cache.js'
import { AdapterTrainError, usageError } from '../errors.js'
import type { Rows } from '../math/row-source.js'
import { PartialAnswer } from '../providers/check.js'
import type { EmbeddingBatches } from '../providers/provider.js'
import { changedModel } from './check.js'
import { lookUp } from './look-up.js'
import { type EmbeddingPlan, planBatches } from './plan-embedding.js'
import { type Refusal, refusalOf } from './refusals.js'
import type { EmbedRunOptions } from './run-embedding.js'
import type { EmbedStats } from './stats.js'

/** Texts per request: lost if it fails, and in memory at once when its answer is read. */
const REQUEST_TEXTS = 256
/** Bytes of the vectors of one batch, which are held until all its answers are read. */
const BATCH_BYTES = 256 * 1024 * 1024
/** Length of the vectors if it is not known. */
const LONG_VECTOR = 3072
/** Texts looked up at a time; bounds the vectors that are read only to see whether they are there. */
const LOOK_UP = 512
const LISTED = 5
/** Texts of one request that can all have vectors of another length; of more, the model is at fault. */
const MOST_MISSHAPEN = 20

/** Texts whose vectors cannot be used, by their hash in hex. */
type Unusable = Map<string, { readonly error: AdapterTrainError; readonly problem: string }>

/**
 * Embeds what plans lack through the provider's Batch API, into the cache.
 * @returns the plans without anything missing, and the texts whose vectors cannot be used; `undefined` if it uses none
 * @throws PROVIDER_REQUEST when whole requests have no answer
 */
export async function embedInBatches<V extends Rows>(
  plans: readonly [EmbeddingPlan<V>, EmbeddingPlan<V>],
  options: EmbedRunOptions & { readonly batches?: BatchOptions },
): Promise<{ plans: [EmbeddingPlan<V>, EmbeddingPlan<V>]; outcome: BatchOutcome; refusals: Refusal[] } | undefined> {
  const { batches } = plans[0].provider
  if (batches === undefined) return undefined
  const { cache, batches: batchOptions } = options
  if (cache === undefined || batchOptions === undefined) {
    const message = 'embedding through the Batch API needs a cache file: pass { cache, batches: { store: cache.batches } }'
    throw usageError(message)
  }
  const unusable = plans.map((): Unusable => new Map())
  const all = plans.map((plan, i) => jobOf(plan, batches, cache, unusable[i]))
  const jobs = all.filter(({ keys }) => keys.length > 0)
  const { limits = {} } = batchOptions
  const length = plans[0].provider.dimensions ?? LONG_VECTOR
  const inputs = Math.min(limits.inputs ?? BATCH_LIMITS.inputs, Math.floor(BATCH_BYTES / (4 * length)))
  const outcome = await runBatches(jobs, { ...batchOptions, limits: { ...limits, inputs } }, options)
  const refusals: Refusal[] = []
  const placed = await Promise.all(plans.map((plan, i) => place(plan, cache, unusable[i], refusals, options.signal)))
  if (placed.some(plan => plan.missing.length > 0)) throw unanswered(plans[0].provider.id, outcome)
  return { plans: [placed[0], placed[1]], outcome, refusals }
}

/** Corrects the statistics of a run that found in the cache what its batches had put there. */
export function withBatches(stats: EmbedStats, outcome: BatchOutcome | undefined): EmbedStats {
  if (outcome === undefined) return stats
  const { collected, requests, inputTokens } = outcome
  return {
    ...stats,
    hits: stats.unique - collected,
    misses: collected,
    requests: stats.requests + requests,
    tokens: stats.tokens + inputTokens,
  }
}

function jobOf(
  { provider, role, space, missing, tokens }: EmbeddingPlan<Rows>,
  { client, body, read }: EmbeddingBatches,
  cache: EmbeddingCache,
  unusable: Unusable,
): BatchJob {
  const { limits } = provider
  const hashes = missing.map(({ textHash }) => textHash)
  return {
    client,
    scope: { kind: 'embeddings', space, model: client.model, baseUrl: client.baseUrl },
    keys: hashes,
    missing(indices) {
      const absent: number[] = []
      for (let start = 0; start < indices.length; start += LOOK_UP) {
        const some = indices.slice(start, start + LOOK_UP)
        const wanted = some.map(i => hashes[i])
        const vectors = cache.get(space, wanted)
        absent.push(...some.filter((_, j) => vectors[j] === undefined))
      }
      return absent
    },
    *requests(indices) {
      const requestLimits = { ...limits, maxInputs: Math.min(limits.maxInputs, REQUEST_TEXTS) }
      const counts = indices.map(i => tokens[i])
      for (const request of planBatches(counts, requestLimits)) {
        const texts = request.map(i => missing[indices[i]].text)
        yield { keys: request.map(i => hashes[indices[i]]), body: body(texts, role) }
      }
    },
    read(keys, answer) {
      const known = cache.dimensions?.(space)
      const saving = (vectors: readonly (Float32Array | undefined)[]) => {
        const entries = keys.flatMap((textHash, i) => (vectors[i] ? [{ textHash, vector: vectors[i] }] : []))
        return () => cache.set(space, entries)
      }
      try {
        const { vectors, tokens: inputTokens } = read(answer, keys.length, known)
        return { inputTokens, save: saving(vectors) }
      } catch (error) {
        if (!(error instanceof PartialAnswer)) throw error
        const { otherLength, vectors, problems } = error
        if (otherLength !== undefined && known === undefined) throw error
        if (otherLength !== undefined && keys.length > MOST_MISSHAPEN) throw changedModel(provider, space, known!, otherLength)
        for (const [i, problem] of problems) unusable.set(hex(keys[i]), { error, problem })
        return { save: saving(vectors) }
      }
    },
  }
}

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

/** Fills a plan's rows with what the cache has by now, and adds texts without a usable vector to `refusals`. */
async function place<V extends Rows>(
  plan: EmbeddingPlan<V>,
  cache: EmbeddingCache,
  unusable: Unusable,
  refusals: Refusal[],
  signal: AbortSignal | undefined,
) {
  const { missing, rows, role, label } = plan
  const left: number[] = []
  const texts = missing.map(({ text }) => text)
  const visit = (index: number, textHash: Uint8Array, vector: Float32Array | undefined): void => {
    const { row, text } = missing[index]
    const refused = unusable.get(hex(textHash))
    if (vector !== undefined) rows.set(row, vector)
    else if (refused) refusals.push(refusalOf(role, row, text, label, refused.error, refused.problem))
    else left.push(index)
  }
  await lookUp(texts, plan, cache, visit, signal)
  return {
    ...plan,
    hits: plan.hits + missing.length - left.length,
    missing: left.map(i => missing[i]),
    tokens: left.map(i => plan.tokens[i]),
  }
}

function unanswered(providerId: string, { failures, requests }: BatchOutcome): AdapterTrainError {
  const texts = failures.reduce((n, { keys }) => n + keys.length, 0)
  const lines = failures
    .slice(0, LISTED)
    .map(({ batch, customId, keys, reason }) => `\n  ${batch} ${customId} (${keys.length} texts): ${reason}`)
  const more = failures.length > LISTED ? `\n  and ${failures.length - LISTED} more` : ''
  return new AdapterTrainError(
    'PROVIDER_REQUEST',
    `${providerId}: ${failures.length} of ${failures.length + requests} requests, with ${texts} texts, have no vectors; ` +
      `the others are in the cache. Run again, and only what is missing is submitted:${lines.join('')}${more}`,
    { details: { provider: providerId, retryable: false, failed: failures.length, texts, failures: shown(failures) } },
  )
}

function shown(failures: readonly BatchFailure[]): object[] {
  return failures.slice(0, 20).map(({ keys, ...failure }) => ({ ...failure, texts: keys.length }))
}
