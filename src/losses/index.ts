import type { Negatives } from './candidates.js'
import { corpus } from './corpus.js'
import { hard } from './hard.js'
import { inBatch } from './in-batch.js'
import { positives } from './positives.js'

/** Every choice of negatives. A new one is one file and one entry here. */
export const NEGATIVES = {
  'in-batch': inBatch,
  positives,
  corpus,
  hard,
} satisfies Record<string, Negatives>

export type NegativesName = keyof typeof NEGATIVES
