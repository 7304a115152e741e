/** Where a vector lives: the provider's `cacheKey(role)` and the SHA-256 of the text's UTF-8 bytes. */
export interface CacheKey {
  readonly space: string
  /** 32 bytes. */
  readonly textHash: Uint8Array
}

/**
 * A store of embeddings, content-addressed, synchronous, safe for several processes.
 *
 * Vectors of one space all have one length. A vector with a non-finite value or of another length is never stored, and one
 * that is found so in the file is never served.
 */
export interface EmbeddingCache {
  /** One entry a key, `undefined` where it is not stored. */
  get(space: string, textHashes: readonly Uint8Array[]): (Float32Array | undefined)[]
  /**
   * Stores a batch in one transaction: all or nothing; on return it is durable against a crash of the process.
   * @throws VECTOR_INVALID when a vector is empty, of another length than the space's, or not finite
   */
  set(space: string, entries: readonly { readonly textHash: Uint8Array; readonly vector: Float32Array }[]): void
  /** Closes the store; nothing may be asked of it afterwards. */
  close(): void
}

/**
 * A store of an LLM's answers, synchronous, safe for several processes. What a key stands for is the caller's affair: 32 bytes,
 * the SHA-256 of everything that changes the answer.
 */
export interface CompletionCache {
  /** The answer, or `undefined` where it is not stored or is damaged. */
  get(key: Uint8Array): string | undefined
  /** Stores an answer; on return it is durable against a crash of the process. */
  set(key: Uint8Array, model: string, answer: string): void
}
