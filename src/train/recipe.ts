/**
 * Numbers of the search and the gate, found like the `recipe` values of `TRAINING_OPTIONS` by experiment on 33 combinations of real
 * retrieval sets and embedding models. Objective: sum over queries of the softmax cross-entropy against a pool of documents, plus
 * (c / 2) (|W - I|^2 + |b|^2). The sum, not the mean, so that c needs no rescaling with the number of queries.
 */
export const RECIPE = {
  /** Scales among which the one that fits the unadapted embedding best is searched. */
  scales: [2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224],
  /** Training queries on which that scale is fitted, at most. */
  scaleQueries: 500,
  /** Folds of the cross-validation by number of queries. */
  folds: (queries: number): number => (queries <= 300 ? 5 : 3),
  /** Shares of the time limit that the search leaves for text terms, and for training and judging what it selects. */
  termsShare: 0.25,
  judgingShare: 0.2,
  /** Most queries and documents of the sample for cross-validation. */
  tuneQueries: 1500,
  tuneDocuments: 3000,
  /**
   * Labelled queries up to which the best point of a smoothed surface is searched instead of a climb, if the budget allows. On 15 runs
   * (100 labels of 6 sets and models, all 150 of cranfield) the mean test nDCG@10 changes by +.039 with the smoothed surface, by +.036
   * with the best point, by +.025 with the climb; past the gate by +.029 and, with the climb, +.016. In 20 of 20 searches on 9 sets the
   * climbs along each line of pulls, 16 of the 28 points on average, end where all 28 would.
   */
  wholeGridQueries: 450,
  /** Weight of a point's neighbours beside its own in the smoothed surface. */
  neighbourWeight: 0.5,
  /** Standard errors of the paired difference by which a change of options must win. */
  standardErrors: 1,
  /** Standard errors by which a lower scale may lose, if the sample has all training queries. */
  benefitOfDoubt: 0.5,
  /** Standard errors behind the incumbent on the first fold at which a point is given up. */
  raceMargin: 0.5,
  /** Fewest queries of the first fold to give up a point. */
  raceQueries: 100,
  /**
   * Standard errors by which pseudo-queries must win: at all. On 36 runs of 20 / 50 / 100 / 150 labelled queries the test nDCG@10
   * changes by +.001 / +.005 / +.010 / +.012 (without them -.005 / -.006 / +.005 / +.008); by more than one standard error it is
   * .000 / +.002 / +.010 / +.012, with half a one of doubt +.002 / +.004 / +.010 / +.011. See docs/small-data.md.
   */
  pseudoMargin: 0,
  /** Smallest pull with pseudo-queries: below, they look better out of fold and are worse on a test set. */
  pseudoLeastPull: 100,
  /** Total weight of pseudo-queries in labelled queries; each counts at most 1. */
  pseudoWeight: 300,
  /** Level of significance: p-values of the gain below it pass the gate. */
  gateP: 0.05,
  /** Resamples of the gate's bootstrap. */
  gateSamples: 2000,
} as const
