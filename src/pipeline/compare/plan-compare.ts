import type { EmbeddingCache } from '../../cache/cache.js'
import type { QADataset } from '../../dataset/dataset.js'
import type { EmbeddingEstimate } from '../../embed/estimate.js'
import { estimateDataset } from '../../embed/estimate-dataset.js'
import { AdapterTrainError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { type Candidate, checkCandidates, type EmbeddedBase, groupByBase } from './candidates.js'
import { COMPARE_METRICS } from './defaults.js'
import { checkSameJudgements, type JudgedTexts, judgedTexts } from './judged-texts.js'
import { timedRows } from './query-time.js'

/** What is compared, and on which queries. */
export interface PlanCompareOptions {
  /** The labelled queries; needed where a candidate has a provider, else the first candidate's vectors have them. */
  readonly data?: QADataset
  readonly cache?: EmbeddingCache
  /** Metrics as `name@k`; default {@link COMPARE_METRICS}. */
  readonly metrics?: readonly string[]
  /** The metric of the order and the tests. Default: `ndcg@10`, or the first metric where that is not measured. */
  readonly metric?: string
  readonly signal?: AbortSignal
  /** Evaluate an adapter although the vectors are not of its base. */
  readonly allowMismatch?: boolean
  /**
   * Measure what a query takes. By default what runs in this process is timed: local models and adapters. `true` also times
   * providers on the network, which sends them a few queries one at a time; `false` times nothing, and two runs give equal reports.
   */
  readonly timing?: boolean
}

/** What embedding one base takes. */
export interface BasePlan extends EmbeddingEstimate {
  /** Id of the embedding space. */
  readonly base: string
  /** What timing sends on top, past the cache; absent where it sends nothing. */
  readonly timing?: { readonly requests: number; readonly tokens: number; readonly cost?: number }
}

/** A comparison that nothing was found wrong with, before the first request. */
export interface ComparePlan {
  readonly specs: readonly string[]
  readonly judged: JudgedTexts
  readonly bases: readonly EmbeddedBase[]
  readonly plans: readonly BasePlan[]
}

/**
 * Says what {@link runCompare} would send for each base and what it would cost, after all checks, without sending anything.
 * @throws as `runCompare` does before the first request
 */
export async function estimateCompare(
  candidates: readonly Candidate[],
  options: PlanCompareOptions = {},
): Promise<readonly BasePlan[]> {
  return (await planCompare(candidates, options)).plans
}

/** Checks all that can be checked without a request, and plans the embedding of every base. */
export async function planCompare(
  candidates: readonly Candidate[],
  { data, cache, signal, timing, ...options }: PlanCompareOptions,
): Promise<ComparePlan> {
  const specs = specsOf(options)
  checkCandidates(candidates, options.allowMismatch)
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

function specsOf({ metric, metrics = COMPARE_METRICS }: PlanCompareOptions): string[] {
  const specs = [...new Set(metric === undefined || metrics.includes(metric) ? metrics : [metric, ...metrics])]
  specs.forEach(parseMetric)
  return specs
}

/** What all candidates are scored on, checked against the vectors of each. */
function judgedBy(candidates: readonly Candidate[], data: QADataset | undefined): JudgedTexts {
  const texts = candidates.find(({ provider }) => provider)
  if (texts && !data) {
    throw new AdapterTrainError('USAGE', `candidate "${texts.name}" embeds texts, which needs labelled data`)
  }
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
