import type { EmbeddedTrainingReport } from '../pipeline/embedded-training-report.js'
import type { ProofDetail } from '../pipeline/proof-detail.js'
import type { SweepReport } from '../pipeline/run-sweep.js'

/** How to make a report again. */
export interface Reproduction {
  /** A line for a shell, without secrets. */
  readonly command: string
  /** ISO 8601. */
  readonly date: string
  readonly versions: readonly (readonly [name: string, version: string])[]
}

/** What a report on a base and an adapter shows; a section whose facts are absent is left out. */
export interface Report
  extends Partial<
    Pick<
      EmbeddedTrainingReport,
      | 'kind'
      | 'difference'
      | 'wins'
      | 'ties'
      | 'losses'
      | 'seen'
      | 'unseen'
      | 'whole'
      | 'gate'
      | 'tune'
      | 'epochs'
      | 'bestEpoch'
      | 'data'
    >
  > {
  readonly base: { readonly id: string; readonly dimensions: number }
  /** The metric that decides, such as `ndcg@10`. */
  readonly metric: string
  /** What was measured on, such as "the test set". */
  readonly measuredOn?: string
  /** Queries that were scored. */
  readonly queries?: number
  readonly metrics?: {
    readonly base: Readonly<Record<string, number>>
    readonly adapted?: Readonly<Record<string, number>>
  }
  readonly detail?: ProofDetail
  /** The combinations of options that were tried, where the adapter is the best of a sweep. */
  readonly sweep?: SweepReport['sweep']
  /** document id -> text; ids stand for texts that are not known */
  readonly documentText?: (id: string) => string | undefined
  /** Further facts on the data and the run, as name and value. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly warnings: readonly string[]
  readonly reproduce: Reproduction
}
