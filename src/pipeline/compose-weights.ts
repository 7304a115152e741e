import { trainedKind } from '../adapters/index.js'
import type { Weights } from '../adapters/kind.js'
import { type EmbeddedDataset, labelledRows } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { product } from '../engines/product.js'
import { parseMetric } from '../evaluate/metrics.js'
import { scoreRanking } from '../evaluate/positive-ranks.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { filled, type Matrix, matrix, row } from '../math/matrix.js'
import { createRandom, permutation } from '../math/random.js'
import { gatherRows, mapRows, type Rows } from '../math/row-source.js'
import { gate } from '../train/gate.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { RECIPE } from '../train/recipe.js'
import { assignFolds } from '../train/tune/folds.js'
import { TUNE_DEFAULT } from './defaults.js'
import { type EmbeddedParts, mapSets } from './embedded-parts.js'
import { MEMORY_KIND } from './memory-step.js'
import type { TrainingRun, WeightsReport } from './training.js'
import { chooseBest } from './tune-hybrid.js'

/** Most queries and documents that the weights are fitted on. */
const MOST = { queries: 1000, documents: 20_000 } as const
/** Steps of the grid of weights that sum to 1, by the number of parts. */
const STEPS: Readonly<Record<number, number>> = { 2: 10, 3: 6 }
const FEWEST_STEPS = 4

/**
 * Fits the weight of each part on the query side: the score of a document is the weighted sum of the parts' cosines. A grid, chosen
 * out of fold; the gate compares with equal weights.
 * @param blocks dimensions of each part
 * @returns weights of mean square 1, and the verdict on the out-of-fold gain over equal weights
 */
export async function fitPartWeights(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  blocks: readonly number[],
  options: { readonly metric: string; readonly seed: number; readonly minGain?: number; readonly gated: boolean },
): Promise<Pick<WeightsReport, 'weights' | 'gate'>> {
  const { seed, gated } = options
  const random = createRandom(seed)
  const labelled = labelledRows(data)
  const rows = permutation(labelled.length, random)
    .slice(0, MOST.queries)
    .map(i => labelled[i])
  const wanted = new Set(Array.from(rows).flatMap(query => [...data.positives[query].keys()]))
  for (const document of permutation(data.docs.rows, random)) {
    if (wanted.size >= Math.min(MOST.documents, data.docs.rows)) break
    wanted.add(document)
  }
  const documents = [...wanted].sort((a, b) => a - b)
  const at = new Map(documents.map((document, i) => [document, i]))
  const [Q, D] = [gatherRows(data.queries, rows), gatherRows(data.docs, documents)]
  const cosines: Matrix[] = []
  let start = 0
  for (const length of blocks) {
    cosines.push(await product(engine, columns(Q, start, length), columns(D, start, length), { transposeB: true }))
    start += length
  }
  const tieRank = tieRankOf(documents.map(document => data.docIds[document]))
  const spec = parseMetric(options.metric)
  const placed = (query: number) => new Map([...data.positives[query]].map(([doc, grade]) => [at.get(doc)!, grade]))
  const positives = Array.from(rows, placed)
  const scoresOf = (weights: readonly number[]): Float64Array =>
    Float64Array.from(positives, (judged, i) => {
      const scores = new Float32Array(documents.length)
      weights.forEach((weight, part) => {
        const of = row(cosines[part], i)
        for (let j = 0; j < scores.length; j++) scores[j] += weight * of[j]
      })
      return scoreRanking(scores, judged, tieRank, spec)
    })
  const equal = blocks.map(() => 1 / blocks.length)
  const grid = simplex(blocks.length, STEPS[blocks.length] ?? FEWEST_STEPS)
  const tried = [equal, ...grid].map(weights => ({ weights, scores: scoresOf(weights) }))
  const folds = assignFolds(rows.length, Math.min(RECIPE.folds(rows.length), rows.length), seed)
  const found = tried.map(({ scores }) => scores)
  const { chosen, held: adapted } = chooseBest(found, folds)
  const verdict = gate({ base: tried[0].scores, adapted }, undefined, { ...options, enabled: gated })
  const { weights } = tried[verdict.kept ? chosen : 0]
  const scale = Math.sqrt(blocks.length / weights.reduce((sum, weight) => sum + weight ** 2, 0))
  return { weights: weights.map(weight => weight * scale), gate: verdict }
}

/** Scales the parts of every row. */
export function scaleParts(from: Rows, blocks: readonly number[], weights: readonly number[]): Rows {
  const factors = factorsOf(blocks, weights)
  return mapRows(from, from.cols, row => row.map((x, i) => x * factors[i]))
}

/** Folds the weights of the parts into the W of a map that was trained on weighted queries. */
export function foldWeights(params: Weights, blocks: readonly number[], weights: readonly number[]): Weights {
  const { W } = params
  const factors = factorsOf(blocks, weights)
  return { ...params, W: filled(W.rows, W.cols, k => W.data[k] * factors[k % W.cols]) }
}

function factorsOf(blocks: readonly number[], weights: readonly number[]): number[] {
  return blocks.flatMap((length, part) => Array<number>(length).fill(weights[part]))
}

function columns(m: Matrix, start: number, length: number): Matrix {
  const out = matrix(m.rows, length)
  for (let i = 0; i < m.rows; i++) row(out, i).set(row(m, i).subarray(start, start + length))
  return out
}

/** Lists all weights that are multiples of 1 / steps and sum to 1. */
function simplex(parts: number, steps: number, left = steps): number[][] {
  if (parts === 1) return [[left / steps]]
  return Array.from({ length: left + 1 }, (_, i) => i).flatMap(i =>
    simplex(parts - 1, steps, left - i).map(rest => [i / steps, ...rest]),
  )
}

/**
 * Fits the weights of the parts of a composed model, for a linear map whose options are not chosen yet: the search and training see
 * weighted queries, and the weights are folded into its W, so that all figures are of the plain concatenation.
 */
export async function weighParts(engine: Engine, embedded: EmbeddedParts, run: TrainingRun) {
  const { kind = TRAIN_DEFAULTS.kind, seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = run.train ?? {}
  const { blocks, train } = embedded
  if (!blocks || run.choice || kind === MEMORY_KIND || trainedKind(kind).name !== 'linear') return undefined
  const gated = run.gate ?? (run.tune ?? TUNE_DEFAULT) === 'auto'
  const found = await fitPartWeights(engine, train, blocks, { metric, seed, minGain: run.minGain, gated })
  const report: WeightsReport = { ...found, used: found.gate.kept }
  if (!report.used) return { report, searched: embedded, fold: (params: Weights) => params }
  const weighted = (data: EmbeddedDataset<Rows>) => ({ ...data, queries: scaleParts(data.queries, blocks, found.weights) })
  return {
    report,
    /** The parts to search and train on. */
    searched: { ...embedded, ...mapSets(embedded, weighted) },
    fold: (params: Weights) => foldWeights(params, blocks, found.weights),
  }
}

/** Weights of parts that were fitted, and proven if they are used. */
export type PartWeights = NonNullable<Awaited<ReturnType<typeof weighParts>>>
