import type { GeneratedQuestion } from './generate-questions.js'
import type { DropReason } from './reject.js'

/** A question that a filter dropped. */
export interface FilteredOut extends GeneratedQuestion {
  readonly reason: DropReason
  /** Id of the question that it is nearly the same as. */
  readonly like?: string
  /** Cosine similarity to that one. */
  readonly similarity?: number
}

export interface FilteredQuestions {
  readonly kept: readonly GeneratedQuestion[]
  readonly dropped: readonly FilteredOut[]
}
