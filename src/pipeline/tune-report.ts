import { TRAIN_DEFAULTS } from '../train/defaults.js'
import type { TrainOptions } from '../train/train-adapter.js'
import type { TuneResult } from '../train/tune.js'
import type { PartCounts } from './material.js'

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
  }[]
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

export function tuneReport({
  chosen,
  scale,
  tried,
  queries,
  documents,
  folds,
  cut,
  seconds: taken,
}: TuneResult): TuneReport {
  const tau0 = scale / chosen.multiple
  return {
    negatives: chosen.negatives,
    temperature: scale,
    c: chosen.pull,
    tried: tried.map(({ negatives, multiple, pull, score }) => ({
      negatives,
      temperature: tau0 * multiple,
      c: pull,
      score,
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
  const names = [...Object.keys(TRAIN_DEFAULTS), 'size', 'maxNegatives']
  return Object.fromEntries(
    names.filter(name => all[name] !== undefined).map(name => [name, all[name] as string | number]),
  )
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}
