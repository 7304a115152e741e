import { throwIfAborted } from '../../abort.js'
import { adapterKind } from '../../adapters/index.js'
import type { Weights } from '../../adapters/kind.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { product } from '../../engines/product.js'
import { AdapterTrainError } from '../../errors.js'
import { getOrInsert } from '../../maps.js'
import { filled, type Matrix, norm, normalizedRows, row, takeRows } from '../../math/matrix.js'
import { createRandom, permutation } from '../../math/random.js'
import { isNormalized, rowRange } from '../../math/row-source.js'
import { mean, standardError } from '../../math/statistics/moments.js'
import { highest } from '../../terms/feedback.js'
import { adaptOn } from '../adapt-on.js'
import { trainAdapter } from '../train-adapter.js'
import {
  applyLinear,
  type Centred,
  centre,
  fitLowRank,
  fitProcrustes,
  fitRidge,
  type LinearMap,
  predictRidge,
  selectPairs,
  strengthUnit,
  type VectorPairs,
} from './linear-fits.js'

/** Map from one space into another, as an adapter holds it. */
export type BridgeMap = { readonly kind: 'linear' | 'residual-mlp'; readonly weights: Weights }

/** Family of maps with its settings. */
interface Fit {
  /** `contrastive` and `residual-mlp` are trained on top of the best closed form, whose settings they have. */
  readonly fit: 'procrustes' | 'ridge' | 'low-rank' | 'contrastive' | 'residual-mlp'
  /** Strength of the ridge, relative to the mean of the diagonal of X^T X. */
  readonly strength?: number
  readonly rank?: number
}

/** A fitted map, and how well it does on held-out texts without labels. */
export interface TriedFit extends Fit {
  /** Mean of 1 / rank of a text's own vector among all, for its mapped vector. */
  readonly own: number
  /** Share of the first 10 neighbours that mapped and native vector have in common. */
  readonly overlap: number
}

export interface FitBridgeOptions {
  readonly seed: number
  readonly signal?: AbortSignal
  readonly onTried?: (tried: TriedFit) => void
}

/** Share of the texts held out to choose between maps, and most of them. */
const HELD_OUT = { share: 0.2, most: 1000 } as const
/** Fewest texts that a map is fitted to. */
export const LEAST_TEXTS = 20
/** Neighbours compared between mapped and native vectors. */
export const NEIGHBOURS = 10
/** Strengths of the ridge, and where the climb along them begins. */
const [STRENGTHS, FIRST_STRENGTH] = [[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3], 3]
/** Cross-validation of the strength; for more dimensions than `many` one of the folds is computed. */
const FOLDS = { count: 5, many: 768, mostRows: 400 } as const
/** Ranks tried, as shares of the smaller number of dimensions. */
const RANK_SHARES = [1 / 2, 1 / 4]
/** Training on top of a closed form: every text's own vector among those of its batch. */
const TRAINED = { epochs: 20, batchSize: 128, scale: 20, weightDecay: 0, patience: 3 } as const
const [LINEAR_RATE, HIDDEN_RATE, HIDDEN_UNITS] = [3e-3, 1e-3, 256]
/** Dimensions of the index up to which a whole matrix is trained; for more a step takes too long. */
const MOST_TRAINED = 1024

/**
 * Fits maps of every family from one space to another and keeps the one that does best on held-out texts, without labels: the
 * mapped vector of a text must find the text's own vector among all, and have the neighbours that this has. A later family has to
 * win by more than a standard error. The chosen one is fitted again to all texts.
 * @param given row i of both is one text; lengths of `to` do not count
 * @see https://arxiv.org/abs/2509.23471 (Vejendla: Drift-Adapter)
 */
