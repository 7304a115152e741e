import type { StyleName } from './styles.js'

export const GENERATE_DEFAULTS = {
  questions: 2,
  styles: ['question', 'keyword'] as readonly StyleName[],
  seed: 42,
  concurrency: 4,
} as const
