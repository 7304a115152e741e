import { createHash } from 'node:crypto'
import type { BatchScope } from '../cache/batch-store.js'
import type { BatchClient } from '../providers/provider.js'

interface BatchRequest {
  /** Cache keys of its answers, 32 bytes each, in order. */
  readonly keys: readonly Uint8Array[]
  readonly body: object
}

/** Sound answer, not stored yet. */
export interface ReadAnswer {
  /** Writes the answer to the cache. @throws VECTOR_INVALID when the cache refuses it */
  save(): void
  /** Tokens billed, if the service reports them. */
  readonly inputTokens?: number
  readonly outputTokens?: number
}

/** The parts of a batch job that `runBatches` needs. */
export interface BatchJob {
  readonly client: BatchClient
  readonly scope: BatchScope
  /** Cache keys of all answers. */
  readonly keys: readonly Uint8Array[]
  missing(indices: readonly number[]): number[]
  requests(indices: readonly number[]): Iterable<BatchRequest>
  read(keys: readonly Uint8Array[], body: unknown): ReadAnswer
}

/** Request without a usable answer. */
export interface BatchFailure {
  /** The service's id of the batch. */
  readonly batch: string
  readonly customId: string
  readonly keys: readonly Uint8Array[]
  readonly reason: string
}

/** Limits of one batch. */
export interface BatchLimits {
  readonly requests: number
  /** Texts or prompts over all requests. */
  readonly inputs: number
  readonly bytes: number
}

/**
 * OpenAI allows 50,000 requests, 50,000 inputs for embeddings, and a file of 200 MB; half of that, so that file and upload together
 * stay small in memory.
 * @see https://platform.openai.com/docs/guides/batch
 */
export const BATCH_LIMITS: BatchLimits = { requests: 50_000, inputs: 50_000, bytes: 100_000_000 }

/** Keys of the requests of one batch, and the lines of its file. */
type BatchFile = { readonly requests: (readonly Uint8Array[])[]; readonly lines: Uint8Array[] }

/** Divides requests into batches, one in memory at a time. `endpoint`: such as `/v1/embeddings`. */
export function* splitBatches(requests: Iterable<BatchRequest>, endpoint: string, limits: BatchLimits) {
  let batch: BatchFile = { requests: [], lines: [] }
  let inputs = 0
  let bytes = 0
  for (const { keys, body } of requests) {
    const request = { custom_id: customIdOf(keys), method: 'POST', url: endpoint, body }
    const line = Buffer.from(`${JSON.stringify(request)}\n`)
    const full =
      batch.lines.length >= limits.requests || inputs + keys.length > limits.inputs || bytes + line.length > limits.bytes
    if (full && batch.lines.length > 0) {
      yield batch
      batch = { requests: [], lines: [] }
      inputs = 0
      bytes = 0
    }
    batch.requests.push(keys)
    batch.lines.push(line)
    inputs += keys.length
    bytes += line.length
  }
  if (batch.lines.length > 0) yield batch
}

/** Returns the id that ties an answer to its texts: the start of the SHA-256 over the keys, in hex. */
export function customIdOf(keys: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const key of keys) hash.update(key)
  return hash.digest('hex').slice(0, 32)
}
