import type { AdapterKind, Weights } from '../../adapters/kind.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Engine, Tensor } from '../../engines/engine.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import { positiveRanks } from '../../evaluate/positive-ranks.js'
import { rankingFromRanks } from '../../evaluate/ranking-from-ranks.js'
import { tieRankOf } from '../../evaluate/top-k.js'
import { normalizedRows, takeRows } from '../../math/matrix.js'
import { truncateRows } from '../../math/truncate.js'
import { createBuffers } from '../buffers.js'
import { createClosedFormTrainer } from '../closed-form-trainer.js'
import { createTrainer, type TrainerOptions } from '../trainer.js'
import { joinQueries } from './extra-queries.js'
import { withQueries } from './sample-dataset.js'

/** Scores queries on an engine, adapted or not. */
export interface Scorer {
  /**
   * @param rows queries of the data set
   * @param weights of an adapter of the scorer's kind; absent for the base
   * @returns the metric of each of these queries
   */
  score(rows: Uint32Array, weights?: Weights): Promise<Float64Array>
  free(): void
}

/** Puts the documents of a data set on an engine and scores queries against them. */
export function createScorer(engine: Engine, data: EmbeddedDataset, kind: AdapterKind, metricSpec: string): Scorer {
  const units = engine.upload(normalizedRows(data.docs))
  const tieRank = tieRankOf(data.docIds)
  const { metric, k } = parseMetric(metricSpec)
  return {
    async score(rows, weights) {
      const positives = Array.from(rows, i => data.positives[i])
      const taken = takeRows(data.queries, rows)
      // Without an adapter, queries are cut to the length of the documents.
      const X = engine.upload(weights ? taken : truncateRows(taken, units.cols))
      const tensors: Tensor[] = [X]
      let Z = X
      const buffers = createBuffers(engine)
      if (weights) {
        const params = Object.fromEntries(Object.entries(weights).map(([name, m]) => [name, engine.upload(m)]))
        Z = engine.alloc(X.rows, units.cols)
        tensors.push(Z, ...Object.values(params))
        kind.forward(engine, params, X, Z, buffers.scratch)
      }
      const ranks = await positiveRanks(engine, Z, units, positives, tieRank)
      buffers.free()
      for (const t of tensors) engine.free(t)
      return Float64Array.from(ranks, (list, i) => metric.score(rankingFromRanks(list, positives[i], k), k))
    },
    free: () => engine.free(units),
  }
}

/** One fold: which queries an adapter is trained on, and which it is scored on. */
export interface FoldRows {
  readonly inside: Uint32Array
  readonly outside: Uint32Array
}

export interface FoldResult {
  /** The metric of every query inside. */
  readonly scores: Float64Array
  readonly weights: Weights
}

/** Trains on the queries outside of a fold, and pseudo-queries where given, and scores the queries inside. */
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
  const { closed } = options
  const trainer = closed ? createClosedFormTrainer(engine, part, closed, options) : createTrainer(engine, part, options)
  let weights: Weights = {}
  try {
    for (let epoch = 0; epoch < (closed ? 1 : options.epochs); epoch++) weights = (await trainer.epoch()).weights
  } finally {
    trainer.free()
  }
  return { scores: await scorer.score(inside, weights), weights }
}

/** The rows of every fold that is not empty, in the order of the folds' numbers. */
export function foldRows(folds: Uint32Array): FoldRows[] {
  const numbers = [...new Set(folds)].sort((a, b) => a - b)
  const pick = (keep: (fold: number) => boolean) => Uint32Array.from(folds.keys()).filter(i => keep(folds[i]))
  return numbers.map(k => ({ inside: pick(fold => fold === k), outside: pick(fold => fold !== k) }))
}

export interface CrossValidation {
  /** The metric of every query, by an adapter that was trained without its fold. */
  readonly scores: Float64Array
  /** The adapters of the folds, and the queries that they did not see. */
  readonly fits: readonly (FoldRows & { readonly weights: Weights })[]
}

/**
 * Scores every query by an adapter that was trained without its fold.
 *
 * @param folds fold of every query; an empty fold is passed over
 * @param run computes one fold; all are asked for at once
 */
export async function crossValidate(
  folds: Uint32Array,
  run: (rows: FoldRows, index: number) => Promise<FoldResult>,
): Promise<CrossValidation> {
  const scores = new Float64Array(folds.length)
  const parts = foldRows(folds)
  const results = await Promise.all(parts.map(run))
  results.forEach((result, k) => {
    parts[k].inside.forEach((query, i) => {
      scores[query] = result.scores[i]
    })
  })
  return { scores, fits: results.map(({ weights }, k) => ({ ...parts[k], weights })) }
}
