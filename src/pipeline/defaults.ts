/** Shares of the training queries that are held out where no file is given, and what stays together. */
export const SPLIT_DEFAULTS = { valFraction: 0.1, testFraction: 0.1, splitBy: 'query' } as const

/** Seconds that choosing options may take, unless the user says otherwise. */
export const TUNE_BUDGET = 60

/** Whether options that are not given are chosen by cross-validation. */
export const TUNE_DEFAULT = 'auto' as 'auto' | 'off'
