import type { Evaluation, Scores } from '../evaluate/evaluator.js'
import { seenQueries } from '../evaluate/seen.js'
import { mean } from '../math/statistics/moments.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { withQueries } from '../train/tune/sample-dataset.js'
import { assignKFolds, type SplitBy } from './assign-k-folds.js'
import { SPLIT_DEFAULTS } from './defaults.js'
import type { EmbeddedParts } from './embedded-parts.js'
import { countsOf } from './embedded-parts.js'
import { type Proof, proofOf, type ScoredQueries } from './proof.js'
import { type TrainedOnEmbedded, type TrainOnEmbeddedOptions, trainOnEmbedded } from './train-on-embedded.js'

/** What came of one fold: the procedure was run on the other folds and measured on this one. */
export interface FoldReport {
  /** Queries that were held out. */
  readonly queries: number
  /** Whether the gate kept the fold's adapter; absent where there is no gate. */
  readonly kept?: boolean
  readonly metrics: { readonly base: Scores; readonly adapted: Scores }
}

/** Results of the folds, each on queries that its adapter had not seen. */
export interface KFoldReport {
  readonly folds: number
  readonly by: SplitBy
  /** Queries of all folds. */
  readonly queries: number
  readonly results: readonly FoldReport[]
  readonly seconds: number
}

/** The procedure's figures on queries that it has not seen, over all folds. */
export interface OutOfFold {
  readonly proof: Proof
  readonly report: KFoldReport
}

interface FoldOutcome {
  readonly scored: ScoredQueries
  readonly result: FoldReport
}

/** Options of training, and of the folds that measure it. */
export interface KFoldOptions extends TrainOnEmbeddedOptions {
  /** Folds, at least 2. */
  readonly kFold: number
  /** What stays together. Default `query`. */
  readonly splitBy?: SplitBy
  /**
   * Called after each fold.
   * @param number from 1
   */
  readonly onFold?: (fold: FoldReport, number: number) => void
}

/**
 * Trains on everything, and measures by k-fold cross-validation what that may be expected to give: for each fold the whole
 * procedure (choice of options, training, gate) runs on the other folds alone and is measured on the queries that were held out.
 * The figures are those of the procedure; they decide nothing.
 *
 * @throws DATASET_SPLIT as `assignKFolds`
 * @throws as `trainOnEmbedded`
 */
export async function trainInFolds(
  embedded: EmbeddedParts,
  { kFold, splitBy = SPLIT_DEFAULTS.splitBy, onFold, ...options }: KFoldOptions,
): Promise<TrainedOnEmbedded> {
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = options.train ?? {}
  const started = performance.now()
  const keys = embedded.trainKeys()
  const folds = assignKFolds(keys, { folds: kFold, by: splitBy, seed })
  // Folds that an interrupted run has done need not be done again.
  const done = [...((options.checkpoint?.state.folds as FoldOutcome[] | undefined) ?? [])]
  for (const [i, inside] of folds.entries()) {
    if (i in done) continue
    const { report, proof } = await trainOnEmbedded(withoutFold(embedded, inside), {
      ...options,
      // What is told of a run (its epochs, its phases) is that of the last one, on everything.
      ...{
        onPhase: undefined,
        onEngine: undefined,
        onTried: undefined,
        checkpoint: undefined,
        keepOnAbort: undefined,
        log: undefined,
        detail: false,
      },
      train: { ...options.train, onEpoch: undefined, onStep: undefined },
    })
    const result = { queries: inside.length, kept: report.gate?.kept, metrics: proof!.metrics }
    done.push({ scored: { ...proof!.scored, rows: inside }, result })
    options.checkpoint?.save({ folds: done })
    options.log?.write('fold', { fold: i + 1, folds: kFold, ...result })
    onFold?.(result, i + 1)
  }
  const pooled = pool(done.map(({ scored }) => scored))
  const outOfFold: OutOfFold = {
    proof: proofOf(pooled, embedded.texts('train'), { metric, seed }),
    report: {
      folds: kFold,
      by: splitBy,
      queries: pooled.ids.length,
      results: done.map(({ result }) => result),
      seconds: Math.round(performance.now() - started) / 1000,
    },
  }
  return trainOnEmbedded(embedded, { ...options, outOfFold })
}

/** The parts with one fold for a test part and without it for the training part. */
function withoutFold(embedded: EmbeddedParts, inside: Uint32Array): EmbeddedParts {
  const { train } = embedded
  const held = new Set(inside)
  const outside = Uint32Array.from(train.positives.keys()).filter(i => !held.has(i))
  const { relevant } = embedded.trainKeys()
  const [trained, asked] = [outside, inside].map(rows => Array.from(rows, i => relevant[i]))
  const parts = { train: withQueries(train, outside), test: withQueries(train, inside) }
  return {
    ...embedded,
    ...parts,
    counts: { ...embedded.counts, train: countsOf(parts.train), test: countsOf(parts.test) },
    close: undefined,
    texts: part => embedded.texts(part === 'test' ? 'train' : part),
    // Every held-out query has a relevant document, so that all are scored, in their order.
    seen: (part, queries) => (part === 'test' ? seenQueries(trained, asked) : embedded.seen(part, queries)),
  }
}

/** The queries of all folds, in the order of the training set. */
function pool(folds: readonly ScoredQueries[]): ScoredQueries {
  const places = folds.flatMap((fold, f) => Array.from(fold.rows, (row, i) => ({ row, f, i })))
  places.sort((a, b) => a.row - b.row)
  const evaluation = (side: 'base' | 'adapted'): Evaluation => {
    const first = folds[0][side]
    const perQuery = Object.fromEntries(
      Object.keys(first.perQuery).map(spec => [
        spec,
        Float64Array.from(places, ({ f, i }) => folds[f][side].perQuery[spec][i]),
      ]),
    )
    return {
      mean: Object.fromEntries(Object.entries(perQuery).map(([spec, values]) => [spec, mean(values)])),
      perQuery,
      firstRank: Uint32Array.from(places, ({ f, i }) => folds[f][side].firstRank[i]),
      depth: first.depth,
    }
  }
  return {
    base: evaluation('base'),
    adapted: evaluation('adapted'),
    ids: places.map(({ f, i }) => folds[f].ids[i]),
    rows: Uint32Array.from(places, ({ row }) => row),
    seen: places.map(({ f, i }) => folds[f].seen![i]),
  }
}
