import { createHash } from 'node:crypto'
import type { QADataset } from '../dataset/dataset.js'
import { foldText } from '../dataset/text.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { getOrInsert } from '../maps.js'
import { row } from '../math/matrix.js'
import { blocksOf, type Rows, selectedRows } from '../math/row-source.js'
import { mean } from '../math/statistics/moments.js'
import { type CompareOptions, type Comparison, compareRankings } from './compare.js'
import type { Evaluation, Scores } from './evaluator.js'

/** Keys of the relevant documents of each query; equal keys are the same document, in any corpus. */
export type RelevantKeys = readonly (readonly string[])[]

/** Finds test queries with a relevant document that has training queries; the others need what no training query showed. */
export function seenQueries(train: RelevantKeys, test: RelevantKeys): boolean[] {
  const seen = new Set(train.flat())
  return test.map(keys => keys.some(key => seen.has(key)))
}

/** Makes keys by text, whatever the ids: texts equal when folded (case, white space) are one document. */
export function relevantTexts(dataset: QADataset, queryIds: Iterable<string> = dataset.queries.keys()): RelevantKeys {
  const known = new Map<string, string>()
  const keyOf = (id: string) => getOrInsert(known, id, () => hashOf(foldText(dataset.corpus.get(id) ?? id)))
  return Array.from(queryIds, queryId =>
    [...(dataset.qrels.get(queryId) ?? [])].filter(([, grade]) => grade > 0).map(([id]) => keyOf(id)),
  )
}

/** Makes keys by vector: documents with the same vector are one, as they are to any adapter. */
export function relevantVectors(data: EmbeddedDataset<Rows>, queryRows?: Iterable<number>): RelevantKeys {
  const rows = Array.from(queryRows ?? data.positives.keys())
  const asked = Uint32Array.from(new Set(rows.flatMap(i => [...data.positives[i].keys()]))).sort()
  const keys = new Map<number, string>()
  for (const { start, block } of blocksOf(selectedRows(data.docs, asked))) {
    for (let i = 0; i < block.rows; i++) keys.set(asked[start + i], hashOf(row(block, i)))
  }
  return rows.map(i => Array.from(data.positives[i].keys(), doc => keys.get(doc)!))
}

const hashOf = (data: string | Float32Array): string => createHash('sha256').update(data).digest('base64')

/** Comparison on some of the queries; figures are absent if there are none. */
export type PartComparison =
  | { readonly queries: 0 }
  | (Comparison & { readonly metrics: { readonly base: Scores; readonly adapted: Scores } })

export interface SeenComparison {
  /** Queries with a relevant document that has training queries. */
  readonly seen: PartComparison
  /** The other queries: the adapter's effect on unseen documents. */
  readonly unseen: PartComparison
}

/** Compares separately on seen and unseen documents; a part with all queries has the comparison `all`. */
export function compareSeen(
  base: Evaluation,
  adapted: Evaluation,
  seen: readonly boolean[],
  options: CompareOptions,
  all?: Comparison,
): SeenComparison {
  if (seen.length !== base.firstRank.length)
    throw new RangeError(`expected one value for each of ${base.firstRank.length} queries, found ${seen.length}`)
  const part = (wanted: boolean): PartComparison => {
    const keep = seen.flatMap((value, i) => (value === wanted ? [i] : []))
    if (keep.length === 0) return { queries: 0 }
    if (all && keep.length === seen.length) return { ...all, metrics: { base: base.mean, adapted: adapted.mean } }
    const [one, other] = [base, adapted].map(evaluation => selectQueries(evaluation, keep))
    return { ...compareRankings(one, other, options), metrics: { base: one.mean, adapted: other.mean } }
  }
  return { seen: part(true), unseen: part(false) }
}

/** Takes some of the queries of an evaluation. `queries`: places in the order of the evaluation, at least one. */
export function selectQueries(evaluation: Evaluation, queries: readonly number[]): Evaluation {
  const places = queries.map(i => ({ from: evaluation, i }))
  return gatherEvaluation(places, evaluation)
}

/** Makes an evaluation of scored queries, perhaps of several evaluations. */
export function gatherEvaluation(
  places: readonly { readonly from: Evaluation; readonly i: number }[],
  { perQuery: specs, depth }: Evaluation,
): Evaluation {
  const perQuery = Object.fromEntries(
    Object.keys(specs).map(spec => [spec, Float64Array.from(places, ({ from, i }) => from.perQuery[spec][i])]),
  )
  return {
    mean: Object.fromEntries(Object.entries(perQuery).map(([spec, values]) => [spec, mean(values)])),
    perQuery,
    firstRank: Uint32Array.from(places, ({ from, i }) => from.firstRank[i]),
    depth,
  }
}
