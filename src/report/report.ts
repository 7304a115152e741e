import type { CompareReport } from '../pipeline/compare/run-compare.js'
import type { ProofDetail } from '../pipeline/proof.js'
import type { EvaluationReport } from '../pipeline/run-evaluation.js'
import type { SweepReport } from '../pipeline/run-sweep.js'
import type { EmbeddedTrainingReport } from '../pipeline/training.js'

/** How to make a report again. */
export interface Reproduction {
  /** A line for a shell, without secrets. */
  readonly command: string
  /** ISO 8601. */
  readonly date: string
  readonly versions: readonly (readonly [name: string, version: string])[]
}

type Trained = Pick<EmbeddedTrainingReport, 'kind' | 'gate' | 'duel' | 'hybrid' | 'tune' | 'epochs' | 'bestEpoch' | 'data'>
type Measured = Pick<EmbeddedTrainingReport, 'difference' | 'wins' | 'ties' | 'losses' | 'seen' | 'unseen' | 'whole'>

/** A report on a base model and an adapter; a section whose facts are absent is left out. */
export interface Report extends Partial<Trained & Measured> {
  readonly base: { readonly id: string; readonly dimensions: number }
  /** The metric that decides, such as `ndcg@10`. */
  readonly metric: string
  /** What was measured on, such as "the test set". */
  readonly measuredOn?: string
  /** Queries scored. */
  readonly queries?: number
  readonly metrics?: {
    readonly base: Readonly<Record<string, number>>
    readonly adapted?: Readonly<Record<string, number>>
    readonly index?: EvaluationReport['metrics']['index']
  }
  /** The own search of an index beside the exact one. */
  readonly index?: EvaluationReport['index']
  readonly detail?: ProofDetail
  /** The combinations of options that were tried, if the adapter is the best of a sweep. */
  readonly sweep?: SweepReport['sweep']
  /** document id -> text; unknown texts are shown as ids */
  readonly documentText?: (id: string) => string | undefined
  /** Further facts on the data and the run, as name and value. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly warnings: readonly string[]
  readonly reproduce: Reproduction
}

/** A report on several candidates. */
export interface ComparisonReport extends Pick<Report, 'facts' | 'warnings' | 'reproduce'> {
  readonly comparison: CompareReport
}
