import { AdapterTrainError } from '../../errors.js'
import type { ClosedForm } from './closed-form.js'
import { orthogonalFactor } from './orthogonal-factor.js'
import { product } from './product.js'

/**
 * W = argmin over orthogonal W of sum over i of |W q_i - t_i|^2 + pull |W - I|^2: the rotation (with or without a reflection)
 * that brings queries closest to their targets.
 *
 * As |W q| = |q|, it is the W that maximises tr(W^T (T^T Q + pull I)): that matrix' orthogonal factor.
 *
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
    throw new AdapterTrainError(
      'TRAIN_DATA',
      `${n} queries of ${d} dimensions with a pull of ${pull} do not determine a rotation; give a larger --pull`,
    )
  },
}
