import { createLinearKernel } from '../engines/cpu/linear-kernel.js'
import { copyTensor } from './copy-tensor.js'
import type { AdapterKind, Scratch } from './kind.js'

/** Default size of the hidden layer; fewer dimensions than this have a layer of as many. */
const HIDDEN = 256

/** H = relu(X W1^T + b1), which `backward` needs again. */
const hidden = (scratch: Scratch, B: number, h: number) => scratch('hidden layer', B, h)

/**
 * q' = q + W2 relu(W1 q + b1) + b2, started at W2 = 0 and b2 = 0: LlamaIndex's TwoLayerNN with its residual connection.
 *
 * W1 is [h, d], b1 [1, h], W2 [d, h], b2 [1, d]; W1 starts as He et al. have it. In batches of rows: H = relu(X W1^T + b1),
 * Z = X + H W2^T + b2; dW2 = dZ^T H, db2 = column sums of dZ, dA = dZ W2 where H > 0, dW1 = dA^T X, db1 = column sums of dA.
 *
 * @see https://developers.llamaindex.ai/python/examples/finetuning/embeddings/finetune_embedding_adapter
 * @see https://arxiv.org/abs/1502.01852 (He et al.)
 */
export const residualMlp: AdapterKind = {
  name: 'residual-mlp',
  description: "q' = q + W2 relu(W1 q + b1) + b2, a hidden layer beside the identity",
  size: { name: 'hidden units', default: HIDDEN, of: ({ W1 }) => W1?.rows },
  params: (d, h = Math.min(HIDDEN, d)) => [
    { name: 'W1', rows: h, cols: d, anchor: 'zero', start: Math.sqrt(2 / d) },
    { name: 'b1', rows: 1, cols: h, anchor: 'zero' },
    { name: 'W2', rows: d, cols: h, anchor: 'zero' },
    { name: 'b2', rows: 1, cols: d, anchor: 'zero' },
  ],
  forward(engine, { W1, b1, W2, b2 }, X, Z, scratch) {
    const H = hidden(scratch, X.rows, W1.rows)
    engine.gemm(X, W1, H, { transposeB: true })
    engine.addRowVector(H, b1)
    engine.relu(H, H)
    copyTensor(engine, X, Z, scratch)
    engine.gemm(H, W2, Z, { transposeB: true, beta: 1 })
    engine.addRowVector(Z, b2)
  },
  backward(engine, { W1, W2 }, X, dZ, grads, scratch) {
    const H = hidden(scratch, X.rows, W1.rows)
    const dA = scratch('gradient of the hidden layer', X.rows, W1.rows)
    engine.gemm(dZ, H, grads.W2, { transposeA: true })
    engine.sumRows(dZ, grads.b2)
    engine.gemm(dZ, W2, dA)
    engine.reluBackward(H, dA, dA)
    engine.gemm(dA, X, grads.W1, { transposeA: true })
    engine.sumRows(dA, grads.b1)
  },
  apply({ W1, b1, W2, b2 }, q, out) {
    const [h, d] = [W1.rows, W1.cols]
    const a = Float64Array.from(b1.data)
    for (let k = 0; k < h; k++) {
      for (let j = 0; j < d; j++) a[k] += W1.data[k * d + j] * q[j]
      a[k] = Math.max(a[k], 0)
    }
    for (let i = 0; i < d; i++) {
      let s = q[i] + b2.data[i]
      for (let k = 0; k < h; k++) s += W2.data[i * h + k] * a[k]
      out[i] = s
    }
  },
  compile({ W1, b1, W2, b2 }) {
    const a = new Float32Array(W1.rows)
    const first = createLinearKernel(W1.data, b1.data, W1.cols)
    const second = createLinearKernel(W2.data, b2.data, W2.cols)
    return (q, out) => {
      first(q, a)
      for (let k = 0; k < a.length; k++) a[k] = Math.max(a[k], 0)
      second(a, out)
      for (let i = 0; i < out.length; i++) out[i] += q[i]
    }
  },
}
