import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { labelledRows } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import { type Matrix, normalizedRows, takeRows } from '../math/matrix.js'
import { type Rows, selectedRows, toMatrix } from '../math/row-source.js'
import { mean } from '../math/statistics/moments.js'
import { DEFAULT_METRICS, parseMetric } from './metrics/index.js'
import { type TopK, tieRankOf, topK } from './top-k.js'
import { topKOn } from './top-k-on.js'

/** Means by metric spec, such as `{ "ndcg@10": 0.49 }`. */
export type Scores = Readonly<Record<string, number>>

/** The scores of one ranking: means, and by query in the order of the data set. */
export interface Evaluation {
  readonly mean: Scores
  /** One value a query, in the order of `Evaluator.queryRows`. */
  readonly perQuery: Readonly<Record<string, Float64Array>>
  /** Rank of each query's first relevant document, from 1, in the same order; 0 where it is not among the first `depth`. */
  readonly firstRank: Uint32Array
  /** How many documents of each ranking were looked at: the deepest cut-off of the metrics, or all documents. */
  readonly depth: number
}

/** Scores query vectors on one data set, whose documents are prepared once. */
export interface Evaluator {
  /** Rows of the data set's queries that have at least one relevant document; the others cannot be scored. */
  readonly queryRows: Uint32Array
  /** Ids of these queries. */
  readonly queryIds: readonly string[]
  /**
   * Ranks the documents for every query and scores the rankings, with all documents in memory.
   * @param queries all query vectors of the data set, adapted or not, [queries, d]
   */
  evaluate(queries: Matrix): Evaluation
  /**
   * The same on an engine, in blocks: the way for many documents. Scores are float32, so that documents whose cosines differ by
   * rounding alone may change places.
   * @param queries as for `evaluate`
   * @throws ABORTED when `signal` was aborted
   */
  evaluateOn(engine: Engine, queries: Rows, options?: { readonly signal?: AbortSignal }): Promise<Evaluation>
}

/**
 * Prepares the exact evaluation of query vectors against the frozen documents of a data set, by cosine similarity.
 *
 * @param specs metrics as `name@k`
 * @throws USAGE when a metric is not known
 * @throws DATASET_INVALID when no query has a relevant document
 */
export function createEvaluator(data: EmbeddedDataset<Rows>, specs: readonly string[] = DEFAULT_METRICS): Evaluator {
  const metrics = specs.map(parseMetric)
  const deepest = Math.max(1, ...metrics.map(m => m.k))
  const queryRows = labelledRows(data)
  if (queryRows.length === 0) {
    throw new AdapterTrainError('DATASET_INVALID', 'no query has a relevant document, so there is nothing to evaluate')
  }
  const tieRank = tieRankOf(data.docIds)
  const relevant = Array.from(queryRows, i => [...data.positives[i].values()].sort((a, b) => b - a))
  let units: Matrix | undefined

  function score(top: TopK): Evaluation {
    const perQuery = Object.fromEntries(specs.map(spec => [spec, new Float64Array(queryRows.length)]))
    const firstRank = new Uint32Array(queryRows.length)
    for (let i = 0; i < queryRows.length; i++) {
      const positives = data.positives[queryRows[i]]
      const found = top.rows.subarray(i * top.k, (i + 1) * top.k)
      const ranking = { grades: Array.from(found, doc => positives.get(doc) ?? 0), relevant: relevant[i] }
      firstRank[i] = ranking.grades.findIndex(grade => grade > 0) + 1
      for (const { spec, metric, k } of metrics) perQuery[spec][i] = metric.score(ranking, k)
    }
    const means = Object.fromEntries(specs.map(spec => [spec, mean(perQuery[spec])]))
    return { mean: means, perQuery, firstRank, depth: top.k }
  }

  return {
    queryRows,
    queryIds: Array.from(queryRows, i => data.queryIds[i]),
    evaluate(queries) {
      units ??= normalizedRows(toMatrix(data.docs))
      const scored = queryRows.length === queries.rows ? queries : takeRows(queries, queryRows)
      return score(topK(scored, units, deepest, tieRank))
    },
    async evaluateOn(engine, queries, options) {
      const scored = queryRows.length === queries.rows ? queries : selectedRows(queries, queryRows)
      return score(await topKOn(engine, scored, data.docs, deepest, tieRank, options))
    },
  }
}
