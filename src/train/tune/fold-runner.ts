import { trainedKind } from '../../adapters/index.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { type Candidate, type FixedOptions, trainerOptions } from './candidate.js'
import { createScorer, type FoldResult, type FoldRows, runFold, type Scorer } from './cross-validate.js'

/** What all folds of a search have in common: data, so that it can be sent to another thread. */
export interface FoldSetting {
  readonly data: EmbeddedDataset
  /** On the same documents: what candidates with `pseudo` are trained on too. */
  readonly pseudo?: EmbeddedDataset
  readonly metric: string
  readonly tau0: number
  readonly seed: number
  readonly fixed: FixedOptions
}

export interface FoldTask extends FoldRows {
  readonly candidate: Candidate
  /** Instead of the setting's. */
  readonly fixed?: FixedOptions
}

/** Computes folds, in whatever order they come. */
export interface FoldRunner {
  run(task: FoldTask): Promise<FoldResult>
  /** The metric of every query for the unadapted embedding. */
  base(): Promise<Float64Array>
  free(): Promise<void>
}

/** Computes one fold after the other on an engine. */
export function createFoldRunner(engine: Engine, setting: FoldSetting, signal?: AbortSignal): FoldRunner {
  const { data, pseudo, metric, tau0, seed, fixed } = setting
  const scorers = new Map<string, Scorer>()
  const scorerOf = ({ kind: name = 'linear' }: FixedOptions): Scorer => {
    const kind = trainedKind(name)
    const scorer = scorers.get(kind.name) ?? createScorer(engine, data, kind, metric)
    scorers.set(kind.name, scorer)
    return scorer
  }
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    // A fold that fails takes those behind it with it: the search has failed.
    last = result
    // Whoever waits for the result hears of the failure.
    result.catch(() => {})
    return result
  }
  return {
    run: ({ candidate, fixed: own = fixed, ...rows }) =>
      inTurn(() => {
        const added = candidate.pseudo && pseudo
        const queries = rows.outside.length + (added?.queries.rows ?? 0)
        const options = { ...trainerOptions(candidate, tau0, queries, seed, own), signal }
        return runFold(engine, data, scorerOf(own), rows, options, added)
      }),
    base: () => inTurn(() => scorerOf(fixed).score(Uint32Array.from(data.positives.keys()))),
    free: async () => {
      await last.catch(() => {})
      for (const scorer of scorers.values()) scorer.free()
    },
  }
}
