import type { EmbeddingCache } from '../../cache/cache.js'
import { type QADataset, selfMatches } from '../../dataset/dataset.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { costOfTexts, type EmbeddingEstimate, estimateDataset } from '../../embed/estimate.js'
import { AdapterTrainError, usageError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics.js'
import type { Rows } from '../../math/row-source.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { COMPARE_METRICS } from '../defaults.js'
import { timedRows } from '../query-time.js'
import type { CompareCandidate, CompareRun } from './candidates.js'
import { checkCandidates, groupByBase } from './candidates.js'

/** Data, metrics and timing of a comparison. */
export interface PlanCompareOptions {
  /** Labelled queries; needed if a candidate has a provider, else those of the first candidate's vectors. */
  readonly data?: QADataset
  /** Rankings of other systems on the same queries. */
  readonly runs?: readonly CompareRun[]
  readonly cache?: EmbeddingCache
  /** Metrics as `name@k`. Default: `COMPARE_METRICS`. */
  readonly metrics?: readonly string[]
  /** Metric of the order and the tests. Default: `ndcg@10`, or the first metric if that is not measured. */
  readonly metric?: string
  readonly signal?: AbortSignal
  /** Evaluate an adapter of another base model. */
  readonly allowMismatch?: boolean
  /**
   * Time a query. Default: local models and adapters only. `true` also times providers on the network, which sends them a few
   * queries one at a time; `false` times nothing, and two runs give equal reports.
   */
  readonly timing?: boolean
}

export interface BasePlan extends EmbeddingEstimate {
  /** Id of the embedding space. */
  readonly base: string
  /** Further requests of the timing; absent if there are none. */
  readonly timing?: { readonly requests: number; readonly tokens: number; readonly cost?: number }
}

/** Checked comparison before the first request. */
export type ComparePlan = Awaited<ReturnType<typeof planCompare>>

/**
 * Estimates what `runCompare` would send per base and its cost, after all checks; sends nothing.
 * @throws as `runCompare` before the first request
 */
export async function estimateCompare(
  candidates: readonly CompareCandidate[],
  options: PlanCompareOptions = {},
): Promise<readonly BasePlan[]> {
  return (await planCompare(candidates, options)).plans
}

/** Checks a comparison and plans the embedding of every base, without a request. */
export async function planCompare(
  candidates: readonly CompareCandidate[],
  { data, cache, signal, timing, ...options }: PlanCompareOptions,
) {
  const { metric, metrics = COMPARE_METRICS } = options
  const specs = [...new Set(metric === undefined || metrics.includes(metric) ? metrics : [metric, ...metrics])]
  specs.forEach(parseMetric)
  checkCandidates(candidates, options.allowMismatch, options.runs)
  const judged = judgedBy(candidates, data)
  const bases = groupByBase(candidates)
  const plans: BasePlan[] = []
  for (const { provider } of bases) {
    if (!provider) continue
    const estimate = await estimateDataset(provider, data!, { cache, signal })
    const sent = timing && !provider.isLocal ? timingOf(provider, judged.queryTexts as string[]) : undefined
    plans.push({ base: provider.id, ...estimate, ...(sent && { timing: sent }) })
  }
  return { specs, judged, bases, plans }
}

/** Finds what all candidates are scored on, and checks it against the vectors of each. */
function judgedBy(candidates: readonly CompareCandidate[], data: QADataset | undefined): JudgedTexts {
  const texts = candidates.find(({ provider }) => provider)
  if (texts && !data) throw usageError(`candidate "${texts.name}" embeds texts, which needs labelled data`)
  if (!data && candidates.length === 0) throw usageError('runs are judged by labelled data: expected a dataset, found none')
  const judged = data ? judgedTexts(data) : candidates[0].vectors!
  if (!judged.positives.some(({ size }) => size > 0)) {
    throw new AdapterTrainError(
      'DATASET_INVALID',
      `no query of ${judged.name} has a relevant document, so there is nothing to compare`,
    )
  }
  for (const { vectors } of candidates) if (vectors) checkSameJudgements(judged, vectors)
  return judged
}

function timingOf(provider: EmbeddingProvider, queries: readonly string[]): BasePlan['timing'] {
  const rows = timedRows(queries.length)
  // The first of them is sent once more, to open the connection.
  const sent = [rows[0], ...rows].map(i => queries[i])
  return { requests: sent.length, ...costOfTexts(provider, sent) }
}

/** Queries, documents and judgements by row number, without vectors. */
export interface JudgedTexts
  extends Pick<
    EmbeddedDataset<Rows>,
    'queryIds' | 'docIds' | 'positives' | 'judgedNegatives' | 'selfMatches' | 'queryTexts' | 'docTexts'
  > {
  readonly name: string
}

/** Numbers the rows of a dataset; judgements of documents that the corpus does not have are left out. */
function judgedTexts(data: QADataset): JudgedTexts {
  const { name, queries, corpus, qrels } = data
  const [queryIds, docIds] = [queries, corpus].map(texts => [...texts.keys()])
  const rowOf = new Map(docIds.map((id, row) => [id, row]))
  const judged = queryIds.map(queryId =>
    Array.from(qrels.get(queryId) ?? [], ([id, grade]) => [rowOf.get(id)!, grade] as const).filter(([row]) => row !== undefined),
  )
  const positives = judged.map(grades => new Map(grades.filter(([, grade]) => grade > 0)))
  const judgedNegatives = judged.map(grades => grades.filter(([, grade]) => !(grade > 0)).map(([row]) => row))
  const [queryTexts, docTexts] = [[...queries.values()], [...corpus.values()]]
  return { name, queryIds, docIds, positives, judgedNegatives, selfMatches: selfMatches(data), queryTexts, docTexts }
}

/** Refuses vectors whose queries, documents or judgements differ from `expected`, row by row. */
function checkSameJudgements(expected: JudgedTexts, found: EmbeddedDataset<Rows> & { readonly name: string }) {
  const problem =
    countProblem('queries', expected.queryIds.length, found.queries.rows) ??
    countProblem('documents', expected.docIds.length, found.docs.rows) ??
    pairProblem(expected.positives, found.positives) ??
    textProblem('query', expected.queryTexts, found.queryTexts) ??
    textProblem('document', expected.docTexts, found.docTexts)
  if (problem === undefined) return
  throw new AdapterTrainError(
    'DATASET_INVALID',
    `${found.name} is not the data of ${expected.name}: ${problem}; candidates are compared on the same queries and documents, ` +
      'in the same order: embed the same data for each',
    { details: { expected: expected.name, found: found.name } },
  )
}

function countProblem(what: string, expected: number, found: number): string | undefined {
  return expected === found ? undefined : `expected ${expected} ${what}, found ${found}`
}

function pairProblem(expected: JudgedTexts['positives'], found: JudgedTexts['positives']): string | undefined {
  const row = expected.findIndex(
    (grades, i) => grades.size !== found[i].size || [...grades].some(([doc, grade]) => found[i].get(doc) !== grade),
  )
  if (row < 0) return undefined
  return `query row ${row} has the relevant documents ${shown(found[row])}, expected ${shown(expected[row])} (rows from 0)`
}

/** `{3 => 1, 8 => 2}` -> "3, 8 (grade 2)" */
function shown(grades: ReadonlyMap<number, number>): string {
  const list = [...grades].sort(([a], [b]) => a - b).map(([doc, g]) => (g === 1 ? String(doc) : `${doc} (grade ${g})`))
  return list.length === 0 ? 'none' : list.slice(0, 5).join(', ') + (list.length > 5 ? ', …' : '')
}

function textProblem(what: string, expected: JudgedTexts['queryTexts'], found: JudgedTexts['queryTexts']) {
  const row = expected?.findIndex((text, i) => {
    const other = found?.[i]
    return text !== undefined && other !== undefined && text.trim() !== other.trim()
  })
  return row === undefined || row < 0 ? undefined : `the text of ${what} row ${row} is another one`
}
