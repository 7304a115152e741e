import { orthogonalFactor } from '../../adapters/closed-forms/procrustes.js'
import type { Engine } from '../../engines/engine.js'
import { product } from '../../engines/product.js'
import { solvePositiveDefinite } from '../../math/cholesky.js'
import { dot, filled, type Matrix, matrix, row, takeRows } from '../../math/matrix.js'
import { transpose } from '../../math/product.js'
import { createRandom } from '../../math/random.js'

/** The same texts in two spaces: row i of `from` and of `to` are one text. */
export interface VectorPairs {
  readonly from: Matrix
  /** [n, k] vectors of the model of the index, of unit length. */
  readonly to: Matrix
}

/** y = W x + b. */
export type LinearMap = { readonly W: Matrix; readonly b: Matrix }

/** Centred pairs, and what is computed of them once. */
export type Centred = Awaited<ReturnType<typeof centre>>

/** Precision of products of float32 matrices. */
const PRECISION = 1e-7
/** Steps of the subspace iteration; the spectrum of embeddings falls fast. */
const SUBSPACE_STEPS = 4

/**
 * Centres pairs and multiplies what all fits need.
 * @param bias false keeps the means at 0: vectors of differing lengths have no common one
 */
export async function centre(engine: Engine, { from, to }: VectorPairs, bias: boolean) {
  const [meanX, meanY] = [from, to].map(m => (bias ? columnMeans(m) : new Float64Array(m.cols)))
  const [X, Y] = [without(from, meanX), without(to, meanY)]
  const dual = X.rows < X.cols
  // X^T X [d, d], or X X^T [n, n] where that is smaller.
  const S = await product(engine, X, X, dual ? { transposeB: true } : { transposeA: true })
  const C = await product(engine, Y, X, { transposeA: true }) // [k, d]
  return { X, Y, meanX, meanY, S, dual, C }
}

/**
 * Orthogonal Procrustes with a scale: W = s R, where R has orthonormal columns or rows, whichever are fewer.
 * @returns undefined if the pairs do not determine R
 * @see https://doi.org/10.1007/BF02289451 (Schönemann)
 */
export async function fitProcrustes(engine: Engine, data: Centred): Promise<LinearMap | undefined> {
  const R = await orthogonalFactor(engine, data.C)
  if (!R) return undefined
  const turned = await product(engine, data.X, R, { transposeB: true })
  const scale = dot(turned.data, data.Y.data) / dot(turned.data, turned.data)
  const W = filled(R.rows, R.cols, k => scale * R.data[k])
  return withBias(W, data)
}

/**
 * Ridge regression: W = Y^T X (X^T X + strength I)^-1, or the same by the smaller system Y^T (X X^T + strength I)^-1 X.
 * @returns undefined if the system has no unique solution
 */
export async function fitRidge(engine: Engine, data: Centred, strength: number): Promise<LinearMap | undefined> {
  const { X, Y, dual, C } = data
  const solved = solveRidge(data, dual ? transpose(Y) : C, strength)
  return solved && withBias(dual ? await product(engine, solved, X, {}) : solved, data)
}

/** The mean of the diagonal of X^T X. */
export function strengthUnit({ X, S }: Centred): number {
  let sum = 0
  for (let i = 0; i < S.rows; i++) sum += S.data[i * S.rows + i]
  return sum / X.cols
}

/** Maps `from` [m, d] by a ridge that is not formed, one system for all; undefined without a unique solution. */
export async function predictRidge(engine: Engine, data: Centred, from: Matrix, strength: number): Promise<Matrix | undefined> {
  const { X, Y, dual, C, meanX, meanY } = data
  const H = without(from, meanX)
  const solved = solveRidge(data, dual ? await product(engine, H, X, { transposeB: true }) : H, strength)
  if (!solved) return undefined
  const P = await product(engine, solved, dual ? Y : C, dual ? {} : { transposeB: true })
  const shift = meanY.map(y => -y)
  return without(P, shift)
}

/** Solves x (S + strength I) = b for every row b. */
function solveRidge({ S }: Centred, right: Matrix, strength: number): Matrix | undefined {
  const system = Float64Array.from(S.data)
  for (let i = 0; i < S.rows; i++) system[i * S.rows + i] += strength
  const solution = Float64Array.from(right.data)
  if (!solvePositiveDefinite(system, solution, PRECISION)) return undefined
  return matrix(right.rows, right.cols, Float32Array.from(solution))
}

/**
 * Reduced-rank regression: a linear map followed by the projection onto the space in which its results vary most.
 * @see https://doi.org/10.1016/0047-259X(75)90042-1 (Izenman)
 */
export async function fitLowRank(
  engine: Engine,
  data: Centred,
  { W }: LinearMap,
  rank: number,
  seed: number,
): Promise<LinearMap | undefined> {
  const P = await product(engine, data.X, W, { transposeB: true })
  const vary = async (V: Matrix) => product(engine, P, await product(engine, P, V, {}), { transposeA: true })
  const V = await topSpace(engine, vary, P.cols, rank, seed)
  if (!V) return undefined
  const inner = await product(engine, V, W, { transposeA: true })
  return withBias(await product(engine, V, inner, {}), data)
}

/**
 * Finds the space in which rows vary most, by subspace iteration.
 * @param multiply multiplies by the covariance [k, k] of the rows, or a multiple of it
 * @returns [k, rank] with orthonormal columns; undefined if the rows have fewer directions
 */
export async function topSpace(
  engine: Engine,
  multiply: (V: Matrix) => Promise<Matrix>,
  k: number,
  rank: number,
  seed: number,
  steps = SUBSPACE_STEPS,
): Promise<Matrix | undefined> {
  const random = createRandom(seed)
  let V: Matrix | undefined = filled(k, rank, () => random.normal())
  for (let step = 0; step < steps && V; step++) {
    V = await orthogonalFactor(engine, await multiply(V))
  }
  return V
}

export async function applyLinear(engine: Engine, { W, b }: LinearMap, from: Matrix): Promise<Matrix> {
  const out = await product(engine, from, W, { transposeB: true })
  for (let i = 0; i < out.rows; i++) for (let j = 0; j < out.cols; j++) out.data[i * out.cols + j] += b.data[j]
  return out
}

/** Selects texts. */
export function selectPairs({ from, to }: VectorPairs, rows: ArrayLike<number>): VectorPairs {
  return { from: takeRows(from, rows), to: takeRows(to, rows) }
}

function withBias(W: Matrix, { meanX, meanY }: Centred): LinearMap {
  return { W, b: filled(1, W.rows, i => meanY[i] - dot(row(W, i), meanX)) }
}

function columnMeans({ rows, cols, data }: Matrix): Float64Array {
  const means = new Float64Array(cols)
  for (let k = 0; k < data.length; k++) means[k % cols] += data[k] / rows
  return means
}

function without(m: Matrix, means: Float64Array): Matrix {
  const out = matrix(m.rows, m.cols, m.data.slice())
  for (let i = 0; i < out.rows; i++) for (let j = 0; j < out.cols; j++) out.data[i * out.cols + j] -= means[j]
  return out
}
