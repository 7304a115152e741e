/** Milliseconds before the second poll of a batch; each wait is half as long again, up to a limit. */
export const POLL_MS = 10_000
