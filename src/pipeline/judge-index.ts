import { throwIfAborted } from '../abort.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { createEvaluator, type Scores } from '../evaluate/evaluator.js'
import { parseMetric } from '../evaluate/metrics.js'
import { evaluateRun, judgementsOf } from '../evaluate/trec-run.js'
import type { Effort, IndexMetric, SearchOptions, VectorIndex } from '../indexes/vector-index.js'
import { checkEffort, effortText, settingsOf } from '../indexes/vector-index.js'
import { dot, norm, row } from '../math/matrix.js'
import { gatherRows, type Rows } from '../math/row-source.js'
import { mean } from '../math/statistics/moments.js'
import type { ProofOptions } from './proof.js'

/** Rank of the recall of an approximate search, queries on which efforts are tried, and the recall at which trying ends. */
export const INDEX_TRIAL = { k: 10, queries: 100, enough: 0.999 } as const
/** Cosine by which a document may be farther than the k-th and count as equal to it. */
const TIE = 1e-5

/** A figure of the base, and of the adapter if there is one. */
export interface BothFigures {
  readonly base: number
  readonly adapted?: number
}

/** What users of an index get: its own search beside the exact one. */
export interface IndexReport {
  readonly id: string
  readonly metric: IndexMetric
  /** Kind of the approximate search, such as `hnsw`; absent if every search is exact. */
  readonly kind?: string
  /** Effort of the search that was measured; absent if it is not known. */
  readonly effort?: Effort
  /** Share of the exact `k` nearest documents that the index's own search for `k` finds, on some of the queries. */
  readonly recall: BothFigures & { readonly k: number; readonly queries: number }
  /** Searches that found fewer documents than asked for, as a filter can make them. */
  readonly short: BothFigures
  /** Recall on the same queries by effort, ascending. */
  readonly curve: readonly (BothFigures & { readonly effort: string })[]
  /** The least effort tried at which the adapter has the recall that the base has without it; absent if it has lost none. */
  readonly restored?: string
  /** One sentence on what to set; absent if there is nothing to do. */
  readonly advice?: string
}

