import type { Adapter, AdapterBase } from '../adapters/adapter.js'
import type { PartName } from '../dataset/split.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Scores } from '../evaluate/evaluator.js'
import type { Projection } from '../math/projection.js'
import type { Rows } from '../math/row-source.js'
import type { Checkpoint } from '../train/checkpoint.js'
import type { GateResult } from '../train/gate.js'
import type { TermsChoice } from '../train/terms/choose-terms.js'
import type { TrainOptions, TrainResult } from '../train/train-adapter.js'
import type { ClusterSplit } from '../train/tune/cluster-split.js'
import type { Tried, TuneResult } from '../train/tune/tune.js'
import type { ReplaceRule } from './defaults.js'
import type { Duel } from './duel.js'
import type { PartCounts } from './embedded-parts.js'
import type { HybridComparison } from './hybrid-rows.js'
import type { MemoryDecision, MemoryReport } from './memory-step.js'
import type { Proof, ProofDetail } from './proof.js'
import type { TermsOptions, TermsReport } from './terms-step.js'
import type { TrainingLog } from './training-log.js'

/** Step of a training run. */
export type TrainingPhase = 'embed' | 'tune' | 'train' | 'evaluate'
/** Queries that stay together when some are held out: equal ones, or also those that share a relevant document. */
export type SplitBy = 'query' | 'document'

export interface TrainingOptions extends TermsOptions {
  /** Training options the user sets; the recipe sets the others, or `TRAIN_DEFAULTS` with `tune: 'off'`. */
  readonly train?: TrainOptions
  /** Choose unset options by cross-validation. Default `auto`. */
  readonly tune?: 'auto' | 'off'
  /** Time limit of that choice in seconds. Default `TUNE_BUDGET`. */
  readonly tuneBudget?: number
  /** Save the identity instead of an adapter without a significant gain. Default: with `tune: 'auto'` only. */
  readonly gate?: boolean
  /** Least mean out-of-fold gain that passes the gate. Default 0. */
  readonly minGain?: number
  /** The adapter in use, which a new one on the same base has to stand up to on held-out queries. */
  readonly incumbent?: Adapter
  /** When the new adapter may replace it. Default `REPLACE_DEFAULT`. */
  readonly replace?: ReplaceRule
  /** Folds of a cross-validation of the whole procedure, whose figures are reported. Default: none. */
  readonly kFold?: number
  /** Queries that share a fold. Default `query`. */
  readonly splitBy?: SplitBy
  /** Dimensions of the documents in the index, if it stores only the first ones. */
  readonly dimensionsOut?: number
  /**
   * Dimensions to reduce the vectors of a composed model to, by PCA of the training documents, or the projection to do it by. That of
   * `incumbent` is kept if it fits, so that the index stays valid. Default: none.
   */
  readonly pca?: number | Projection
  /** Scale q' so that the median best inner product stays that of the base model. Default false. */
  readonly keepTopScore?: boolean
  /** Add details per query to the proof, for a report. Default false. */
  readonly detail?: boolean
  /** Measure hybrid search with base and adapter, where texts are known. Default true. */
  readonly hybrid?: boolean
  readonly signal?: AbortSignal
  /** If aborted after the first epoch, return the adapter so far, marked, instead of throwing. Default false. */
  readonly keepOnAbort?: boolean
  /** Called when a phase begins. */
  readonly onPhase?: (phase: TrainingPhase) => void
  /** Called once with the engine and why it was chosen. */
  readonly onEngine?: (line: string) => void
  /** Called per candidate of the search, with a line that describes it. */
  readonly onTried?: (line: string, tried: Tried) => void
  /** Called before the search, if it is cut to stay within its budget. */
  readonly onCut?: (line: string) => void
  /** Called when the run resumes from a checkpoint. */
  readonly onResume?: (line: string) => void
  /**
   * Called after each fold.
   * @param number from 1
   */
  readonly onFold?: (fold: FoldReport, number: number) => void
}

/** A training run with its open files and what earlier steps have decided. */
export interface TrainingRun extends TrainingOptions {
  /** The options chosen already; the gate then judges by their out-of-fold scores. */
  readonly choice?: Choice
  /** Holds the run after the choice of options and after every epoch; the run resumes from it. */
  readonly checkpoint?: Checkpoint
  readonly log?: TrainingLog
  /** Figures of k-fold cross-validation, reported instead of those on a held-out set. */
  readonly outOfFold?: OutOfFold
}

/** The result of cross-validation inside the training set: options to train with, and what the gate needs. */
export interface Choice {
  /** Absent without cross-validation. */
  readonly tuned?: TuneResult
  readonly final: TrainOptions
  /** The training set, with pseudo-queries if these were chosen. */
  readonly train: EmbeddedDataset<Rows>
  /** True if the gate is on. */
  readonly gated: boolean
  readonly shift?: ClusterSplit
  readonly memory?: Omit<MemoryDecision, 'tuned'>
  /** Text terms, with a setting if they are used; absent if they were not tried. */
  readonly terms?: TermsChoice
  readonly warnings: readonly string[]
}

/** Score of the best document: quantiles over held-out queries, before and after. */
export type ScorePair = { readonly base: ScoreQuantiles; readonly adapted: ScoreQuantiles }

export type ScoreQuantiles = { readonly p10: number; readonly p50: number; readonly p90: number }

/** Cosines of the best document, and its inner products. */
export interface TopScore extends ScorePair {
  /** Absent with text terms, whose queries have unit length. */
  readonly dot?: ScorePair
  /** Factor of q' that keeps the median best inner product; absent unless asked for. */
  readonly scale?: number
}