export async function fitBridge(engine: Engine, given: VectorPairs, options: FitBridgeOptions) {
  const { seed, signal, onTried } = options
  // The zero vector has no direction.
  const isUsable = (i: number) => [given.from, given.to].every(m => norm(row(m, i)) > 0)
  const usable = rowRange(0, given.from.rows).filter(isUsable)
  const n = usable.length
  const failed = (why: string) => new AdapterTrainError('TRAIN_DATA', `bridge: ${why}. Give more texts`)
  if (n < LEAST_TEXTS) throw failed(`expected at least ${LEAST_TEXTS} texts with both vectors, found ${n}`)
  const { from, to } = n === given.from.rows ? given : selectPairs(given, usable)
  const pairs = { from, to: normalizedRows(to) }
  // A bias suits vectors of one length only.
  const bias = isNormalized(from)
  const order = permutation(n, createRandom(seed))
  const count = Math.min(HELD_OUT.most, Math.max(1, Math.floor(HELD_OUT.share * n)))
  const [held, rest] = [order.slice(0, count), order.slice(count)]
  const heldFrom = takeRows(pairs.from, held)
  const judge = await createJudge(engine, pairs, held)
  const tried: TriedFit[] = []
  const judged = async (fit: Fit, mapped: Matrix): Promise<Judged & { readonly result: TriedFit }> => {
    const { own, overlap } = await judge(mapped)
    const result = { ...fit, own: mean(own), overlap: mean(overlap) }
    tried.push(result)
    onTried?.(result)
    throwIfAborted(signal, 'fitting was stopped')
    return { own, overlap, result }
  }

  const strength = await chooseStrength(engine, selectPairs(pairs, rest), bias, seed)
  const ranks = RANK_SHARES.map(share => Math.floor(share * Math.min(pairs.from.cols, pairs.to.cols)))
  const closed: Fit[] = [
    { fit: 'procrustes' },
    { fit: 'ridge', strength },
    ...ranks.filter(rank => rank > 1).map((rank): Fit => ({ fit: 'low-rank', strength, rank })),
  ]
  const data = await centre(engine, selectPairs(pairs, rest), bias)
  let start: (Awaited<ReturnType<typeof judged>> & { readonly map: LinearMap }) | undefined
  let ridge: LinearMap | undefined
  for (const fit of closed) {
    const map = await fitClosed(engine, data, fit, seed, ridge)
    if (fit.fit === 'ridge') ridge = map
    const found = map && { ...(await judged(fit, await applyLinear(engine, map, heldFrom))), map }
    if (found && (!start || isBetter(found, start))) start = found
  }
  const last = start && (await fitClosed(engine, await centre(engine, pairs, bias), start.result, seed))
  if (!start || !last) throw failed(`${n} texts do not determine a map`)

  let best: Awaited<ReturnType<typeof judged>> & { readonly trained?: Trained } = start
  for (const kind of ['linear', 'residual-mlp'] as const) {
    // Fewer texts than a batch has are learned by heart, and too few are held out to show it.
    if (rest.length < TRAINED.batchSize || (kind === 'linear' && pairs.to.cols > MOST_TRAINED)) continue
    const trained = await trainOnto(engine, kind, start.map, pairs, { train: rest, held }, options)
    const mapped = await adaptOn(engine, adapterKind(kind), trained.weights, heldFrom)
    const fit = kind === 'linear' ? 'contrastive' : kind
    const { own: _own, overlap: _overlap, ...setting } = start.result
    const found = { ...(await judged({ ...setting, fit }, mapped)), trained }
    if (isBetter(found, best)) best = found
  }
  const facts = { chosen: best.result, tried, heldOut: count, texts: n }
  if (!best.trained) return { kind: 'linear' as const, weights: { ...last }, ...facts }
  const { kind, epochs } = best.trained
  const { weights } = await trainOnto(engine, kind, last, pairs, { train: order, epochs }, options)
  return { kind, weights, ...facts }
}

async function fitClosed(
  engine: Engine,
  data: Centred,
  { fit, strength = 0, rank = 0 }: Fit,
  seed: number,
  known?: LinearMap,
): Promise<LinearMap | undefined> {
  if (fit === 'procrustes') return fitProcrustes(engine, data)
  const ridge = known ?? (await fitRidge(engine, data, strength * strengthUnit(data)))
  return ridge && fit === 'low-rank' ? fitLowRank(engine, data, ridge, rank, seed) : ridge
}

/** Chooses the strength of the ridge by cross-validation. */
async function chooseStrength(engine: Engine, pairs: VectorPairs, bias: boolean, seed: number): Promise<number> {
  const order = permutation(pairs.from.rows, createRandom(seed))
  const { count, many, mostRows } = FOLDS
  const folds: { readonly data: Centred; readonly held: Matrix; readonly judge: Judge }[] = []
  for (let fold = 0; fold < (pairs.from.cols > many ? 1 : count); fold++) {
    const inside = order.filter((_, i) => i % count === fold).slice(0, mostRows)
    const outside = order.filter((_, i) => i % count !== fold)
    folds.push({
      data: await centre(engine, selectPairs(pairs, outside), bias),
      held: takeRows(pairs.from, inside),
      judge: await createJudge(engine, pairs, inside),
    })
  }
  const known = new Map<number, Promise<number>>()
  const score = async (strength: number): Promise<number> => {
    let sum = 0
    for (const { data, held, judge } of folds) {
      const mapped = await predictRidge(engine, data, held, strength * strengthUnit(data))
      sum += mapped ? mean(scoresOf(await judge(mapped))) : Number.NEGATIVE_INFINITY
    }
    return sum
  }
  const scoreOf = (i: number): Promise<number> => getOrInsert(known, i, () => score(STRENGTHS[i]))
  let best = FIRST_STRENGTH
  for (const step of [1, -1]) {
    while (STRENGTHS[best + step] && (await scoreOf(best + step)) > (await scoreOf(best))) best += step
  }
  return STRENGTHS[best]
}

