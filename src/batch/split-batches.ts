import { createHash } from 'node:crypto'
import type { BatchRequest } from './batch-job.js'

/** What one batch may hold. */
export interface BatchLimits {
  readonly requests: number
  /** Texts or prompts of all its requests. */
  readonly inputs: number
  /** Bytes of its file. */
  readonly bytes: number
}

/**
 * OpenAI takes 50,000 requests, for embeddings 50,000 inputs over all of them, and a file of 200 MB; half of that, so that file and
 * upload together stay small in memory.
 *
 * @see https://platform.openai.com/docs/guides/batch
 */
export const BATCH_LIMITS: BatchLimits = { requests: 50_000, inputs: 50_000, bytes: 100_000_000 }

/** The requests of one batch, and its file. */
export interface BatchFile {
  readonly requests: readonly (readonly Uint8Array[])[]
  readonly lines: readonly Uint8Array[]
}

/**
 * Divides requests into batches, one in memory at a time.
 *
 * @param endpoint such as `/v1/embeddings`
 */
export function* splitBatches(
  requests: Iterable<BatchRequest>,
  endpoint: string,
  limits: BatchLimits,
): Generator<BatchFile> {
  let batch: { requests: (readonly Uint8Array[])[]; lines: Uint8Array[] } = { requests: [], lines: [] }
  let inputs = 0
  let bytes = 0
  for (const { keys, body } of requests) {
    const line = Buffer.from(
      `${JSON.stringify({ custom_id: customIdOf(keys), method: 'POST', url: endpoint, body })}\n`,
      'utf8',
    )
    const full =
      batch.lines.length >= limits.requests ||
      inputs + keys.length > limits.inputs ||
      bytes + line.length > limits.bytes
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

/** Ties an answer to its texts, whatever the order of the answers: the start of the SHA-256 over the keys, in hex. */
export function customIdOf(keys: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const key of keys) hash.update(key)
  return hash.digest('hex').slice(0, 32)
}
