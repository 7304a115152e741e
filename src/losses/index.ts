import type { Negatives } from './candidates.js'
import { inBatch } from './in-batch.js'

/** Every choice of negatives. A new one is one file and one entry here. */
export const NEGATIVES = { 'in-batch': inBatch } satisfies Record<string, Negatives>

export type NegativesName = keyof typeof NEGATIVES
