import { usageError } from '../errors.js'
import { mean } from '../math/statistics/moments.js'

/** Ranking of one query. */
export interface Ranking {
  /** Grade of the document at rank index + 1; 0 if it is not relevant or not judged. */
  readonly grades: readonly number[]
  /** Grades of all relevant documents, retrieved or not, highest first, at least one. */
  readonly relevant: readonly number[]
  /** Whether the document at rank index + 1 was judged; absent if no document is known as judged not relevant. */
  readonly judged?: readonly boolean[]
}

/** Measure of one ranking cut at rank k, between 0 and 1; its mean over queries is reported. */
export type Metric = { readonly name: string; readonly description: string; score(ranking: Ranking, k: number): number }

/** 1 if a relevant document is among the first k, else 0 (trec_eval's success_k). */
export const hit: Metric = {
  name: 'hit',
  description: 'share of queries with a relevant document among the first k',
  score: ({ grades }, k) => (grades.slice(0, k).some(grade => grade > 0) ? 1 : 0),
}

/** Sum of precision at the rank of every relevant document among the first k, over all relevant ones (trec_eval's map_cut_k). */
export const map: Metric = {
  name: 'map',
  description: 'mean average precision',
  score({ grades, relevant }, k) {
    let found = 0
    let sum = 0
    for (let r = 0; r < Math.min(k, grades.length); r++) {
      if (grades[r] > 0) sum += ++found / (r + 1)
    }
    return sum / relevant.length
  },
}

/** 1 / rank of the first relevant document if it is among the first k, else 0 (trec_eval's recip_rank, cut at k). */
export const mrr: Metric = {
  name: 'mrr',
  description: 'mean reciprocal rank of the first relevant document',
  score({ grades }, k) {
    const first = grades.slice(0, k).findIndex(grade => grade > 0)
    return first < 0 ? 0 : 1 / (first + 1)
  },
}

/**
 * DCG = sum over ranks r <= k of grade_r / log2(r + 1), divided by the DCG of the ideal ranking (trec_eval's ndcg_cut).
 * @see Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002
 */
export const ndcg: Metric = {
  name: 'ndcg',
  description: 'normalised discounted cumulative gain',
  score: ({ grades, relevant }, k) => dcg(grades, k) / dcg(relevant, k),
}

function dcg(grades: readonly number[], k: number): number {
  let sum = 0
  for (let r = 0; r < Math.min(k, grades.length); r++) sum += grades[r] / Math.log2(r + 2)
  return sum
}

/** Share of the first k ranks that hold a relevant document; always divided by k (trec_eval's P_k). */
export const precision: Metric = {
  name: 'precision',
  description: 'share of the first k ranks that hold a relevant document',
  score: ({ grades }, k) => grades.slice(0, k).filter(grade => grade > 0).length / k,
}

/** Share of the relevant documents that are among the first k (trec_eval's recall_k). */
export const recall: Metric = {
  name: 'recall',
  description: 'share of the relevant documents found among the first k',
  score: ({ grades, relevant }, k) => grades.slice(0, k).filter(grade => grade > 0).length / relevant.length,
}

/** Share of the first k ranks that hold a judged document, relevant or not: how far the other figures can be relied on. */
export const judged: Metric = {
  name: 'judged',
  description: 'share of the first k ranks that hold a judged document',
  score: ({ grades, judged }, k) => grades.slice(0, k).filter((grade, r) => grade > 0 || judged?.[r]).length / k,
}

const METRICS = { hit, mrr, ndcg, recall, precision, map, judged } satisfies Record<string, Metric>

export const METRIC_NAMES = Object.keys(METRICS)

/** Metrics that `evaluate` reports. */
export const DEFAULT_METRICS: readonly string[] = [
  'hit@1',
  'hit@3',
  'hit@5',
  'hit@10',
  'mrr@10',
  'ndcg@10',
  'recall@10',
  'precision@10',
  'map@100',
]

/** A metric, its cut-off, and how both were given, such as `ndcg@10`. */
export type MetricSpec = ReturnType<typeof parseMetric>

/** Reads `name@k`. */
export function parseMetric(spec: string) {
  const [name, cut, ...rest] = spec.split('@')
  const k = Number(cut)
  if (!Object.hasOwn(METRICS, name) || rest.length > 0 || !/^[1-9]\d*$/.test(cut ?? '') || !Number.isSafeInteger(k)) {
    throw usageError(`"${spec}" is not a metric; expected name@k, such as ndcg@10, with one of ${METRIC_NAMES.join(', ')}`)
  }
  const metric: Metric = METRICS[name as keyof typeof METRICS]
  return { spec, metric, k }
}

/** Scores rankings in turn: means, values per query, and the rank of each first relevant document (0: not found). */
export function scoreRankings(queries: number, rankingOf: (query: number) => Ranking, specs: readonly string[]) {
  const metrics = specs.map(parseMetric)
  const perQuery = Object.fromEntries(specs.map(spec => [spec, new Float64Array(queries)]))
  const firstRank = new Uint32Array(queries)
  for (let i = 0; i < queries; i++) {
    const ranking = rankingOf(i)
    firstRank[i] = ranking.grades.findIndex(grade => grade > 0) + 1
    for (const { spec, metric, k } of metrics) perQuery[spec][i] = metric.score(ranking, k)
  }
  return { mean: Object.fromEntries(specs.map(spec => [spec, mean(perQuery[spec])])), perQuery, firstRank }
}
