import { createLinearKernel } from '../engines/cpu/linear-kernel.js'
import type { AdapterKind } from './kind.js'

/**
 * q' = W q + b, started at W = I and b = 0.
 *
 * W is [d, d] row-major, b is [1, d]; for documents of k dimensions, truncated or of another model, [k, d] and [1, k]. In
 * batches of rows: Z = X W^T + b, dW = dZ^T X, db = column sums of dZ.
 */
export const linear: AdapterKind = {
  name: 'linear',
  description: "q' = W q + b, a full matrix and a bias",
  affine: true,
  rectangular: true,
  params: (d, _size, outputs = d) => [
    { name: 'W', rows: outputs, cols: d, anchor: 'identity' },
    { name: 'b', rows: 1, cols: outputs, anchor: 'zero' },
  ],
  outputs: ({ W }) => W?.rows,
  forward(engine, { W, b }, X, Z) {
    engine.gemm(X, W, Z, { transposeB: true })
    engine.addRowVector(Z, b)
  },
  backward(engine, _params, X, dZ, grads) {
    engine.gemm(dZ, X, grads.W, { transposeA: true })
    engine.sumRows(dZ, grads.b)
  },
  apply({ W, b }, q, out) {
    const d = q.length
    for (let i = 0; i < out.length; i++) {
      let s = b.data[i]
      for (let j = 0; j < d; j++) s += W.data[i * d + j] * q[j]
      out[i] = s
    }
  },
  compile: ({ W, b }) => createLinearKernel(W.data, b.data, W.cols),
}
