import type { BatchScope } from '../cache/batch-store.js'
import type { BatchClient } from '../providers/batch-client.js'

/** One line of a batch's file. */
export interface BatchRequest {
  /** Cache keys of its answers, 32 bytes each, in order. */
  readonly keys: readonly Uint8Array[]
  /** Body of the request, as the endpoint takes it. */
  readonly body: object
}

/** A sound answer, not stored yet. */
export interface ReadAnswer {
  /** Writes it to the cache. @throws VECTOR_INVALID when the cache refuses it */
  save(): void
  /** Tokens billed, where the service says. */
  readonly inputTokens?: number
  readonly outputTokens?: number
}

/** What is wanted of a service, as far as running batches has to know. */
export interface BatchJob {
  readonly client: BatchClient
  readonly scope: BatchScope
  /** Cache keys of all that is wanted. */
  readonly keys: readonly Uint8Array[]
  /** Which of these indices of `keys` the cache does not have. */
  missing(indices: readonly number[]): number[]
  /** Makes the requests for these indices of `keys`, one after another. */
  requests(indices: readonly number[]): Iterable<BatchRequest>
  /**
   * Reads the body of an answer.
   * @throws PROVIDER_RESPONSE when it is not one sound answer a key
   */
  read(keys: readonly Uint8Array[], body: unknown): ReadAnswer
}

/** A request without an answer, or with one that cannot be used. */
export interface BatchFailure {
  /** The service's id of the batch. */
  readonly batch: string
  readonly customId: string
  readonly keys: readonly Uint8Array[]
  readonly reason: string
}
