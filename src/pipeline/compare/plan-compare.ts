import type { EmbeddingCache } from '../../cache/cache.js'
import type { QADataset } from '../../dataset/dataset.js'
import { type EmbeddingEstimate, estimateDataset } from '../../embed/estimate.js'
import { AdapterTrainError, usageError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { COMPARE_METRICS } from '../defaults.js'
import { timedRows } from '../query-time.js'
import type { CompareCandidate, CompareRun } from './candidates.js'
import { checkCandidates, groupByBase } from './candidates.js'
import { checkSameJudgements, type JudgedTexts, judgedTexts } from './judged-texts.js'

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

/** Work and cost of embedding one base. */
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
  if (!data && candidates.length === 0)
    throw usageError('runs are judged by labelled data: expected a dataset, found none')
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
  const { price } = provider
  const rows = timedRows(queries.length)
  // The first of them is sent once more, to open the connection.
  const tokens = [rows[0], ...rows].reduce((sum, i) => sum + provider.countTokens(queries[i]), 0)
  return { requests: rows.length + 1, tokens, ...(price !== undefined && { cost: (tokens / 1e6) * price }) }
}