/** Runs the index's own search beside the exact one, and looks for the effort that wins back what adapted queries lose. */
export async function judgeIndex(
  engine: Engine,
  index: VectorIndex,
  data: EmbeddedDataset<Rows>,
  queries: { readonly base: Rows; readonly adapted?: Rows },
  options: Pick<SearchOptions, 'filter' | 'effort'> & Pick<ProofOptions, 'signal'> & { metrics: readonly string[] },
): Promise<{ readonly metrics: { readonly base: Scores; readonly adapted?: Scores }; readonly report: IndexReport }> {
  const { filter, effort = {}, metrics: specs, signal } = options
  const { ann, id, metric } = index
  checkEffort(id, effort, settingsOf(ann))
  const { k } = INDEX_TRIAL
  const depth = Math.max(k, ...specs.map(spec => parseMetric(spec).k))
  const evaluator = createEvaluator(data, specs)
  const { queryIds, queryRows } = evaluator
  const rowOf = new Map(data.docIds.map((id, i) => [id, i]))
  const judgements = judgementsOf(data, queryRows)
  const every = Math.max(1, Math.ceil(queryIds.length / INDEX_TRIAL.queries))
  const sample = Array.from(queryIds.keys()).filter(i => i % every === 0)

  async function sideOf(rows: Rows) {
    const vectors = gatherRows(rows, queryRows)
    const exact = await evaluator.rankOn(engine, rows, Math.min(k, data.docs.rows), { signal })
    async function search(places: readonly number[], most: number, effort: Effort) {
      const run = new Map<string, readonly string[]>()
      const recalls: number[] = []
      let short = 0
      for (const i of places) {
        throwIfAborted(signal, 'the search through the index was stopped')
        const own = data.selfMatches?.has(queryIds[i]) ? queryIds[i] : undefined
        const wanted = Math.min(most, data.docs.rows)
        const found = await index.search(row(vectors, i), wanted + (own === undefined ? 0 : 1), { filter, effort })
        const ids = found.filter(id => id !== own).slice(0, wanted)
        // Deeper metrics may ask for more than an effort finds.
        if (found.length < Math.min(k, data.docs.rows)) short++
        run.set(queryIds[i], ids)
        const [from, to] = [i * exact.k, (i + 1) * exact.k]
        const nearest = new Set(exact.rows.subarray(from, to))
        const rows = ids.slice(0, exact.k).flatMap(id => rowOf.get(id) ?? [])
        const others = rows.filter(doc => !nearest.has(doc))
        const tied = cosines(row(vectors, i), data.docs, others).filter(score => score >= exact.scores[to - 1] - TIE)
        recalls.push((rows.length - others.length + tied.length) / exact.k)
      }
      return { run, recall: mean(recalls), short }
    }
    const all = await search(Array.from(queryIds.keys()), depth, effort)
    const scores = evaluateRun(all.run, judgements, specs).mean
    return { scores, ...all, recallAt: async (at: Effort) => (await search(sample, k, at)).recall }
  }

  const base = await sideOf(queries.base)
  const adapted = queries.adapted && (await sideOf(queries.adapted))
  const both = async (at: Effort) => ({ base: await base.recallAt(at), ...(adapted && { adapted: await adapted.recallAt(at) }) })
  const curve: (BothFigures & { effort: string })[] = []
  const now = await both(effort)
  let restored: string | undefined
  for (const at of ann?.ladder ?? []) {
    if (filter === undefined && ann?.filterSetting !== undefined && ann.filterSetting in at) continue
    const found = await both(at)
    curve.push({ effort: effortText(at), ...found })
    if ((found.adapted ?? found.base) >= now.base && restored === undefined) restored = effortText(at)
    if (Math.min(found.base, found.adapted ?? 1) >= INDEX_TRIAL.enough) break
  }
  const lost = now.adapted !== undefined && now.adapted < now.base
  const short = { base: base.short, ...(adapted && { adapted: adapted.short }) }
  const advice = adviceOf(index, { lost, restored, short: Math.max(base.short, adapted?.short ?? 0), filter })
  const used = Object.keys(effort).length > 0 ? effort : ann?.effort
  return {
    metrics: { base: base.scores, ...(adapted && { adapted: adapted.scores }) },
    report: {
      id,
      metric,
      ...(ann && { kind: ann.kind }),
      ...(used && { effort: used }),
      recall: { k: Math.min(k, data.docs.rows), queries: sample.length, ...now },
      short,
      curve,
      ...(lost && restored !== undefined && { restored }),
      ...(advice !== undefined && { advice }),
    },
  }
}

function adviceOf(
  { ann }: VectorIndex,
  found: { readonly lost: boolean; readonly restored?: string; readonly short: number; readonly filter?: string },
): string | undefined {
  if (found.short > 0 && ann) {
    const why = found.filter === undefined ? '' : ': the filter leaves the graph too few rows'
    return `${found.short} searches found fewer than ${INDEX_TRIAL.k} documents${why}; raise the effort${ann.remedy ? `, or ${ann.remedy}` : ''}`
  }
  if (!found.lost || !ann) return undefined
  if (found.restored !== undefined) return `${found.restored} gives adapted queries the recall that the base has now`
  if (ann.ladder.length > 0) return 'no effort tried gives adapted queries the recall that the base has now'
  return `adapted queries lose recall; the ${ann.kind} effort of this index is set in its configuration (ef_search), not by a search`
}

function cosines(query: Float32Array, docs: Rows, rows: readonly number[]): number[] {
  if (rows.length === 0) return []
  const found = gatherRows(docs, rows)
  const length = norm(query)
  return rows.map((_, i) => dot(query, row(found, i)) / (length * norm(row(found, i)) || 1))
}
