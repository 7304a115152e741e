import { type AdapterKind, copyTensor } from './kind.js'

/**
 * q' = q + b, started at b = 0: moves all queries by one vector, and turns none.
 *
 * b is [1, d]. In batches of rows: Z = X + b, db = column sums of dZ.
 */
export const shift: AdapterKind = {
  name: 'shift',
  description: "q' = q + b, a bias alone",
  affine: true,
  params: d => [{ name: 'b', rows: 1, cols: d, anchor: 'zero' }],
  forward(engine, { b }, X, Z, scratch) {
    copyTensor(engine, X, Z, scratch)
    engine.addRowVector(Z, b)
  },
  backward(engine, _params, _X, dZ, grads) {
    engine.sumRows(dZ, grads.b)
  },
  apply({ b }, q, out) {
    for (let j = 0; j < q.length; j++) out[j] = q[j] + b.data[j]
  },
}
