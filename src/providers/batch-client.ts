/** What a service says of one batch. */
export interface BatchState {
  readonly id: string
  /** `validating`, `in_progress`, `finalizing`, `cancelling`; `completed`, `expired`, `failed`, `cancelled` are final. */
  readonly status: string
  readonly completed: number
  readonly failed: number
  readonly total: number
  readonly outputFile?: string
  readonly errorFile?: string
  /** Why the service refused the batch as a whole. */
  readonly errors: readonly string[]
}

/** A service's Batch API: one file of requests in, answers within a day. No retries, no waiting. */
export interface BatchClient {
  /** Provider and model, for messages. */
  readonly name: string
  readonly model: string
  readonly baseUrl: string
  /** What each request of a file goes to, such as `/v1/embeddings`. */
  readonly endpoint: string
  /**
   * @param lines the file, one JSON object a line
   * @returns the file's id
   */
  upload(lines: readonly Uint8Array[], signal?: AbortSignal): Promise<string>
  /** @param token kept with the batch, see {@link find} */
  create(file: string, token: string): Promise<BatchState>
  /**
   * The batch that was created with `token`.
   * @param since milliseconds since 1970; older ones are not looked at
   */
  find(token: string, since: number, signal?: AbortSignal): Promise<BatchState | undefined>
  retrieve(id: string, signal?: AbortSignal): Promise<BatchState>
  /** Reads a file line by line, so that it is never in memory as a whole. */
  readLines(file: string, onLine: (line: string) => void, signal?: AbortSignal): Promise<void>
  /** Takes keys out of what the service wrote. */
  redact(text: string): string
}
