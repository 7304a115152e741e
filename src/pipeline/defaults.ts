import type { Difference } from '../evaluate/compare.js'

/** Shares of the training queries held out if no file is given, and queries that stay together. */
export const SPLIT_DEFAULTS = { valFraction: 0.1, testFraction: 0.1, splitBy: 'query' } as const
/** Time limit of choosing options, in seconds. */
export const TUNE_BUDGET = 60
/** Documents with both vectors that a bridge is fitted to. */
export const BRIDGE_SAMPLE = 5000
/** Choice of unset options by cross-validation. */
export const TUNE_DEFAULT = 'auto' as 'auto' | 'off'

export const TRIAL = {
  queries: 300,
  documents: 1000,
  /** About 100,000 tokens. */
  characters: 400_000,
  leastQueries: 20,
  budget: 10,
} as const

/** Metrics of a comparison. */
export const COMPARE_METRICS: readonly string[] = ['ndcg@10', 'mrr@10', 'hit@1', 'recall@10']
/** Where text terms come from; `auto` takes feedback if it beats words. */
export const TEXT_TERMS = ['auto', 'words', 'feedback', 'off'] as const
/** Choice of text terms. */
export type TextTerms = (typeof TEXT_TERMS)[number]
export const TEXT_TERMS_DEFAULT: TextTerms = 'auto'
/** Bytes of a file of feedback at most. */
export const TERM_BYTES = 64e6

/** When a new adapter takes the place of the one in use; `difference` is new minus in use, on queries neither was trained on. */
export const REPLACE_RULES = {
  'unless-worse': { replaces: ({ high }) => high >= 0 },
  better: { replaces: ({ mean }) => mean > 0 },
  significant: { replaces: ({ low }) => low > 0 },
  always: { replaces: () => true },
} as const satisfies Readonly<Record<string, { readonly replaces: (difference: Difference) => boolean }>>

/** Name of a rule. */
export type ReplaceRule = keyof typeof REPLACE_RULES

export const REPLACE_DEFAULT: ReplaceRule = 'unless-worse'
/** Versions kept beside an adapter file. */
export const KEEP_DEFAULT = 5
