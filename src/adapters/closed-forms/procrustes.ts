import type { Engine } from '../../engines/engine.js'
import { product } from '../../engines/product.js'
import { AdapterTrainError } from '../../errors.js'
import { identity, type Matrix, matrix } from '../../math/matrix.js'
import { transpose } from '../../math/product.js'
import type { ClosedForm } from './closed-form.js'

/**
 * W = argmin over orthogonal W of sum over i of |W q_i - t_i|^2 + pull |W - I|^2: the rotation (with or without a
 * reflection) that brings queries closest to their targets.
 *
 * As |W q| = |q|, it is the W that maximises tr(W^T (T^T Q + pull I)): that matrix' orthogonal factor.
 * @see https://doi.org/10.1007/BF02289451 (Schönemann)
 */
export const procrustes: ClosedForm = {
  name: 'procrustes',
  description: 'a linear adapter that only rotates, by least squares to the mean of the positives; takes seconds',
  defaultPull: 10,
  async fit(engine, Q, T, pull) {
    const { rows: n, cols: d } = Q
    const M = await product(engine, T, Q, { transposeA: true })
    for (let i = 0; i < d; i++) M.data[i * d + i] += pull
    const W = await orthogonalFactor(engine, M)
    if (W) return W
    const problem = `${n} queries of ${d} dimensions with a pull of ${pull} do not determine a rotation`
    throw new AdapterTrainError('TRAIN_DATA', `${problem}; give a larger --pull`)
  },
}

/** Steps after which a matrix counts as singular; each lets the smallest singular value grow by half or more. */
const MOST_STEPS = 64
/** Distance |I - X^T X| from which two plain steps reach float32's precision: each squares it. */
const NEARLY = 1e-2
/** Guess of the least singular value; a wrong one costs steps, never the result. */
const LEAST_SINGULAR_VALUE = 1e-3

/**
 * The orthogonal factor U V^T of M = U S V^T: the matrix of orthonormal columns (or rows, if there are fewer) nearest to M, and
 * the one that maximises tr(W^T M).
 *
 * Newton-Schulz steps X <- a X (3 I - a^2 X^T X) / 2 on M over a bound of its largest singular value: nothing but
 * matrix products. The scaling a follows a guess of the least singular value and lifts small ones by up to 2.6 a step.
 * @param M [k, d]
 * @returns [k, d], or undefined when M is singular, so that there is no single such matrix
 * @see https://doi.org/10.1137/1.9780898717778 (Higham, Functions of Matrices, chapter 8)
 * @see https://www.mcs.anl.gov/papers/P5059-0114.pdf (Chen and Chow, the scaling)
 */
export async function orthogonalFactor(engine: Engine, M: Matrix): Promise<Matrix | undefined> {
  if (M.rows < M.cols) {
    const factor = await orthogonalFactor(engine, transpose(M))
    return factor && transpose(factor)
  }
  const { rows, cols: d } = M
  const I = engine.upload(identity(d))
  const [ones, sum] = [engine.alloc(1, d), engine.alloc(1, 1)]
  const [E, square, next] = [engine.alloc(d, d), engine.alloc(d, d), engine.alloc(rows, d)]
  const X = engine.upload(M)
  const length = async (t = E): Promise<number> => {
    engine.squaredNorm(t, sum, false)
    return Math.sqrt((await engine.read(sum))[0])
  }
  /** out = factor x */
  const copy = (x: typeof X, out: typeof X, factor = 1): void => {
    engine.fill(ones, factor)
    engine.multiply(x, ones, out)
  }
  try {
    const frobenius = await length(X)
    if (!(frobenius > 0)) return undefined
    copy(X, X, 1 / frobenius)
    // |(X^T X)^2|_F is at least the fourth power of the largest singular value, and closer to it than |X|_F.
    engine.gemm(X, X, E, { transposeA: true })
    engine.gemm(E, E, square)
    copy(X, X, 1 / (1.001 * Math.sqrt(Math.sqrt(await length(square)))))

    let least = LEAST_SINGULAR_VALUE
    let finishing = 0
    for (let step = 0; step < MOST_STEPS; step++) {
      copy(I, E)
      engine.gemm(X, X, E, { transposeA: true, alpha: -1, beta: 1 })
      const distance = finishing > 0 ? 0 : await length()
      if (distance < NEARLY) finishing++
      const a = distance < 0.5 ? 1 : Math.sqrt(3 / (1 + least + least * least))
      least = (a * least * (3 - a * a * least * least)) / 2
      copy(X, next)
      engine.gemm(X, E, next, { alpha: a ** 3 / 2, beta: (a * (3 - a * a)) / 2 })
      copy(next, X)
      if (finishing === 2) return matrix(rows, d, await engine.read(X))
    }
    return undefined
  } finally {
    for (const t of [I, ones, sum, E, square, next, X]) engine.free(t)
  }
}
