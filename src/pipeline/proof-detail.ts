import type { Adapter } from '../adapters/adapter.js'
import type { Engine } from '../engines/engine.js'
import { type Change, largestChanges } from '../evaluate/largest-changes.js'
import { type SampledScores, sampleScores } from '../evaluate/sample-scores.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { topKOn } from '../evaluate/top-k-on.js'
import { createRandom, permutation } from '../math/random.js'
import { type Rows, selectedRows } from '../math/row-source.js'
import { truncateRows } from '../math/truncate.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import type { ProofOptions, ProofSubject, ScoredQueries } from './proof.js'

/** Queries, wins, losses and documents that a report looks at, at the most. */
const DETAIL_LIMITS = { scored: 2000, changes: 50, documents: 3 } as const

/** A document that a query finds. */
export interface FoundDocument {
  readonly id: string
  /** Cosine similarity with the query. */
  readonly score: number
  readonly relevant: boolean
}

/** A query that gained or lost, with the first documents that it finds before and after. */
export interface DetailedChange extends Change {
  readonly found?: { readonly base: readonly FoundDocument[]; readonly adapted: readonly FoundDocument[] }
  /** Ids of its relevant documents. */
  readonly relevant?: readonly string[]
}

/** What lies behind a proof, query by query. */
export interface ProofDetail {
  /** Rank of each query's first relevant document, from 1; 0 where it is not among the first `depth`. */
  readonly ranks: { readonly base: Uint32Array; readonly adapted: Uint32Array; readonly depth: number }
  /** Of a seeded sample of the queries; absent where the vectors belong to several adapters. */
  readonly scores?: { readonly base: SampledScores; readonly adapted: SampledScores }
  readonly wins: readonly DetailedChange[]
  readonly losses: readonly DetailedChange[]
}

/** The detail that the scored queries alone tell, such as those of several folds. */
export function rankDetail(
  { base, adapted, ids }: ScoredQueries,
  texts: ProofSubject['texts'],
  metric: string,
): ProofDetail {
  const count = DETAIL_LIMITS.changes
  const { wins, losses } = largestChanges(base, adapted, { queryIds: ids, texts, metric, count })
  return { ranks: { base: base.firstRank, adapted: adapted.firstRank, depth: base.depth }, wins, losses }
}

/**
 * The detail of a proof, with scores and documents.
 * @param subject what was measured
 * @throws ABORTED when `signal` was aborted
 */
export async function proofDetail(
  engine: Engine,
  { data, texts }: ProofSubject,
  adapter: Adapter,
  scored: ScoredQueries,
  { seed, metric, signal }: ProofOptions,
): Promise<ProofDetail> {
  const plain = rankDetail(scored, texts, metric)
  const { rows, ids } = scored
  const sampled = permutation(rows.length, createRandom(seed))
    .slice(0, DETAIL_LIMITS.scored)
    .sort()
    .map(i => rows[i])
  const changed = [...plain.wins, ...plain.losses].map(({ queryId }) => queryId)
  const rowOf = new Map(ids.map((id, i) => [id, rows[i]]))
  const changedRows = Uint32Array.from(changed, id => rowOf.get(id)!)
  const before = async (of: Uint32Array): Promise<Rows> => truncateRows(selectedRows(data.queries, of), data.docs.cols)
  const after = (of: Uint32Array): Promise<Rows> => applyAdapterOn(engine, adapter, selectedRows(data.queries, of))
  const positives = Array.from(sampled, i => data.positives[i])
  const scores = {
    base: await sampleScores(engine, await before(sampled), data, positives, { signal }),
    adapted: await sampleScores(engine, await after(sampled), data, positives, { signal }),
  }
  if (changed.length === 0) return { ...plain, scores }
  const find = async (queries: Rows) => {
    const top = await topKOn(engine, queries, data.docs, DETAIL_LIMITS.documents, tieRankOf(data.docIds), { signal })
    return (i: number): FoundDocument[] =>
      Array.from({ length: top.k }, (_, j) => {
        const document = top.rows[i * top.k + j]
        const relevant = data.positives[changedRows[i]].has(document)
        return { id: data.docIds[document], score: top.scores[i * top.k + j], relevant }
      })
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
