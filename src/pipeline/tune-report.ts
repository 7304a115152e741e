import { TRAIN_DEFAULTS } from '../train/defaults.js'
import type { TrainOptions } from '../train/train-adapter.js'
import type { TuneResult } from '../train/tune/tune.js'
import { withoutUndefined } from '../train/without-undefined.js'
import type { PartCounts } from './embedded-parts.js'

/** What the search for options found. */
export interface TuneReport {
  readonly negatives: string
  /** Inverse temperature. */
  readonly temperature: number
  /** Strength of the pull to the identity. */
  readonly c: number
  readonly tried: readonly {
    readonly negatives: string
    readonly temperature: number
    readonly c: number
    readonly score: number
    /** Whether it was trained on pseudo-queries too. */
    readonly pseudoQueries?: true
  }[]
  /** First sentences of documents that could stand in for queries, and whether they do; absent where there were none. */
  readonly pseudoQueries?: { readonly count: number; readonly used: boolean }
  /** Queries, documents and folds of the cross-validation. */
  readonly queries: number
  readonly documents: number
  readonly folds: number
  readonly cut?: string
  readonly seconds: number
}

/** What stood in for a validation set: the queries of the cross-validation. */
export function foldCounts({ queries, pairs, documents, folds }: TuneResult): PartCounts & { readonly folds: number } {
  return { queries, pairs, documents, folds }
}

/** @param pseudoCount pseudo-queries that there were */
export function tuneReport(
  { chosen, scale, tried, queries, documents, folds, cut, seconds: taken }: TuneResult,
  pseudoCount?: number,
): TuneReport {
  const tau0 = scale / chosen.multiple
  return {
    negatives: chosen.negatives,
    temperature: scale,
    c: chosen.pull,
    ...(pseudoCount && { pseudoQueries: { count: pseudoCount, used: chosen.pseudo === true } }),
    tried: tried.map(({ negatives, multiple, pull, pseudo, score, stoppedAfter }) => ({
      negatives,
      temperature: tau0 * multiple,
      c: pull,
      score,
      ...(pseudo && { pseudoQueries: true as const }),
      ...(stoppedAfter && { stoppedAfter }),
    })),
    queries,
    documents,
    folds,
    cut,
    seconds: Math.round(taken * 1000) / 1000,
  }
}

/** Every training option with the value it had; callbacks and handles left out. */
export function recordedOptions(final: TrainOptions, kind: string | undefined): Record<string, string | number> {
  const all: Record<string, unknown> = {
    ...TRAIN_DEFAULTS,
    ...withoutUndefined(final),
    kind: kind ?? TRAIN_DEFAULTS.kind,
  }
  const names = [...Object.keys(TRAIN_DEFAULTS), 'size', 'maxNegatives', 'hardNegatives', 'hardMargin', 'mineEvery']
  return Object.fromEntries(
    names.filter(name => all[name] !== undefined).map(name => [name, all[name] as string | number]),
  )
}
