/**
 * The tuned recipe: what is trained when no options are given, found by experiment on 33 combinations of real retrieval sets and
 * embedding models. Objective: sum over queries of the softmax cross-entropy against a pool of documents, plus
 * (c / 2) (|W - I|^2 + |b|^2). The sum, not the mean, so that c needs no rescaling with the number of queries.
 */
export const RECIPE = {
  /** Grid of inverse temperatures from which tau0, the one that fits the unadapted embedding best, is taken. */
  temperatures: [2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224],
  /** Training queries on which tau0 is fitted, at most. */
  temperatureQueries: 500,
  /** Inverse temperature in units of tau0: the first is where the search starts. */
  multiples: [2, 1],
  /** Strengths c of the pull to the identity. */
  pulls: [1000, 300, 100, 30, 10, 3, 1],
  /** Where the search starts. */
  firstPull: 100,
  /** Pools of negatives: the first is where the search starts. */
  negatives: ['positives', 'corpus'],
  learningRate: 0.01,
  schedule: 'cosine',
  warmup: 0.05,
  weightDecay: 0,
  maxGradNorm: 0,
  /** Queries in a step, by the number of training queries. */
  batchSize: (queries: number): number => (queries <= 2000 ? 32 : 128),
  /** Passes over the queries, by their number. */
  epochs: (queries: number): number => (queries <= 5000 ? 20 : 10),
  /** Folds of the cross-validation, by the number of queries. */
  folds: (queries: number): number => (queries <= 300 ? 5 : 3),
  /** Queries and documents on which options are chosen, at most. */
  tuneQueries: 1500,
  tuneDocuments: 3000,
  /** A change of options must win by more than this many standard errors of the paired difference. */
  standardErrors: 1,
  /** A lower temperature may lose by so many of them, where all training queries took part in the choice. */
  benefitOfDoubt: 0.5,
  /** A candidate that is behind the incumbent by more than so many of them on the first fold is given up there. */
  raceMargin: 0.5,
  /** Queries of the first fold below which nothing is given up. */
  raceQueries: 100,
  /**
   * Standard errors by which pseudo-queries must win: at all. On 36 runs of 20 / 50 / 100 / 150 labelled queries the test nDCG@10
   * changes by +.001 / +.005 / +.010 / +.012 (without them -.005 / -.006 / +.005 / +.008); by more than one standard error it is
   * .000 / +.002 / +.010 / +.012, with half a one of doubt +.002 / +.004 / +.010 / +.011. See docs/small-data.md.
   */
  pseudoMargin: 0,
  /** Strength of the pull below which pseudo-queries are not tried: out of fold they look better there, on a test set they are worse. */
  pseudoLeastPull: 100,
  /** What all pseudo-queries together count, in labelled queries; none counts more than one of those. */
  pseudoWeight: 300,
  /** An adapter is kept when the bootstrap's p of its out-of-fold gain is below this. */
  gateP: 0.05,
  /** Resamples of the gate's bootstrap. */
  gateSamples: 2000,
} as const
