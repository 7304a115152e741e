import { AdapterTrainError } from '../errors.js'
import type { Evaluation } from '../evaluate/evaluator.js'
import { gatherEvaluation, seenQueries } from '../evaluate/seen.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { groupFolds, groupsOf } from '../train/tune/folds.js'
import { withQueries } from '../train/tune/sample.js'
import { SPLIT_DEFAULTS } from './defaults.js'
import { countsOf, type EmbeddedParts, type TrainKeys } from './embedded-parts.js'
import { proofOf, type ScoredQueries } from './proof.js'
import { trainOnEmbedded } from './train-on-embedded.js'
import type { FoldReport, OutOfFold, SplitBy, Trained, TrainingRun } from './training.js'

type FoldOutcome = { readonly scored: ScoredQueries; readonly result: FoldReport }

/**
 * Trains on everything, and measures by k-fold cross-validation what that may be expected to give: for each fold the whole
 * procedure (choice of options, training, gate) runs on the other folds alone and is measured on the queries that were held out.
 * The figures are those of the procedure; they decide nothing.
 */
export async function trainInFolds(
  embedded: EmbeddedParts,
  { kFold, splitBy = SPLIT_DEFAULTS.splitBy, onFold, ...options }: TrainingRun & { readonly kFold: number },
): Promise<Trained> {
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = options.train ?? {}
  const started = performance.now()
  const keys = embedded.trainKeys()
  const folds = assignKFolds(keys, { folds: kFold, by: splitBy, seed })
  // An interrupted run resumes after its last full fold.
  const done = [...((options.checkpoint?.state.folds as FoldOutcome[] | undefined) ?? [])]
  for (const [i, inside] of folds.entries()) {
    if (i in done) continue
    const { report, proof } = await trainOnEmbedded(withoutFold(embedded, inside), {
      ...options,
      // Only the last run, on everything, reports its progress.
      onPhase: undefined,
      onEngine: undefined,
      onTried: undefined,
      checkpoint: undefined,
      log: undefined,
      keepOnAbort: undefined,
      incumbent: undefined,
      detail: false,
      hybrid: false,
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
    proof: proofOf(pooled, embedded.train.queryTexts, { metric, seed }),
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

/** Makes one fold the test set and leaves it out of the training set. */
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
    // Every held-out query has a relevant document, so that all are scored, in their order.
    seen: (part, queries) => (part === 'test' ? seenQueries(trained, asked) : embedded.seen(part, queries)),
  }
}

/** Joins the queries of all folds, in the order of the training set. */
function pool(folds: readonly ScoredQueries[]): ScoredQueries {
  const places = folds.flatMap((fold, f) => Array.from(fold.rows, (row, i) => ({ row, f, i })))
  places.sort((a, b) => a.row - b.row)
  const evaluation = (side: 'base' | 'adapted'): Evaluation => {
    const found = places.map(({ f, i }) => ({ from: folds[f][side], i }))
    return gatherEvaluation(found, folds[0][side])
  }
  return {
    base: evaluation('base'),
    adapted: evaluation('adapted'),
    ids: places.map(({ f, i }) => folds[f].ids[i]),
    rows: Uint32Array.from(places, ({ row }) => row),
    seen: places.map(({ f, i }) => folds[f].seen![i]),
  }
}

/** Assigns every labelled query to one of k folds of nearly the same size; queries that belong together, see `SplitBy`, share one. */
export function assignKFolds(
  keys: TrainKeys,
  { folds, by, seed }: { readonly folds: number; readonly by: SplitBy; readonly seed: number },
): Uint32Array[] {
  const rows = keys.relevant.flatMap((relevant, i) => (relevant.length > 0 ? [i] : []))
  const keysOf = (row: number): string[] => {
    const documents = by === 'document' ? keys.relevant[row].map(key => `document ${key}`) : []
    return [`query ${keys.queries[row]}`, ...documents]
  }
  const groups = groupsOf(rows.map(keysOf))
  const sizes = new Map<number, number>()
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1)
  const foldOf = groupFolds(groups, folds, seed)
  const parts = Array.from({ length: folds }, (_, fold) => Uint32Array.from(rows.filter((_, i) => foldOf[i] === fold)))
  if (sizes.size < folds || Math.max(...parts.map(part => part.length)) * 2 > rows.length + 1) {
    const tie = by === 'query' ? 'have the same text' : 'share documents, directly or through one another'
    const remedy = by === 'query' ? 'Use fewer folds, or add queries.' : 'Use fewer folds, or split by query.'
    throw new AdapterTrainError(
      'DATASET_SPLIT',
      `cannot make ${folds} folds of ${rows.length} queries with a relevant document: they make ${sizes.size} groups, and up to ${Math.max(0, ...sizes.values())} queries ${tie} and have to stay together. ${remedy}`,
      { details: { folds, queries: rows.length, groups: sizes.size } },
    )
  }
  return parts
}