/** The gate's decision on a trained adapter, and the proof of the adapter that is kept; adapters have no training facts yet. */
export interface Judgement extends Omit<Trained, 'report'> {
  /** The proof that is reported: out of fold if there are folds, else `proof`. */
  readonly reported?: Proof
  /** Best scores of the trained adapter; absent without held-out queries. */
  readonly topScore?: TopScore
  readonly metrics?: EmbeddedTrainingReport['metrics']
  readonly report: Pick<EmbeddedTrainingReport, 'gate' | 'duel' | 'weights' | 'memory' | 'terms' | 'linearPart' | 'hybrid'>
  readonly warnings: readonly string[]
}

type MeasuredSplit = 'k-fold' | 'test' | 'validation'

/** Figures of one fold; training saw the other folds alone. */
export interface FoldReport {
  readonly queries: number
  /** True if the fold's adapter passed the gate; absent without a gate. */
  readonly kept?: boolean
  readonly metrics: { readonly base: Scores; readonly adapted: Scores }
}

/** Figures of all folds. */
export interface KFoldReport {
  readonly folds: number
  readonly by: SplitBy
  readonly queries: number
  readonly results: readonly FoldReport[]
  readonly seconds: number
}

/** Out-of-fold figures of the whole procedure. */
export type OutOfFold = { readonly proof: Proof; readonly report: KFoldReport }

/** Epochs before an interruption. */
export interface Interruption {
  readonly afterEpoch: number
  /** Epochs planned. */
  readonly epochs: number
}

/** Result of the search for options. */
export interface TuneReport extends Pick<TuneResult, 'queries' | 'documents' | 'folds' | 'cut' | 'seconds'> {
  readonly negatives: string
  readonly scale: number
  readonly pull: number
  readonly tried: readonly (Pick<TuneReport, 'negatives' | 'scale' | 'pull'> & {
    readonly score: number
    /** Set if pseudo-queries were trained on too. */
    readonly pseudoQueries?: true
    /** Folds after which the candidate was given up. */
    readonly stoppedAfter?: number
  })[]
  /** Pseudo-queries found, and whether they are used; absent if there are none. */
  readonly pseudoQueries?: { readonly count: number; readonly used: boolean }
}

/** Weights of the parts, and what they won. */
export interface WeightsReport {
  readonly weights: readonly number[]
  /** True if the weights act; otherwise the parts count alike. */
  readonly used: boolean
  readonly gate: GateResult
  /** Present if the adapter on top of the weights did not pass its own gate, and the weights are kept alone. */
  readonly onTop?: GateResult
}

export type ProofFigures = Omit<Proof, 'scored' | 'queries' | 'metrics'>

/** Choice, training and proof on embedded parts. */
export interface EmbeddedTrainingReport
  extends Partial<ProofFigures>,
    Pick<TrainResult, 'epochs' | 'bestEpoch' | 'engine' | 'engineDescription' | 'engineReason'> {
  readonly kind: string
  readonly base: Omit<AdapterBase, 'normalized'>
  readonly data: { readonly [part in PartName]?: PartCounts & { readonly folds?: number } }
  /**
   * Figures on `split`: the folds, else the test set, else the validation set; absent if there is none. If the gate rejects the adapter,
   * `adapted` equals `base`, and `rejected` holds its figures.
   */
  readonly metrics?: Proof['metrics'] & { readonly split: MeasuredSplit; readonly rejected?: Scores }
  readonly kFold?: KFoldReport
  /** Figures on the test set if `metrics` are out of fold. */
  readonly test?: Omit<Proof, 'scored'>
  /** Absent without cross-validation. */
  readonly gate?: GateResult
  /** The new adapter against the one in use; absent without one, or if the gate rejects the new one. */
  readonly duel?: Duel
  /** Gain on clusters of queries held out whole; absent if the gate rejects the adapter, or with too few queries. */
  readonly shift?: ClusterSplit
  readonly tune?: TuneReport
  readonly weights?: WeightsReport
  readonly memory?: MemoryReport
  /** Absent if text terms were not tried. */
  readonly terms?: TermsReport
  /** Figures of the linear part alone, if there are text terms. */
  readonly linearPart?: Pick<Proof, 'metrics' | 'difference' | 'seen' | 'unseen'>
  /**
   * What a search by words adds, on the test set, or the validation set if there is none; a sentence if there is too much to measure.
   * Absent without texts.
   */
  readonly hybrid?: HybridComparison | string
  /** For the kind `linear`: out-of-fold gain of `linear-memory` over it, if above noise. */
  readonly memoryHint?: number
  /** Set if training was aborted and the adapter kept; nothing was measured. */
  readonly interrupted?: Interruption
  readonly seconds: { readonly tune: number; readonly train: number; readonly evaluate: number }
  readonly warnings: readonly string[]
}

/** Result of choice, training and proof on embedded parts. */
export interface Trained {
  /** The adapter to put in use; the identity if the gate rejects the trained one. */
  readonly adapter: Adapter
  /** The trained adapter, if the gate or the comparison with the one in use rejects it: not to be put in use. */
  readonly rejected?: Adapter
  readonly report: EmbeddedTrainingReport
  readonly proof?: Proof
  readonly detail?: ProofDetail
}

/** Report of a training run. Metrics lie in [0, 1], times are seconds. */
export interface TrainingReport extends Omit<EmbeddedTrainingReport, 'seconds'> {
  /** Work of the embedding; zero for vectors of your own. */
  readonly cache: { readonly hits: number; readonly misses: number; readonly requests: number; readonly tokens: number }
  readonly seconds: EmbeddedTrainingReport['seconds'] & { readonly embed: number; readonly total: number }
}

/** The adapter of a training run and its report. */
export interface TrainingResult extends Pick<Trained, 'adapter' | 'rejected' | 'detail'> {
  readonly report: TrainingReport
}
