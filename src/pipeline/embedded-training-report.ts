import type { AdapterBase, TrainingFacts } from '../adapters/adapter.js'
import type { Scores } from '../evaluate/evaluator.js'
import { isNormalized } from '../math/is-normalized.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import type { GateResult } from '../train/gate.js'
import type { EpochResult, TrainOptions, TrainResult } from '../train/train-adapter.js'
import type { ClusterSplit } from '../train/tune/cluster-split.js'
import { VERSION } from '../version.js'
import type { Choice } from './choose-options.js'
import type { EmbeddedParts, PartCounts, PartName } from './embedded-parts.js'
import type { Interruption } from './interrupted-run.js'
import type { MemoryReport } from './memory-step.js'
import type { Proof } from './proof.js'
import type { KFoldReport } from './train-in-folds.js'
import { foldCounts, type TuneReport, tuneReport } from './tune-report.js'

/** What was chosen, trained and proven on embedded parts. */
export interface EmbeddedTrainingReport {
  readonly kind: string
  readonly base: { readonly id: string; readonly dimensions: number }
  readonly data: { readonly [part in PartName]?: PartCounts & { readonly folds?: number } }
  /**
   * Measured on `split`: out of fold where folds were asked for, else on the test set, else on the validation set; absent where
   * there is none of them.
   */
  readonly metrics?: {
    readonly base: Scores
    readonly adapted: Scores
    readonly split: 'k-fold' | 'test' | 'validation'
  }
  readonly kFold?: KFoldReport
  /** The adapter on the test set, where `metrics` are out of fold. */
  readonly test?: Omit<Proof, 'scored'>
  readonly difference?: Proof['difference']
  readonly wins?: number
  readonly ties?: number
  readonly losses?: number
  readonly seen?: Proof['seen']
  readonly unseen?: Proof['unseen']
  readonly largest?: Proof['largest']
  readonly whole?: Proof['whole']
  /** Absent where no cross-validation was asked for. */
  readonly gate?: GateResult
  /** The gain on clusters of queries that were held out whole; absent where the gate closed or there are too few queries. */
  readonly shift?: ClusterSplit
  readonly tune?: TuneReport
  /** With the kind `linear-memory`. */
  readonly memory?: MemoryReport
  /** With the kind `linear`: what `linear-memory` would add to the out-of-fold metric, where that is more than noise. */
  readonly memoryHint?: number
  /** Where training was aborted and the adapter kept as it stood: nothing was measured. */
  readonly interrupted?: Interruption
  readonly epochs: readonly EpochResult[]
  readonly bestEpoch: number
  readonly engine: string
  readonly engineDescription?: string
  readonly engineReason: string
  readonly seconds: { readonly tune: number; readonly train: number; readonly evaluate: number }
  readonly warnings: readonly string[]
}

/** What of a run is known besides its training. */
export interface RunFacts extends Pick<EmbeddedTrainingReport, 'seconds' | 'warnings'> {
  /** Options that the user has set. */
  readonly given: TrainOptions
  readonly tune: 'auto' | 'off'
  /** Why this engine. */
  readonly reason: string
}

/** The part of the report that does not depend on whether training was finished. */
export function trainedReport(
  embedded: EmbeddedParts,
  trained: TrainResult,
  { tuned }: Choice,
  { given, reason, seconds, warnings }: RunFacts,
): EmbeddedTrainingReport {
  const { baseId, train, pseudo, counts } = embedded
  return {
    kind: given.kind ?? TRAIN_DEFAULTS.kind,
    base: { id: baseId, dimensions: train.queries.cols },
    data: { train: counts.train, ...(tuned && { validation: foldCounts(tuned) }), ...counts },
    tune: tuned && tuneReport(tuned, pseudo?.queries.rows),
    epochs: trained.epochs,
    bestEpoch: trained.bestEpoch,
    engine: trained.engine,
    engineDescription: trained.engineDescription,
    engineReason: reason,
    seconds,
    warnings,
  }
}

/** The embedding space that an adapter of these parts maps. */
export function adapterBase({ baseId, train: { queries, docs } }: EmbeddedParts): AdapterBase {
  return { id: baseId, dimensions: queries.cols, normalized: isNormalized(queries) && isNormalized(docs) }
}

/** Which tool made an adapter, when, and of which data. */
export function adapterOrigin({ sha256, counts }: EmbeddedParts): Pick<TrainingFacts, 'tool' | 'date' | 'data'> {
  return { tool: `adapter-train ${VERSION}`, date: new Date().toISOString(), data: { sha256, ...counts } }
}
