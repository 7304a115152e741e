import { createLinearKernel } from '../engines/cpu/linear-kernel.js'
import type { AdapterKind } from './kind.js'

/**
 * q' = W q + b, started at W = I and b = 0.
 *
 * W is [d, d] row-major, b is [1, d]; for documents of which only the first k values are stored, [k, d] and [1, k]. In batches of rows: Z = X W^T + b, dW = dZ^T X, db = column sums of dZ.
 */
export const linear: AdapterKind = {
  name: 'linear',
  description: "q' = W q + b, a full matrix and a bias",
  affine: true,
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
    const w = W.data
    let i = 0
    for (; i + 4 <= out.length; i += 4) {
      const r0 = i * d
      const r1 = r0 + d
      const r2 = r1 + d
      const r3 = r2 + d
      let s0 = b.data[i]
      let s1 = b.data[i + 1]
      let s2 = b.data[i + 2]
      let s3 = b.data[i + 3]
      for (let j = 0; j < d; j++) {
        const x = q[j]
        s0 += w[r0 + j] * x
        s1 += w[r1 + j] * x
        s2 += w[r2 + j] * x
        s3 += w[r3 + j] * x
      }
      out[i] = s0
      out[i + 1] = s1
      out[i + 2] = s2
      out[i + 3] = s3
    }
    for (; i < out.length; i++) {
      let s = b.data[i]
      for (let j = 0; j < d; j++) s += w[i * d + j] * q[j]
      out[i] = s
    }
  },
  compile: ({ W, b }) => createLinearKernel(W.data, b.data, W.cols),
}
