import type { Adapter } from '../adapters/adapter.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { type Comparison, compareRankings } from '../evaluate/compare.js'
import { compareSeen, type SeenComparison } from '../evaluate/compare-seen.js'
import { createEvaluator, type Evaluation, type Scores } from '../evaluate/evaluator.js'
import { type LargestChanges, largestChanges } from '../evaluate/largest-changes.js'
import { DEFAULT_METRICS } from '../evaluate/metrics/index.js'
import type { Rows } from '../math/row-source.js'
import { truncateRows } from '../math/truncate.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import type { EmbeddedParts, PartName } from './embedded-parts.js'

/** What an adapter changes on one set of queries, with what is needed to believe it. */
export interface Proof extends Pick<Comparison, 'difference' | 'wins' | 'ties' | 'losses'> {
  readonly queries: number
  readonly metrics: { readonly base: Scores; readonly adapted: Scores }
  readonly largest: LargestChanges
  /** The base with all dimensions, where documents are truncated: what was given up with the others. */
  readonly whole?: { readonly dimensions: number; readonly metrics: Scores }
  /** Split by whether a relevant document had training queries; absent where the training data are not known. */
  readonly seen?: SeenComparison['seen']
  readonly unseen?: SeenComparison['unseen']
  /** What the figures are made of, query by query: for the gate, and for proofs over several sets. */
  readonly scored: ScoredQueries
}

/** Queries with the rankings of base and adapter. */
export interface ScoredQueries {
  readonly base: Evaluation
  readonly adapted: Evaluation
  /** Id of every query. */
  readonly ids: readonly string[]
  /** Row of every query in its set. */
  readonly rows: Uint32Array
  /** Whether a relevant document of the query had training queries; absent where the training data are not known. */
  readonly seen?: readonly boolean[]
}

/** A labelled set on which an adapter is measured. */
export interface ProofSubject {
  readonly data: EmbeddedDataset<Rows>
  /** The documents before they were truncated. */
  readonly wholeDocs?: Rows
  /** query id -> text; absent where only vectors are known */
  readonly texts?: ReadonlyMap<string, string>
  /** Whether a relevant document of each query had training queries; absent where the training data are not known. */
  seen?(queries: { readonly ids: readonly string[]; readonly rows: Uint32Array }): boolean[]
}

export interface ProofOptions {
  readonly seed: number
  /** Metric for wins, ties and losses. */
  readonly metric: string
  readonly metrics?: readonly string[]
  readonly signal?: AbortSignal
}

/** One of the parts as the subject of a proof. */
export function subjectOf(embedded: EmbeddedParts, part: PartName): ProofSubject {
  const wholeDocs = embedded.whole?.[part]?.docs
  return {
    data: embedded[part]!,
    wholeDocs,
    texts: embedded.texts(part),
    seen: queries => embedded.seen(part, queries),
  }
}

/**
 * Measures an adapter against its base.
 * @throws ABORTED when `signal` was aborted
 */
export async function prove(
  engine: Engine,
  { data, wholeDocs, texts, seen }: ProofSubject,
  adapter: Adapter,
  options: ProofOptions,
): Promise<Proof> {
  const { metric, signal, metrics = DEFAULT_METRICS } = options
  const specs = metrics.includes(metric) ? metrics : [...metrics, metric]
  const evaluator = createEvaluator(data, specs)
  const { queryIds: ids, queryRows: rows } = evaluator
  const base = await evaluator.evaluateOn(engine, truncateRows(data.queries, data.docs.cols), { signal })
  const adapted = await evaluator.evaluateOn(engine, await applyAdapterOn(engine, adapter, data.queries), { signal })
  const proof = proofOf({ base, adapted, ids, rows, seen: seen?.({ ids, rows }) }, texts, options)
  if (!wholeDocs) return proof
  const whole = createEvaluator({ ...data, docs: wholeDocs }, specs)
  const { mean } = await whole.evaluateOn(engine, data.queries, { signal })
  return { ...proof, whole: { dimensions: wholeDocs.cols, metrics: mean } }
}

/** The proof of queries that were scored already. */
export function proofOf(
  scored: ScoredQueries,
  texts: ReadonlyMap<string, string> | undefined,
  { metric, seed }: Pick<ProofOptions, 'metric' | 'seed'>,
): Proof {
  const { base, adapted, ids, seen } = scored
  const all = compareRankings(base, adapted, { seed, metric })
  const { difference, wins, ties, losses } = all
  return {
    queries: ids.length,
    metrics: { base: base.mean, adapted: adapted.mean },
    difference,
    wins,
    ties,
    losses,
    largest: largestChanges(base, adapted, { queryIds: ids, texts, metric }),
    ...(seen && compareSeen(base, adapted, seen, { seed, metric }, all)),
    scored,
  }
}
