import type { Adapter } from '../adapters/adapter.js'
import type { PartName } from '../dataset/split.js'
import { type EmbeddedDataset, ownDocumentOf, type Texts } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { type Comparison, compareRankings } from '../evaluate/compare.js'
import { createEvaluator, type Evaluation, type Scores } from '../evaluate/evaluator.js'
import { type Change, type LargestChanges, largestChanges } from '../evaluate/largest-changes.js'
import { DEFAULT_METRICS } from '../evaluate/metrics.js'
import { type SampledScores, sampleScores } from '../evaluate/sample-scores.js'
import { compareSeen, type SeenComparison } from '../evaluate/seen.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { topKOn } from '../evaluate/top-k-on.js'
import { createRandom, permutation } from '../math/random.js'
import { type Rows, selectedRows, truncateRows } from '../math/row-source.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import type { EmbeddedParts, QueryRows } from './embedded-parts.js'

/** Evaluation of an adapter against its base model on one set of queries. */
export interface Proof extends Pick<Comparison, 'difference' | 'wins' | 'ties' | 'losses'> {
  readonly queries: number
  readonly metrics: { readonly base: Scores; readonly adapted: Scores }
  readonly largest: LargestChanges
  /** Base vectors with all dimensions, if documents are truncated or vectors reduced. */
  readonly whole?: { readonly dimensions: number; readonly metrics: Scores }
  /** Queries of seen documents; absent if the training set is not known. */
  readonly seen?: SeenComparison['seen']
  readonly unseen?: SeenComparison['unseen']
  /** Scores per query, for the gate and for proofs over several sets. */
  readonly scored: ScoredQueries
}

/** Queries with the rankings of base and adapter. */
export interface ScoredQueries extends QueryRows {
  readonly base: Evaluation
  readonly adapted: Evaluation
  /** True per query if a relevant document has training queries; absent if the training set is not known. */
  readonly seen?: readonly boolean[]
}

/** Labelled set to measure on. */
export interface ProofSubject {
  readonly data: EmbeddedDataset<Rows>
  /** Vectors before truncation of the documents, or before they were reduced. */
  readonly whole?: Pick<EmbeddedDataset<Rows>, 'queries' | 'docs'>
  /** Returns, per query, true if a relevant document has training queries; absent if the training set is not known. */
  seen?(queries: QueryRows): boolean[]
}

export interface ProofOptions {
  readonly seed: number
  /** Metric of wins, ties and losses. */
  readonly metric: string
  readonly metrics?: readonly string[]
  readonly signal?: AbortSignal
}

export function subjectOf(embedded: EmbeddedParts, part: PartName): ProofSubject {
  return { data: embedded[part]!, whole: embedded.whole?.[part], seen: queries => embedded.seen(part, queries) }
}

/** Measures an adapter against its base model. */
export async function prove(
  engine: Engine,
  { data, whole, seen }: ProofSubject,
  adapter: Adapter,
  options: ProofOptions,
): Promise<Proof> {
  const { metric, signal, metrics = DEFAULT_METRICS } = options
  const specs = metrics.includes(metric) ? metrics : [...metrics, metric]
  const evaluator = createEvaluator(data, specs)
  const { queryIds: ids, queryRows: rows } = evaluator
  const base = await evaluator.evaluateOn(engine, truncateRows(data.queries, data.docs.cols), { signal })
  const queries = await applyAdapterOn(engine, adapter, data.queries, data.queryTexts)
  const adapted = await evaluator.evaluateOn(engine, queries, { signal })
  const proof = proofOf({ base, adapted, ids, rows, seen: seen?.({ ids, rows }) }, data.queryTexts, options)
  if (!whole) return proof
  const { mean } = await createEvaluator({ ...data, docs: whole.docs }, specs).evaluateOn(engine, whole.queries, { signal })
  return { ...proof, whole: { dimensions: whole.docs.cols, metrics: mean } }
}

/** Makes the proof of scored queries. `texts`: of all queries of their set, by row. */
export function proofOf(
  scored: ScoredQueries,
  texts: Texts | undefined,
  { metric, seed }: Pick<ProofOptions, 'metric' | 'seed'>,
): Proof {
  const { base, adapted, ids, rows, seen } = scored
  const all = compareRankings(base, adapted, { seed, metric })
  const { difference, wins, ties, losses } = all
  return {
    queries: ids.length,
    metrics: { base: base.mean, adapted: adapted.mean },
    difference,
    wins,
    ties,
    losses,
    largest: largestChanges(base, adapted, { queryIds: ids, texts: pick(texts, rows), metric }),
    ...(seen && compareSeen(base, adapted, seen, { seed, metric }, all)),
    scored,
  }
}

