import type { Engine } from '../engines/engine.js'
import type { Difference } from '../evaluate/compare.js'
import { FUSIONS, HYBRID_WINDOW } from '../evaluate/fusion.js'
import type { Rows } from '../math/row-source.js'
import { pairedBootstraps } from '../math/statistics/bootstrap.js'
import { mean, SIGNIFICANCE } from '../math/statistics/moments.js'
import { randomizationTest, randomizationTests } from '../math/statistics/randomization-test.js'
import { hasTexts } from '../train/terms/choose-terms.js'
import { assignFolds } from '../train/tune/folds.js'
import { chooseBest, HYBRID_FOLDS, type Judged, rankFusion, scoreFusions, searchOfBm25 } from './tune-hybrid.js'

/** Queries times documents up to which hybrid search is measured beside a proof. */
export const HYBRID_CELLS = 3e7

/** One search by vectors: alone, and fused with BM25. */
export interface HybridRow {
  readonly name: string
  /** Mean of the metric: vectors alone, reciprocal rank fusion, and relative scores with a weight chosen without each query's fold. */
  readonly vectors: number
  readonly rrf: number
  readonly tuned: number
  /** Weight of BM25 that all queries choose. */
  readonly weight: number
  /** Over the same vectors alone. */
  readonly difference: { readonly rrf: Difference; readonly tuned: Difference }
}

/** What a search by words adds to searches by vectors. */
export interface HybridComparison {
  readonly metric: string
  readonly queries: number
  readonly documents: number
  /** Mean of the metric with BM25 alone. */
  readonly bm25: number
  readonly rows: readonly HybridRow[]
  /** One sentence: the simplest search that is not significantly worse than the best one. */
  readonly pays: string
}

/** Prepares to measure what BM25 adds; nothing without texts, or with fewer labelled queries than folds. */
export function measureHybrids(
  engine: Engine,
  data: Judged,
  { metric, seed }: { readonly metric: string; readonly seed: number },
) {
  const queries = data.positives.filter(({ size }) => size > 0).length
  const documents = data.docIds.length
  if (!hasTexts(data) || queries < HYBRID_FOLDS) return undefined
  if (queries * documents > HYBRID_CELLS) {
    const why = `not measured on ${queries} queries and ${documents} documents, which takes long; adapter-train hybrid does`
    return { add: async () => {}, finish: () => why }
  }
  const lexical = searchOfBm25(data)
  const folds = assignFolds(queries, HYBRID_FOLDS, seed)
  const rows: HybridRow[] = []
  const alone: Search[] = []
  const hybrids: Search[] = []
  let bm25: Float64Array
  return {
    /**
     * Measures a search by vectors alone, by reciprocal rank fusion and as a tuned hybrid; the simplest comes first.
     * @param queries [queries, d]
     * @param docs [documents, d]
     */
    async add(name: string, queries: Rows, docs: Rows): Promise<void> {
      const scores = await scoreFusions(engine, { ...data, docs }, queries, lexical, {
        metric,
        window: HYBRID_WINDOW,
        fusions: ['ranks', 'relative'] as const,
      })
      const { chosen, held } = chooseBest(scores.fused.relative!, folds)
      const deltas = [rankFusion(scores), held].map(of => of.map((value, i) => value - scores.vectors[i]))
      const p = randomizationTests(deltas, { seed })
      const [rrf, tuned] = pairedBootstraps(deltas, { seed }).map((interval, i) => ({ ...interval, p: p[i] }))
      rows.push({
        name,
        vectors: mean(scores.vectors),
        rrf: mean(rankFusion(scores)),
        tuned: mean(held),
        weight: FUSIONS.relative.weights[chosen],
        difference: { rrf, tuned },
      })
      alone.push({ name: `${name} alone`, scores: scores.vectors })
      hybrids.push({ name: `a tuned hybrid with ${name}`, scores: held })
      bm25 = scores.words
    },
    /** A sentence if there is too much to measure in passing. */
    finish(): HybridComparison | string {
      const searches = [...alone, { name: 'BM25 alone', scores: bm25 }, ...hybrids]
      return { metric, queries, documents, bm25: mean(bm25), rows, pays: whatPays(searches, metric, seed) }
    },
  }
}

type Search = { readonly name: string; readonly scores: Float64Array }

/** Names the first search that is not significantly worse than the best. */
function whatPays(searches: readonly Search[], metric: string, seed: number): string {
  const best = searches.reduce((a, b) => (mean(b.scores) > mean(a.scores) ? b : a))
  const asGood = ({ scores }: Search): boolean => {
    const behind = scores.map((value, i) => best.scores[i] - value)
    return randomizationTest(behind, { seed }) >= SIGNIFICANCE
  }
  const pays = searches.find(search => search === best || asGood(search))!
  const of = ({ name, scores }: Search): string => `${name} (${metric} ${mean(scores).toFixed(4)})`
  return pays === best ? of(best) : `${of(pays)}; ${of(best)} is not significantly better`
}
