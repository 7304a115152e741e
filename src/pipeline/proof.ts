import type { Adapter } from '../adapters/adapter.js'
import type { Engine } from '../engines/engine.js'
import { type Comparison, compareRankings } from '../evaluate/compare.js'
import { compareSeen, type SeenComparison } from '../evaluate/compare-seen.js'
import { createEvaluator, type Evaluation, type Scores } from '../evaluate/evaluator.js'
import { type LargestChanges, largestChanges } from '../evaluate/largest-changes.js'
import { DEFAULT_METRICS } from '../evaluate/metrics/index.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import type { Material, PartName } from './material.js'

/** What an adapter changes on one set of queries, with what is needed to believe it. */
export interface Proof extends Pick<Comparison, 'difference' | 'wins' | 'ties' | 'losses'> {
  readonly queries: number
  readonly metrics: { readonly base: Scores; readonly adapted: Scores }
  readonly largest: LargestChanges
  /** Split by whether a relevant document had training queries; absent where the training data are not known. */
  readonly seen?: SeenComparison['seen']
  readonly unseen?: SeenComparison['unseen']
  /** Scores of every query, for the gate and for reports. */
  readonly evaluations: { readonly base: Evaluation; readonly adapted: Evaluation }
}

export interface ProofOptions {
  readonly seed: number
  /** Metric for wins, ties and losses. */
  readonly metric: string
  readonly metrics?: readonly string[]
  /** Whether the training part is known, so that queries can be split into seen and unseen. */
  readonly splitSeen?: boolean
  readonly signal?: AbortSignal
}

/**
 * Measures an adapter against its base on one part of the material.
 * @throws ABORTED when `signal` was aborted
 */
export async function prove(
  engine: Engine,
  material: Material,
  part: PartName,
  adapter: Adapter,
  options: ProofOptions,
): Promise<Proof> {
  const { metric, seed, signal, metrics = DEFAULT_METRICS, splitSeen = true } = options
  const data = material[part]!
  const evaluator = createEvaluator(data, metrics.includes(metric) ? metrics : [...metrics, metric])
  const base = await evaluator.evaluateOn(engine, data.queries, { signal })
  const adapted = await evaluator.evaluateOn(engine, await applyAdapterOn(engine, adapter, data.queries), { signal })
  const { difference, wins, ties, losses } = compareRankings(base, adapted, { seed, metric })
  const ids = evaluator.queryIds
  const seen = splitSeen
    ? compareSeen(base, adapted, material.seen(part, { ids, rows: evaluator.queryRows }), { seed, metric })
    : undefined
  return {
    queries: ids.length,
    metrics: { base: base.mean, adapted: adapted.mean },
    difference,
    wins,
    ties,
    losses,
    largest: largestChanges(base, adapted, { queryIds: ids, texts: material.texts(part), metric }),
    ...seen,
    evaluations: { base, adapted },
  }
}
