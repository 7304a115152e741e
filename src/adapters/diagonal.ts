import type { AdapterKind } from './kind.js'

/**
 * q' = w * q + b element by element, started at w = 1 and b = 0. w and b are [1, d]. In batches of rows: Z = X * w + b,
 * dw = column sums of X * dZ, db = column sums of dZ.
 */
export const diagonal: AdapterKind = {
  name: 'diagonal',
  description: "q' = w * q + b, a weight and a bias for every dimension",
  affine: true,
  params: d => [
    { name: 'w', rows: 1, cols: d, anchor: 'one' },
    { name: 'b', rows: 1, cols: d, anchor: 'zero' },
  ],
  forward(engine, { w, b }, X, Z) {
    engine.multiply(X, w, Z)
    engine.addRowVector(Z, b)
  },
  backward(engine, _params, X, dZ, grads, scratch) {
    const XdZ = scratch('X dZ', X.rows, X.cols)
    engine.multiply(X, dZ, XdZ)
    engine.sumRows(XdZ, grads.w)
    engine.sumRows(dZ, grads.b)
  },
  apply({ w, b }, q, out) {
    for (let j = 0; j < q.length; j++) out[j] = w.data[j] * q[j] + b.data[j]
  },
}
