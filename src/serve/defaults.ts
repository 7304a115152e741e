/** What the server does where nothing else is asked for. */
export const SERVE_DEFAULTS = {
  host: '127.0.0.1',
  port: 8080,
  /** Bytes of a request's body. */
  bodyLimit: 8 * 2 ** 20,
  /** Milliseconds from a request's first byte to the end of its answer. */
  requestTimeoutMs: 60_000,
  /** Milliseconds before one call of the upstream is given up. */
  upstreamTimeoutMs: 30_000,
  /** Milliseconds that requests in flight have to finish when the server closes. */
  drainTimeoutMs: 10_000,
  /** Calls of a remote upstream in flight at once. */
  concurrency: 256,
  /** Milliseconds between two looks at the adapter files. */
  watchIntervalMs: 1000,
  /** Documents of a ranking that shadow mode compares. */
  shadowTop: 10,
  /** Milliseconds between the starts of two comparisons of shadow mode. */
  shadowIntervalMs: 500,
} as const
