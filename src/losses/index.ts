import type { Negatives } from './batch-source.js'
import { hard } from './hard.js'
import { inBatch } from './in-batch.js'
import { corpus, positives } from './pooled.js'

/** Sources of negatives. A new one is one file and one entry here. */
export const NEGATIVES = {
  'in-batch': inBatch,
  positives,
  corpus,
  hard,
} satisfies Record<string, Negatives>

export type NegativesName = keyof typeof NEGATIVES
