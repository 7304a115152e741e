import { createLinearKernel } from '../engines/cpu/linear-kernel.js'
import { type AdapterKind, copyTensor, type Scratch } from './kind.js'

const HIDDEN = 256

/** H = relu(X W1^T + b1), which `backward` needs again. */
const hidden = (scratch: Scratch, B: number, h: number) => scratch('hidden layer', B, h)

/**
 * q' = q + W2 relu(W1 q + b1) + b2, started at W2 = 0 and b2 = 0: LlamaIndex's TwoLayerNN with its residual connection.
 *
 * For documents of k dimensions the residual is W q, with W [k, d] started at I, and W2 and b2 have k rows. W1 is [h, d], b1 [1,
 * h], W2 [d, h], b2 [1, d]; W1 starts as He et al. have it. In batches of rows: H = relu(X W1^T + b1), Z = X + H W2^T + b2 (X W^T
 * instead of X, dW = dZ^T X); dW2 = dZ^T H, db2 = column sums of dZ, dA = dZ W2 where H > 0, dW1 = dA^T X, db1 = column sums of dA.
 * @see https://developers.llamaindex.ai/python/examples/finetuning/embeddings/finetune_embedding_adapter
 * @see https://arxiv.org/abs/1502.01852 (He et al.)
 */
export const residualMlp: AdapterKind = {
  name: 'residual-mlp',
  description: "q' = q + W2 relu(W1 q + b1) + b2, a hidden layer beside the identity",
  rectangular: true,
  size: { name: 'hidden units', default: HIDDEN, of: ({ W1 }) => W1?.rows },
  params: (d, h = Math.min(HIDDEN, d), outputs?: number) => [
    ...(outputs ? [{ name: 'W', rows: outputs, cols: d, anchor: 'identity' } as const] : []),
    { name: 'W1', rows: h, cols: d, anchor: 'zero', start: Math.sqrt(2 / d) },
    { name: 'b1', rows: 1, cols: h, anchor: 'zero' },
    { name: 'W2', rows: outputs ?? d, cols: h, anchor: 'zero' },
    { name: 'b2', rows: 1, cols: outputs ?? d, anchor: 'zero' },
  ],
  outputs: ({ W }) => W?.rows,
  forward(engine, { W, W1, b1, W2, b2 }, X, Z, scratch) {
    const H = hidden(scratch, X.rows, W1.rows)
    engine.gemm(X, W1, H, { transposeB: true })
    engine.addRowVector(H, b1)
    engine.relu(H, H)
    if (W) engine.gemm(X, W, Z, { transposeB: true })
    else copyTensor(engine, X, Z, scratch)
    engine.gemm(H, W2, Z, { transposeB: true, beta: 1 })
    engine.addRowVector(Z, b2)
  },
  backward(engine, { W1, W2 }, X, dZ, grads, scratch) {
    const H = hidden(scratch, X.rows, W1.rows)
    const dA = scratch('gradient of the hidden layer', X.rows, W1.rows)
    engine.gemm(dZ, H, grads.W2, { transposeA: true })
    engine.sumRows(dZ, grads.b2)
    if (grads.W) engine.gemm(dZ, X, grads.W, { transposeA: true })
    engine.gemm(dZ, W2, dA)
    engine.reluBackward(H, dA, dA)
    engine.gemm(dA, X, grads.W1, { transposeA: true })
    engine.sumRows(dA, grads.b1)
  },
  apply({ W, W1, b1, W2, b2 }, q, out) {
    const [h, d] = [W1.rows, W1.cols]
    const a = Float64Array.from(b1.data)
    for (let k = 0; k < h; k++) {
      for (let j = 0; j < d; j++) a[k] += W1.data[k * d + j] * q[j]
      a[k] = Math.max(a[k], 0)
    }
    for (let i = 0; i < W2.rows; i++) {
      let s = b2.data[i] + (W ? 0 : q[i])
      if (W) for (let j = 0; j < d; j++) s += W.data[i * d + j] * q[j]
      for (let k = 0; k < h; k++) s += W2.data[i * h + k] * a[k]
      out[i] = s
    }
  },
  compile({ W, W1, b1, W2, b2 }) {
    const a = new Float32Array(W1.rows)
    const change = new Float32Array(W2.rows)
    const straight = W ? createLinearKernel(W.data, undefined, W.cols) : (q: Float32Array, out: Float32Array) => out.set(q)
    const first = createLinearKernel(W1.data, b1.data, W1.cols)
    const second = createLinearKernel(W2.data, b2.data, W2.cols)
    return (q, out) => {
      first(q, a)
      for (let k = 0; k < a.length; k++) a[k] = Math.max(a[k], 0)
      second(a, change)
      straight(q, out)
      for (let i = 0; i < out.length; i++) out[i] += change[i]
    }
  },
}
