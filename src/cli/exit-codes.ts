/** Exit codes: done, failed, wrong usage, an adapter that the gate held back, and stopped by Ctrl-C as shells count it. */
export const EXIT = { done: 0, failed: 1, usage: 2, gated: 3, interrupted: 130 } as const
