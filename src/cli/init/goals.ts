/** What a user is after, and the options of `train` that go with it. */
export interface Goal {
  /** In the user's words, for the question and the comment in the file. */
  readonly title: string
  readonly kind?: string
  /** Whether the whole procedure is cross-validated over all labelled queries. */
  readonly crossValidated?: true
  /** Whether a page with the proof is written. */
  readonly report?: true
  /** Whether the index stores the first dimensions of each document alone. */
  readonly truncated?: true
}

export const GOALS = {
  quality: { title: 'the best ranking that the data can give' },
  small: { title: 'a small adapter file and fast queries', kind: 'low-rank' },
  truncated: { title: 'an index that stores only the first dimensions of each document', truncated: true },
  prove: {
    title: 'find out whether an adapter would help at all',
    crossValidated: true,
    report: true,
  },
} as const satisfies Record<string, Goal>

export type GoalName = keyof typeof GOALS

/** In the order in which they are offered; the first is the default. */
export const GOAL_NAMES = Object.keys(GOALS) as readonly GoalName[]