function pick(texts: Texts | undefined, rows: Uint32Array): Texts | undefined {
  return texts && Array.from(rows, row => texts[row])
}

/** Most queries, wins, losses and documents in the details of a report. */
const DETAIL_LIMITS = { scored: 2000, changes: 50, documents: 3 } as const

/** Document that a query finds. */
export interface FoundDocument {
  readonly id: string
  /** Cosine similarity with the query. */
  readonly score: number
  readonly relevant: boolean
}

/** Query that gained or lost, with the first documents it finds before and after. */
export interface DetailedChange extends Change {
  readonly found?: { readonly base: readonly FoundDocument[]; readonly adapted: readonly FoundDocument[] }
  readonly relevant?: readonly string[]
}

/** Details of a proof, per query. */
export interface ProofDetail {
  /** Rank of each query's first relevant document, from 1; 0 if it is not among the first `depth`. */
  readonly ranks: { readonly base: Uint32Array; readonly adapted: Uint32Array; readonly depth: number }
  /** Cosines of a seeded sample of the queries; absent if the vectors are of several adapters. */
  readonly scores?: { readonly base: SampledScores; readonly adapted: SampledScores }
  readonly wins: readonly DetailedChange[]
  readonly losses: readonly DetailedChange[]
}

/** Makes the details that scored queries alone give, such as those of several folds. */
export function rankDetail({ base, adapted, ids, rows }: ScoredQueries, texts: Texts | undefined, metric: string): ProofDetail {
  const count = DETAIL_LIMITS.changes
  const { wins, losses } = largestChanges(base, adapted, { queryIds: ids, texts: pick(texts, rows), metric, count })
  return { ranks: { base: base.firstRank, adapted: adapted.firstRank, depth: base.depth }, wins, losses }
}

/** Makes the details of a proof, with cosines and documents. */
export async function proofDetail(
  engine: Engine,
  { data }: ProofSubject,
  adapter: Adapter,
  scored: ScoredQueries,
  { seed, metric, signal }: ProofOptions,
): Promise<ProofDetail> {
  const plain = rankDetail(scored, data.queryTexts, metric)
  const { rows, ids } = scored
  const sampled = permutation(rows.length, createRandom(seed))
    .slice(0, DETAIL_LIMITS.scored)
    .sort()
    .map(i => rows[i])
  const changed = [...plain.wins, ...plain.losses].map(({ queryId }) => queryId)
  const rowOf = new Map(ids.map((id, i) => [id, rows[i]]))
  const changedRows = Uint32Array.from(changed, id => rowOf.get(id)!)
  const before = async (of: Uint32Array): Promise<Rows> => truncateRows(selectedRows(data.queries, of), data.docs.cols)
  const after = (of: Uint32Array): Promise<Rows> =>
    applyAdapterOn(engine, adapter, selectedRows(data.queries, of), pick(data.queryTexts, of))
  const positives = Array.from(sampled, i => data.positives[i])
  const own = ownDocumentOf(data)
  const options = { signal, ownDocument: (i: number) => own(sampled[i]) }
  const scores = {
    base: await sampleScores(engine, await before(sampled), data, positives, options),
    adapted: await sampleScores(engine, await after(sampled), data, positives, options),
  }
  if (changed.length === 0) return { ...plain, scores }
  const find = async (queries: Rows) => {
    const allows = (i: number, document: number) => own(changedRows[i]) !== document
    const tieRank = tieRankOf(data.docIds)
    const top = await topKOn(engine, queries, data.docs, DETAIL_LIMITS.documents, tieRank, { signal, allows })
    return (i: number): FoundDocument[] =>
      Array.from({ length: top.k }, (_, j) => {
        const document = top.rows[i * top.k + j]
        const relevant = data.positives[changedRows[i]].has(document)
        return { id: data.docIds[document], score: top.scores[i * top.k + j], relevant }
      }).filter(({ score }) => Number.isFinite(score))
  }
  const [base, adapted] = [await find(await before(changedRows)), await find(await after(changedRows))]
  const detailed = (change: Change, i: number): DetailedChange => ({
    ...change,
    found: { base: base(i), adapted: adapted(i) },
    relevant: Array.from(data.positives[changedRows[i]].keys(), document => data.docIds[document]),
  })
  return {
    ...plain,
    scores,
    wins: plain.wins.map(detailed),
    losses: plain.losses.map((change, i) => detailed(change, plain.wins.length + i)),
  }
}
