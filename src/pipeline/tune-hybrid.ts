import type { Adapter } from '../adapters/adapter.js'
import { searchWords } from '../adapters/terms.js'
import { type EmbeddedDataset, labelledRows, ownDocumentOf } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import type { Fusion, FusionName } from '../evaluate/fusion.js'
import { FUSION_NAMES, FUSIONS, fuse, HYBRID_WINDOW, retrieved } from '../evaluate/fusion.js'
import { parseMetric } from '../evaluate/metrics.js'
import { rankingFromRanks, rankOf } from '../evaluate/positive-ranks.js'
import { tieRankOf } from '../evaluate/top-k.js'
import type { ScoredRun } from '../evaluate/trec-run.js'
import { normalizedRows } from '../math/matrix.js'
import { gatherRows, type Rows, rowRange, toMatrix, truncateRows } from '../math/row-source.js'
import { bootstrapP } from '../math/statistics/bootstrap.js'
import { mean } from '../math/statistics/moments.js'
import { createBm25 } from '../terms/bm25.js'
import { analyze, createTokenizer } from '../terms/tokens.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import { RECIPE } from '../train/recipe.js'
import { postingsOf } from '../train/terms/corpus-terms.js'
import { assignFolds } from '../train/tune/folds.js'
import type { JudgedTexts } from './compare/plan-compare.js'

/** Scores of all documents for a query, by its row; 0 where none of its words is found. */
export type LexicalSearch = (query: number) => Float32Array

export interface TuneHybridOptions {
  readonly adapter?: Adapter
  /** Scores of your own engine. Default: BM25. */
  readonly run?: ScoredRun
  readonly metric: string
  readonly seed: number
  /** Documents that each search retrieves before they are fused. Default 100. */
  readonly window?: number
}

/** Folds in which a weight is chosen and measured. */
export const HYBRID_FOLDS = 5
/** Scores brought back from the engine at once. */
const MAX_SCORES = 4 * 1024 * 1024
/** Rank of a document that is not among the retrieved. */
const NOT_FOUND = 0xffffffff

/** Metrics of a tuned hybrid search. */
export type HybridReport = Awaited<ReturnType<typeof tuneHybrid>>

/** Tunes the weight of a hybrid search on labelled queries, for each way in which stores fuse, and measures it out of fold. */
export async function tuneHybrid(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  { adapter, run, metric, seed, window = HYBRID_WINDOW }: TuneHybridOptions,
) {
  const rows = labelledRows(data)
  if (rows.length < HYBRID_FOLDS) {
    throw new AdapterTrainError(
      'TRAIN_DATA',
      `a weight needs labels: expected at least ${HYBRID_FOLDS} queries with a relevant document, found ${rows.length}`,
    )
  }
  const lexical = run ? searchOfRun(data, run) : searchOfBm25(data)
  const queries = adapter
    ? await applyAdapterOn(engine, adapter, data.queries, data.queryTexts)
    : truncateRows(data.queries, data.docs.cols)
  // With as many dimensions of the documents as the adapter has outputs.
  const judged = { ...data, docs: truncateRows(data.docs, Math.min(queries.cols, data.docs.cols)) }
  const scores = await scoreFusions(engine, judged, queries, lexical, { metric, window, fusions: FUSION_NAMES })
  const folds = assignFolds(rows.length, HYBRID_FOLDS, seed)
  const tuned = FUSION_NAMES.map(fusion => {
    const { chosen, held } = chooseBest(scores.fused[fusion]!, folds)
    const delta = held.map((value, i) => value - scores.vectors[i])
    const p = bootstrapP(delta, { samples: RECIPE.gateSamples, seed })
    /** True if the gain is significant; the weight is 0 otherwise. */
    const passed = mean(delta) > 0 && p < RECIPE.gateP
    const weight: number = passed ? FUSIONS[fusion].weights[chosen] : 0
    /** Metric with that weight on the queries that chose it; `outOfFold`: with weights chosen without each query's fold. */
    const score = mean(scores.fused[fusion]![chosen])
    return { fusion, weight, score, outOfFold: mean(held), gain: mean(delta), p, passed }
  })
  return {
    metric,
    queries: rows.length,
    documents: data.docs.rows,
    window,
    lexical: run ? 'run' : 'bm25',
    /** Metric of vectors alone, of words alone, and of reciprocal rank fusion with equal weights. */
    vectors: mean(scores.vectors),
    words: mean(scores.words),
    rrf: mean(rankFusion(scores)),
    tuned,
  }
}

/** Queries and documents by row, without vectors. */
export type Judged = Omit<JudgedTexts, 'name'>

/** Metric of every labelled query, by vectors alone, by words alone, and per fusion and weight. */
type FusedScores = Awaited<ReturnType<typeof scoreFusions>>

/** The scores with equal weights for both rankings. */
export const rankFusion = ({ fused }: FusedScores): Float64Array => fused.ranks![FUSIONS.ranks.weights.indexOf(0.5)]

/**
 * Measures every labelled query with every weight of some fusions.
 * @param queries [queries, dimensions of the documents], of any length
 */
