/** What a trial looks at, at most. */
export const TRIAL = {
  queries: 300,
  documents: 1000,
  /** About 100,000 tokens. */
  characters: 400_000,
  leastQueries: 20,
  /** Seconds that cross-validation may take before it is cut. */
  budget: 10,
} as const
