import { product } from '../../engines/product.js'
import { AdapterTrainError } from '../../errors.js'
import { solvePositiveDefinite } from '../../math/cholesky.js'
import { matrix } from '../../math/matrix.js'
import { transpose } from '../../math/product.js'
import type { ClosedForm } from './closed-form.js'

/** Precision of products of float32 matrices. */
const PRECISION = 1e-6

/**
 * W = argmin sum over i of |W q_i - t_i|^2 + pull |W - I|^2: ridge regression that shrinks to the identity.
 *
 * With residuals R = T - Q in rows, W = I + R^T Q (Q^T Q + pull I)^-1; with fewer queries than dimensions the same by
 * the smaller system, W = I + R^T (Q Q^T + pull I)^-1 Q. Solved by Cholesky's decomposition in double precision.
 * @see https://doi.org/10.1080/00401706.1970.10488634 (Hoerl and Kennard)
 */
export const ridge: ClosedForm = {
  name: 'ridge',
  description: 'a linear adapter by least squares to the mean of the positives, pulled to the identity; takes seconds',
  defaultPull: 30,
  async fit(engine, Q, T, pull) {
    const { rows: n, cols: d } = Q
    const dual = n < d
    const residuals = T.data.map((t, k) => t - Q.data[k])
    const R = matrix(n, d, residuals)
    const A = await product(engine, Q, Q, dual ? { transposeB: true } : { transposeA: true })
    const right = dual ? transpose(R) : await product(engine, R, Q, { transposeA: true })
    const system = Float64Array.from(A.data)
    for (let i = 0; i < A.rows; i++) system[i * A.rows + i] += pull
    const solution = Float64Array.from(right.data)
    if (!solvePositiveDefinite(system, solution, PRECISION)) {
      const problem = `ridge regression on ${n} queries of ${d} dimensions with a pull of ${pull} has no unique solution`
      throw new AdapterTrainError('TRAIN_DATA', `${problem}; give a larger --pull`)
    }
    const solved = matrix(d, A.rows, Float32Array.from(solution))
    const W = dual ? await product(engine, solved, Q, {}) : solved
    for (let i = 0; i < d; i++) W.data[i * d + i] += 1
    return W
  },
}
