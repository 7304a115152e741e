import { trainedKind } from '../../adapters/index.js'
import type { AdapterKind, Weights } from '../../adapters/kind.js'
import { type EmbeddedDataset, ownDocumentOf } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { parseMetric } from '../../evaluate/metrics.js'
import { positiveRanks, rankingFromRanks } from '../../evaluate/positive-ranks.js'
import { tieRankOf } from '../../evaluate/top-k.js'
import { getOrInsert } from '../../maps.js'
import { normalizedRows, takeRows } from '../../math/matrix.js'
import { truncateRows } from '../../math/row-source.js'
import { createBuffers } from '../on-engine.js'
import { type FixedOptions, TRAIN_DEFAULTS } from '../options.js'
import { type TrainerOptions, trainWeights } from '../trainer.js'
import { joinQueries, withQueries } from './sample.js'
import { resolve, type SearchPoint } from './search-point.js'

/** Data that all folds of a search share; plain, so that it can be sent to another thread. */
export interface FoldSetting {
  readonly data: EmbeddedDataset
  /** Queries on the same documents that points with `pseudo` are trained on too. */
  readonly pseudo?: EmbeddedDataset
  readonly metric: string
  readonly fittedScale: number
  readonly seed: number
  readonly fixed: FixedOptions
}

export interface FoldTask extends FoldRows {
  readonly point: SearchPoint
  /** Default: the setting's. */
  readonly fixed?: FixedOptions
}

export interface FoldRunner {
  run(task: FoldTask): Promise<FoldResult>
  /** Returns the metric of every query for the unadapted embedding. */
  base(): Promise<Float64Array>
  free(): Promise<void>
}

/** Computes one fold after the other on an engine. */
export function createFoldRunner(engine: Engine, setting: FoldSetting, signal?: AbortSignal): FoldRunner {
  const { data, pseudo, metric, fixed } = setting
  const scorers = new Map<string, Scorer>()
  const scorerOf = ({ kind: name = TRAIN_DEFAULTS.kind }: FixedOptions): Scorer => {
    const kind = trainedKind(name)
    return getOrInsert(scorers, kind.name, () => createScorer(engine, data, kind, metric))
  }
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    // A failed fold fails those behind it: the search has failed.
    last = result
    result.catch(() => {})
    return result
  }
  return {
    run: ({ point, fixed: own = fixed, ...rows }) =>
      inTurn(() => {
        const added = point.pseudo && pseudo
        const queries = rows.outside.length + (added?.queries.rows ?? 0)
        const options = { ...resolve(own, point, queries, setting), signal }
        return runFold(engine, data, scorerOf(own), rows, options, added)
      }),
    base: () => inTurn(() => scorerOf(fixed).score(Uint32Array.from(data.positives.keys()))),
    free: async () => {
      await last.catch(() => {})
      for (const scorer of scorers.values()) scorer.free()
    },
  }
}

type Scorer = ReturnType<typeof createScorer>

/** Puts the documents of a dataset on an engine to score queries against them. */
export function createScorer(engine: Engine, data: EmbeddedDataset, kind: AdapterKind, metricSpec: string) {
  const units = engine.upload(normalizedRows(data.docs))
  const tieRank = tieRankOf(data.docIds)
  const ownDocument = ownDocumentOf(data)
  const { metric, k } = parseMetric(metricSpec)
  return {
    /** Returns the metric of each of the queries. `weights`: of an adapter of the scorer's kind; absent for the base. */
    async score(rows: Uint32Array, weights?: Weights): Promise<Float64Array> {
      const positives = Array.from(rows, i => data.positives[i])
      const taken = takeRows(data.queries, rows)
      // Without an adapter, queries are cut to the length of the documents.
      const { upload, scratch, free } = createBuffers(engine)
      const X = upload(weights ? taken : truncateRows(taken, units.cols))
      let Z = X
      if (weights) {
        const params = Object.fromEntries(Object.entries(weights).map(([name, m]) => [name, upload(m)]))
        Z = scratch('Z', X.rows, units.cols)
        kind.forward(engine, params, X, Z, scratch)
      }
      const ranks = await positiveRanks(engine, Z, units, positives, tieRank, i => ownDocument(rows[i]))
      free()
      return Float64Array.from(ranks, (list, i) => metric.score(rankingFromRanks(list, positives[i], k), k))
    },
    free: (): void => engine.free(units),
  }
}

export interface FoldRows {
  /** Held out, to be scored. */
  readonly inside: Uint32Array
  /** Trained on. */
  readonly outside: Uint32Array
}

export interface FoldResult {
  /** Metric of every query inside. */
  readonly scores: Float64Array
  readonly weights: Weights
}

/** Trains on the queries outside a fold, and pseudo-queries if given, and scores the queries inside. */
export async function runFold(
  engine: Engine,
  data: EmbeddedDataset,
  scorer: Scorer,
  { inside, outside }: FoldRows,
  options: TrainerOptions,
  pseudo?: EmbeddedDataset,
): Promise<FoldResult> {
  const labelled = withQueries(data, outside)
  const part = pseudo ? joinQueries(labelled, pseudo) : labelled
  const weights = await trainWeights(engine, part, options)
  return { scores: await scorer.score(inside, weights), weights }
}

/** Lists the rows of every fold that is not empty, in the order of the folds' numbers. */
export function foldRows(folds: Uint32Array): FoldRows[] {
  const numbers = [...new Set(folds)].sort((a, b) => a - b)
  const pick = (keep: (fold: number) => boolean) => Uint32Array.from(folds.keys()).filter(i => keep(folds[i]))
  return numbers.map(k => ({ inside: pick(fold => fold === k), outside: pick(fold => fold !== k) }))
}

export interface CrossValidation {
  readonly scores: Float64Array
  readonly fits: readonly (FoldRows & { readonly weights: Weights })[]
}

/** Scores every query by an adapter trained without its fold. */
export async function crossValidate(
  folds: Uint32Array,
  run: (rows: FoldRows, index: number) => Promise<FoldResult>,
): Promise<CrossValidation> {
  const scores = new Float64Array(folds.length)
  const parts = foldRows(folds)
  const results = await Promise.all(parts.map(run))
  results.forEach((result, k) => {
    for (const [i, query] of parts[k].inside.entries()) scores[query] = result.scores[i]
  })
  return { scores, fits: results.map(({ weights }, k) => ({ ...parts[k], weights })) }
}