export async function scoreFusions(
  engine: Engine,
  data: Judged & Pick<EmbeddedDataset<Rows>, 'docs'>,
  queries: Rows,
  lexical: LexicalSearch,
  options: { readonly metric: string; readonly window: number; readonly fusions: readonly FusionName[] },
) {
  const { window, fusions } = options
  const { metric, k } = parseMetric(options.metric)
  const rows = labelledRows(data)
  const m = data.docs.rows
  const tieRank = tieRankOf(data.docIds)
  const ownDocument = ownDocumentOf(data)
  const scores = () => new Float64Array(rows.length)
  const [vectors, words] = [scores(), scores()]
  const fused: Partial<Record<FusionName, readonly Float64Array[]>> = Object.fromEntries(
    fusions.map(name => [name, FUSIONS[name].weights.map(scores)]),
  )
  const every = rowRange(0, m)

  const measure = (i: number, a: Float32Array, b: Float32Array): void => {
    const positives = data.positives[rows[i]]
    const own = ownDocument(rows[i])
    if (own !== undefined) [a[own], b[own]] = [Number.NEGATIVE_INFINITY, 0]
    const score = (of: Float32Array, ties: Uint32Array, places: Iterable<number>): number => {
      const ranks = Uint32Array.from(places, place => (place < 0 ? NOT_FOUND : rankOf(of, place, ties)))
      return metric.score(rankingFromRanks(ranks, positives, k), k)
    }
    vectors[i] = score(a, tieRank, positives.keys())
    words[i] = score(b, tieRank, positives.keys())
    const found = [retrieved(a, window), retrieved(b, window)]
    // A document that neither search has retrieved is not found, but with scores as they are.
    const few = Uint32Array.from(new Set(found.flat()))
    for (const name of fusions) {
      const fusion: Fusion = FUSIONS[name]
      const documents = fusion.added ? every : few
      const pick = (of: Float32Array) => Float32Array.from(documents, document => of[document])
      const [v, w] = [pick(fusion.prepare(a, found[0])), pick(fusion.prepare(b, found[1]))]
      const ties = Uint32Array.from(documents, document => tieRank[document])
      const places = Array.from(positives.keys(), document => documents.indexOf(document))
      for (const [s, weight] of fusion.weights.entries()) fused[name]![s][i] = score(fuse(fusion, v, w, weight), ties, places)
    }
  }

  const units = engine.upload(normalizedRows(toMatrix(data.docs)))
  try {
    const size = Math.max(1, Math.floor(MAX_SCORES / m))
    for (let start = 0; start < rows.length; start += size) {
      const block = rows.subarray(start, start + size)
      const [X, S] = [engine.upload(normalizedRows(gatherRows(queries, block))), engine.alloc(block.length, m)]
      try {
        engine.gemm(X, units, S, { transposeB: true })
        const product = await engine.read(S)
        for (const [i, query] of block.entries()) measure(start + i, product.subarray(i * m, (i + 1) * m), lexical(query))
      } finally {
        for (const t of [X, S]) engine.free(t)
      }
    }
  } finally {
    engine.free(units)
  }
  return { vectors, words, fused }
}

/**
 * Chooses a weight by all queries, and scores every query with the one that the other folds choose.
 * @param scores per weight, the metric of every query; of equal means the first is chosen
 */
export function chooseBest(scores: readonly Float64Array[], folds: Uint32Array) {
  const best = (fold?: number): number => {
    const means = scores.map(of => mean(of.filter((_, i) => folds[i] !== fold)))
    return means.indexOf(Math.max(...means))
  }
  const byFold = new Map(Array.from(new Set(folds), fold => [fold, best(fold)]))
  return { chosen: best(), held: Float64Array.from(folds, (fold, i) => scores[byFold.get(fold)!][i]) }
}

/** Prepares a search by words, BM25, over the documents of a dataset. */
export function searchOfBm25({ queryTexts, docTexts }: Pick<EmbeddedDataset<Rows>, 'queryTexts' | 'docTexts'>): LexicalSearch {
  if (!queryTexts || !docTexts) {
    throw new AdapterTrainError(
      'TRAIN_DATA',
      'a search by words needs the texts of queries and documents. Name them with --texts, or give a run of your own engine',
    )
  }
  const analysis = analyze(docTexts, queryTexts, process.versions.icu)
  const tokenize = createTokenizer(analysis)
  const search = createBm25(postingsOf(docTexts, analysis))
  return query => search.scores([...new Set(searchWords(tokenize(queryTexts[query] ?? '')))])
}

function searchOfRun({ queryIds, docIds }: EmbeddedDataset<Rows>, run: ScoredRun): LexicalSearch {
  const rowOf = new Map(docIds.map((id, row) => [id, row]))
  let least = 0
  for (const { scores } of run.values()) for (const score of scores) least = Math.min(least, score)
  // A score of 0 stands for a document that is not found, so those of log likelihoods or distances are all raised by as much.
  const raise = least < 0 ? 1 - least : 0
  return query => {
    const scores = new Float32Array(docIds.length)
    const found = run.get(queryIds[query])
    found?.documents.forEach((id, i) => {
      const at = rowOf.get(id)
      if (at !== undefined) scores[at] = found.scores[i] + raise
    })
    return scores
  }
}
