import { type EmbeddedDataset, labelledRows, ownDocumentOf } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import { type Matrix, normalizedRows, takeRows } from '../math/matrix.js'
import { type Rows, selectedRows, toMatrix } from '../math/row-source.js'
import { DEFAULT_METRICS, parseMetric, type Ranking, scoreRankings } from './metrics.js'
import { type TopK, tieRankOf, topK } from './top-k.js'
import { topKOn } from './top-k-on.js'

/** Means by metric spec, such as `{ "ndcg@10": 0.49 }`. */
export type Scores = Readonly<Record<string, number>>

/** Scores of the rankings of all queries. */
export interface Evaluation {
  readonly mean: Scores
  /** One value per query, in the order of `Evaluator.queryRows`. */
  readonly perQuery: Readonly<Record<string, Float64Array>>
  /** Rank of each query's first relevant document, from 1, in the same order; 0 if it is not among the first `depth`. */
  readonly firstRank: Uint32Array
  /** Score of each query's first document, in the same order. */
  readonly topScore?: Float32Array
  /** Documents of each ranking that were considered: the deepest cut-off of the metrics, or all. */
  readonly depth: number
}

/** Scores query vectors on one dataset, whose documents are prepared once. */
export interface Evaluator {
  /** Rows of the queries with a relevant document; the others cannot be scored. */
  readonly queryRows: Uint32Array
  /** Ids of these queries. */
  readonly queryIds: readonly string[]
  /**
   * Ranks the documents for every query and scores the rankings, with all documents in memory.
   * @param queries all query vectors of the dataset, adapted or not, [queries, d]
   */
  evaluate(queries: Matrix): Evaluation
  /**
   * Evaluates on an engine, in blocks, for many documents. Scores are float32, so documents whose cosines differ by rounding
   * alone may change places.
   * @throws ABORTED if `signal` is aborted
   */
  evaluateOn(engine: Engine, queries: Rows, options?: { readonly signal?: AbortSignal }): Promise<Evaluation>
  /**
   * Ranks as `evaluateOn`, to another depth, or by inner product.
   * @throws ABORTED if `signal` is aborted
   */
  rankOn(
    engine: Engine,
    queries: Rows,
    k: number,
    options?: { readonly signal?: AbortSignal; readonly dot?: boolean },
  ): Promise<TopK>
}

/**
 * Prepares the exact evaluation of query vectors on a dataset, by cosine similarity. A query that is a document too does not
 * find itself.
 * @param specs metrics as `name@k`
 * @throws USAGE if a metric is not known; DATASET_INVALID if no query has a relevant document; ADAPTER_MISMATCH, when it evaluates,
 * if the queries are not as long as the documents
 */
export function createEvaluator(data: EmbeddedDataset<Rows>, specs: readonly string[] = DEFAULT_METRICS): Evaluator {
  const deepest = Math.max(1, ...specs.map(spec => parseMetric(spec).k))
  const queryRows = labelledRows(data)
  if (queryRows.length === 0)
    throw new AdapterTrainError('DATASET_INVALID', 'no query has a relevant document, so there is nothing to evaluate')
  const tieRank = tieRankOf(data.docIds)
  const relevant = Array.from(queryRows, i => [...data.positives[i].values()].sort((a, b) => b - a))
  const ownDocument = ownDocumentOf(data)
  const allows = data.selfMatches && ((i: number, document: number) => ownDocument(queryRows[i]) !== document)
  let units: Matrix | undefined

  function score(top: TopK): Evaluation {
    const rankingOf = (i: number): Ranking => {
      const positives = data.positives[queryRows[i]]
      const found = top.rows.subarray(i * top.k, (i + 1) * top.k)
      const scores = top.scores.subarray(i * top.k, (i + 1) * top.k)
      const gradeOf = (doc: number, rank: number) => (scores[rank] === Number.NEGATIVE_INFINITY ? 0 : (positives.get(doc) ?? 0))
      const negatives = data.judgedNegatives && new Set(data.judgedNegatives[queryRows[i]])
      const judged = negatives && Array.from(found, doc => positives.has(doc) || negatives.has(doc))
      return { grades: Array.from(found, gradeOf), relevant: relevant[i], judged }
    }
    const topScore = Float32Array.from(queryRows, (_, i) => (top.k === 0 ? 0 : top.scores[i * top.k]))
    return { ...scoreRankings(queryRows.length, rankingOf, specs), topScore, depth: top.k }
  }

  const checkLength = ({ cols }: Rows): void => {
    if (cols === data.docs.cols) return
    const message = `queries of ${cols} dimensions cannot be compared with documents of ${data.docs.cols}`
    throw new AdapterTrainError('ADAPTER_MISMATCH', message)
  }

  const rankOn: Evaluator['rankOn'] = async (engine, queries, k, options) => {
    checkLength(queries)
    const scored = queryRows.length === queries.rows ? queries : selectedRows(queries, queryRows)
    return topKOn(engine, scored, data.docs, k, tieRank, { ...options, allows })
  }

  return {
    queryRows,
    queryIds: Array.from(queryRows, i => data.queryIds[i]),
    evaluate(queries) {
      checkLength(queries)
      units ??= normalizedRows(toMatrix(data.docs))
      const scored = queryRows.length === queries.rows ? queries : takeRows(queries, queryRows)
      return score(topK(scored, units, deepest, tieRank, allows))
    },
    evaluateOn: async (engine, queries, options) => score(await rankOn(engine, queries, deepest, options)),
    rankOn,
  }
}
