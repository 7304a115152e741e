import type { Adapter } from '../adapters/adapter.js'
import { trainedKind } from '../adapters/index.js'
import type { Weights } from '../adapters/kind.js'
import type { Engine } from '../engines/engine.js'
import { type AdapterTrainError, usageError } from '../errors.js'
import { createEvaluator } from '../evaluate/evaluator.js'
import { norm, row } from '../math/matrix.js'
import { gatherRows, isNormalized, type Rows, truncateRows } from '../math/row-source.js'
import { quantile } from '../math/statistics/moments.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import type { EmbeddedParts } from './embedded-parts.js'
import type { Judgement, ScoreQuantiles, TopScore, TrainingRun } from './training.js'

/** Change of the median best score from which it is reported, as a share for vectors longer than 1. */
export const TOP_SCORE_MOVE = 0.05
/** Kinds whose parameters times s give s q'. */
const SCALABLE = ['linear', 'diagonal']

/** Returns the options of a run without text terms if it keeps the best score, as these give queries of unit length. */
export function keepingTopScore(run: TrainingRun): TrainingRun {
  const { keepTopScore, textTerms = 'off', train: { kind = TRAIN_DEFAULTS.kind } = {} } = run
  if (!keepTopScore) return run
  const wrong = (expected: string): AdapterTrainError => usageError(`keep the top score (--keep-top-score): expected ${expected}`)
  if (!SCALABLE.includes(trainedKind(kind).name)) throw wrong(`the kind linear, diagonal, ridge or procrustes, found ${kind}`)
  if (textTerms === 'words' || textTerms === 'feedback')
    throw wrong(`no text terms, which give queries of unit length, found ${textTerms}. Leave one of the two out`)
  return { ...run, textTerms: 'off' }
}

/**
 * Measures the best score of the held-out queries by the trained adapter, and scales q' if the median inner product is to be kept;
 * with neither a test nor a validation set, on the training queries.
 */
export async function withTopScore(
  engine: Engine,
  embedded: EmbeddedParts,
  judged: Judgement,
  { keepTopScore = false, signal }: TrainingRun,
): Promise<Judgement> {
  const adapter = judged.rejected ?? judged.adapter
  const data = embedded.test ?? embedded.validation ?? (keepTopScore ? embedded.train : undefined)
  if (!data) return judged
  const known = adapter === judged.adapter ? judged.proof?.scored : undefined
  const evaluator = createEvaluator(data)
  const areUnits = isNormalized(data.docs)
  const best = async (queries: Rows, known?: Float32Array) => {
    const top = async (dot: boolean) => (await evaluator.rankOn(engine, queries, 1, { dot, signal })).scores
    const cosine = known ?? (await top(false))
    if (adapter.terms) return { cosine }
    if (!areUnits) return { cosine, dot: await top(true) }
    const scored = gatherRows(queries, evaluator.queryRows)
    return { cosine, dot: cosine.map((value, i) => value * norm(row(scored, i))) }
  }
  const base = await best(truncateRows(data.queries, data.docs.cols), known?.base.topScore)
  const queries = await applyAdapterOn(engine, adapter, data.queries, data.queryTexts)
  const adapted = await best(queries, known?.adapted.topScore)
  const [before, after] = [base.dot, adapted.dot].map(scores => scores && quantile(scores.slice().sort(), 0.5))
  const found = keepTopScore && before && after ? before / after : 1
  const isUsable = found > 0 && Number.isFinite(found)
  const scale = isUsable ? found : 1
  const topScore: TopScore = {
    base: quantiles(base.cosine),
    adapted: quantiles(adapted.cosine),
    ...(base.dot && adapted.dot && { dot: { base: quantiles(base.dot), adapted: quantiles(adapted.dot, scale) } }),
    ...(keepTopScore && { scale }),
  }
  const trained = scale === 1 ? adapter : { ...adapter, params: scaled(adapter.params, scale) }
  const warning = "the best inner product of the median query is not above 0: --keep-top-score leaves q' as it is"
  return {
    ...judged,
    topScore,
    adapter: adapter === judged.adapter ? trained : judged.adapter,
    rejected: judged.rejected && trained,
    warnings: isUsable ? judged.warnings : [...judged.warnings, warning],
  }
}

function scaled(params: Weights, scale: number): Weights {
  const entries = Object.entries(params)
  return Object.fromEntries(entries.map(([name, m]) => [name, { ...m, data: m.data.map(x => scale * x) }]))
}

function quantiles(scores: Float32Array, scale = 1): ScoreQuantiles {
  const sorted = scores.slice().sort()
  const at = (q: number): number => Math.round(1e4 * scale * quantile(sorted, q)) / 1e4
  return { p10: at(0.1), p50: at(0.5), p90: at(0.9) }
}

/** Says how the typical best score moves, if it moves by more than {@link TOP_SCORE_MOVE}. */
export function topScoreText({ training }: Adapter): string | undefined {
  const { base, adapted, dot, scale } = (training.topScore ?? {}) as Partial<TopScore>
  const kept = scale === undefined ? '' : `, with queries scaled by ${scale.toPrecision(3)} to keep the inner product`
  const moves = [
    ['cosine', { base, adapted }],
    ['inner product', dot],
  ] as const
  const moved = moves.flatMap(([name, pair]) => {
    const [before, after] = [pair?.base?.p50, pair?.adapted?.p50]
    if (typeof before !== 'number' || typeof after !== 'number') return []
    const isMoved = Math.abs(after - before) > TOP_SCORE_MOVE * Math.max(1, Math.abs(before))
    return isMoved ? [`${name} moves from ${before.toFixed(2)} to ${after.toFixed(2)}`] : []
  })
  if (moved.length === 0) return undefined
  return `the typical best ${moved.join(', the ')}${kept}: move thresholds on scores too (docs/production.md)`
}
