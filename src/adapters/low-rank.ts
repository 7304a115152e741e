import { createLinearKernel } from '../engines/cpu/linear-kernel.js'
import { type AdapterKind, copyTensor, type Scratch } from './kind.js'

const RANK = 32

/** H = X V^T, which `backward` needs again. */
const inner = (scratch: Scratch, B: number, r: number) => scratch('V X', B, r)

/**
 * q' = q + U V q + b, started at U = 0 and b = 0: the identity plus a matrix of rank r.
 *
 * U is [d, r], V is [r, d], b is [1, d]. In batches of rows: H = X V^T, Z = X + H U^T + b; dU = dZ^T H, dV = (dZ U)^T
 * X, db = column sums of dZ.
 * @see https://arxiv.org/abs/2106.09685 (Hu et al., LoRA)
 */
export const lowRank: AdapterKind = {
  name: 'low-rank',
  description: "q' = q + U V q + b, a small file and fast queries",
  affine: true,
  size: { name: 'rank', default: RANK, of: ({ V }) => V?.rows },
  params: (d, r = Math.min(RANK, d)) => [
    { name: 'U', rows: d, cols: r, anchor: 'zero' },
    { name: 'V', rows: r, cols: d, anchor: 'zero', start: 1 / Math.sqrt(d) },
    { name: 'b', rows: 1, cols: d, anchor: 'zero' },
  ],
  forward(engine, { U, V, b }, X, Z, scratch) {
    const H = inner(scratch, X.rows, U.cols)
    engine.gemm(X, V, H, { transposeB: true })
    copyTensor(engine, X, Z, scratch)
    engine.gemm(H, U, Z, { transposeB: true, beta: 1 })
    engine.addRowVector(Z, b)
  },
  backward(engine, { U }, X, dZ, grads, scratch) {
    const H = inner(scratch, X.rows, U.cols)
    const dH = scratch('gradient of V X', X.rows, U.cols)
    engine.gemm(dZ, H, grads.U, { transposeA: true })
    engine.gemm(dZ, U, dH)
    engine.gemm(dH, X, grads.V, { transposeA: true })
    engine.sumRows(dZ, grads.b)
  },
  apply({ U, V, b }, q, out) {
    const [d, r] = [U.rows, U.cols]
    const h = new Float64Array(r)
    for (let k = 0; k < r; k++) for (let j = 0; j < d; j++) h[k] += V.data[k * d + j] * q[j]
    for (let i = 0; i < d; i++) {
      let s = q[i] + b.data[i]
      for (let k = 0; k < r; k++) s += U.data[i * r + k] * h[k]
      out[i] = s
    }
  },
  compile({ U, V, b }) {
    const h = new Float32Array(V.rows)
    const project = createLinearKernel(V.data, undefined, V.cols)
    const expand = createLinearKernel(U.data, b.data, U.cols)
    return (q, out) => {
      project(q, h)
      expand(h, out)
      for (let i = 0; i < out.length; i++) out[i] += q[i]
    }
  },
}