type Judge = (mapped: Matrix) => Promise<Judged>

/** Per held-out text. */
type Judged = { readonly own: Float64Array; readonly overlap: Float64Array }

const scoresOf = ({ own, overlap }: Judged): Float64Array => own.map((x, i) => (x + overlap[i]) / 2)

function isBetter(one: Judged, than: Judged): boolean {
  const others = scoresOf(than)
  const difference = scoresOf(one).map((x, i) => x - others[i])
  return mean(difference) > standardError(difference)
}

/** Makes a function that compares mapped vectors of the held-out texts with the texts' own, among all. */
async function createJudge(engine: Engine, { to }: VectorPairs, held: Uint32Array): Promise<Judge> {
  const native = neighboursOf(await product(engine, takeRows(to, held), to, { transposeB: true }), held)
  return async (mapped: Matrix): Promise<Judged> => {
    const scores = await product(engine, mapped, to, { transposeB: true })
    const found = neighboursOf(scores, held)
    const own = Float64Array.from(held, (text, i) => {
      const of = row(scores, i)
      let rank = 1
      for (let j = 0; j < of.length; j++) if (of[j] > of[text]) rank++
      return 1 / rank
    })
    return { own, overlap: Float64Array.from(found, (list, i) => shared(list, native[i])) }
  }
}

/** The first columns of every row, without the one of the row itself. */
function neighboursOf(scores: Matrix, self: ArrayLike<number>): number[][] {
  return Array.from({ length: scores.rows }, (_, i) => {
    const others = row(scores, i).slice()
    others[self[i]] = Number.NEGATIVE_INFINITY
    return highest(others, NEIGHBOURS, Number.NEGATIVE_INFINITY)
  })
}

/** Share of the first list that is in the second too. */
export function shared(a: readonly number[], b: readonly number[]): number {
  return a.length === 0 ? 0 : a.filter(x => b.includes(x)).length / a.length
}

/** A map, and after how many epochs its weights were kept. */
type Trained = BridgeMap & { readonly epochs: number }

/** Trains an adapter of the index's space onto a linear map and folds it in; without `held` for all `epochs`. */
async function trainOnto(
  engine: Engine,
  kind: BridgeMap['kind'],
  map: LinearMap,
  pairs: VectorPairs,
  rows: { readonly train: Uint32Array; readonly held?: Uint32Array; readonly epochs?: number },
  { seed, signal }: FitBridgeOptions,
): Promise<Trained> {
  const mapped = await applyLinear(engine, map, pairs.from)
  const dataset = (texts: Uint32Array): EmbeddedDataset => ({
    baseId: '',
    queryIds: Array.from(texts, String),
    docIds: Array.from({ length: pairs.to.rows }, (_, i) => String(i)),
    queries: takeRows(mapped, texts),
    docs: pairs.to,
    positives: Array.from(texts, text => new Map([[text, 1]])),
    docTextGroup: rowRange(0, pairs.to.rows),
  })
  const hidden = kind === 'residual-mlp'
  const trained = await trainAdapter(
    { train: dataset(rows.train), validation: rows.held && dataset(rows.held) },
    {
      ...TRAINED,
      kind,
      metric: 'mrr@10',
      negatives: 'in-batch',
      seed,
      engine,
      signal,
      learningRate: hidden ? HIDDEN_RATE : LINEAR_RATE,
      ...(hidden && { size: Math.min(HIDDEN_UNITS, mapped.cols) }),
      ...(rows.epochs !== undefined && { epochs: Math.max(1, rows.epochs), keep: 'last' as const }),
    },
  )
  const linear: BridgeMap = { kind: 'linear', weights: { ...map } }
  const { W1, b1, W2, b2 } = trained.weights
  if (!hidden) return { ...(await compose(engine, linear, trained.weights)), epochs: trained.bestEpoch }
  const { weights } = await compose(engine, linear, { W: W1, b: b1 })
  const whole = { W: map.W, W1: weights.W, b1: weights.b, W2, b2: sum(map.b, b2) }
  return { kind, weights: whole, epochs: trained.bestEpoch }
}

/** Folds a map and a linear one after it, y = W f(q) + b, into one. */
export async function compose(engine: Engine, { kind, weights }: BridgeMap, { W, b }: Weights): Promise<BridgeMap> {
  const bias = async (given: Matrix) => sum(await product(engine, given, W, { transposeB: true }), b)
  const straight = await product(engine, W, weights.W, {})
  if (kind === 'linear') return { kind, weights: { W: straight, b: await bias(weights.b) } }
  const { W1, b1, W2, b2 } = weights
  return { kind, weights: { W: straight, W1, b1, W2: await product(engine, W, W2, {}), b2: await bias(b2) } }
}

function sum(a: Matrix, b: Matrix): Matrix {
  return filled(a.rows, a.cols, k => a.data[k] + b.data[k])
}
