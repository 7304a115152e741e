/** Shares of the training queries that are held out where no file is given, and what stays together. */
export const SPLIT_DEFAULTS = { valFraction: 0.1, testFraction: 0.1, splitBy: 'query' } as const

/** Seconds that choosing options may take, unless the user says otherwise. */
export const TUNE_BUDGET = 60
