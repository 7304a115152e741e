import { createAttentionKernel } from '../engines/cpu/attention-kernel.js'
import { createLinearKernel } from '../engines/cpu/linear-kernel.js'
import type { Engine, Tensor } from '../engines/engine.js'
import { type Matrix, matrix, norm } from '../math/matrix.js'
import { rowRange } from '../math/row-source.js'
import type { AdapterMap, Scratch } from './kind.js'
import { linear } from './linear.js'

/** Most training queries that are remembered, by default. */
const REMEMBERED = 20_000
/** Scores that a forward pass holds at once; 32 MiB as float32. */
const MAX_SCORES = 8_388_608
const SLOPE = 1.5
/** Smallest deviation divided by: keys that are all equally far apart must not divide by 0. */
const LEAST_DEVIATION = 1e-6
const LEAST_NORM = 1e-12

/** Weight of the memory for a query; the row `gate` of an adapter holds these in this order. */
export interface MemoryGate {
  /** Weight of the memory beside a linear part of unit length. */
  readonly beta: number
  /** Scale of the softmax over remembered queries. */
  readonly kappa: number
  /** Deviations from `mu` at which the memory has half its weight. */
  readonly z0: number
  /** Mean and deviation, over the remembered queries, of the cosine to the nearest other one. */
  readonly mu: number
  readonly sigma: number
}

/** Encodes a gate as [1, 5]. */
export function encodeGate({ beta, kappa, z0, mu, sigma }: MemoryGate): Matrix {
  return matrix(1, 5, Float32Array.of(beta, kappa, z0, mu, sigma))
}

export function decodeGate({ data: [beta, kappa, z0, mu, sigma] }: Matrix): MemoryGate {
  return { beta, kappa, z0, mu, sigma }
}

/** Factor of the memory: beta sigmoid(1.5 (z - z0)), z = (s - mu) / sigma. */
export function memoryWeight({ beta, z0, mu, sigma }: Omit<MemoryGate, 'kappa'>, s: number): number {
  const z = (s - mu) / Math.max(sigma, LEAST_DEVIATION)
  return beta / (1 + Math.exp(-SLOPE * (z - z0)))
}

/**
 * q' = norm(W q + b) + beta g(q) sum_i softmax_i(kappa u . k_i) v_i for u = norm(q): a linear transform, plus the
 * documents of the remembered queries nearest to this one.
 *
 * W and b are as in `linear`; `keys` [n, d] are remembered queries of unit length, `values` [n, rows of W] the mean of
 * each one's documents; `gate` [1, 5] is a {@link MemoryGate}. Built from a trained linear adapter, without a gradient.
 * @see https://arxiv.org/abs/1911.00172 (Khandelwal et al.: a look-up beside a trained model)
 */
export const linearMemory: AdapterMap = {
  name: 'linear-memory',
  description: 'linear, plus the documents of the most similar training queries, if cross-validation finds a gain',
  size: { name: 'remembered queries', default: REMEMBERED, of: ({ keys }) => keys?.rows },
  params: (d, n = REMEMBERED, outputs = d) => [
    ...linear.params(d, undefined, outputs),
    { name: 'keys', rows: n, cols: d, anchor: 'zero' },
    { name: 'values', rows: n, cols: outputs, anchor: 'zero' },
    { name: 'gate', rows: 1, cols: 5, anchor: 'zero' },
  ],
  outputs: linear.outputs,
  async forward(engine, { W, b, keys, values, gate }, X, Z, scratch) {
    linear.forward(engine, { W, b }, X, Z, scratch)
    engine.normalizeRows(Z, Z, scratch('lengths', X.rows, 1))
    const { kappa, ...shape } = decodeGate(matrix(1, 5, await engine.read(gate)))
    const { acc, sum, top } = attend(engine, keys, values, X, kappa, scratch)
    const [z, a, sums, tops] = await Promise.all([Z, acc, sum, top].map(t => engine.read(t)))
    for (let i = 0; i < X.rows; i++) {
      const factor = memoryWeight(shape, tops[i] / kappa) / sums[i]
      for (let j = i * Z.cols; j < (i + 1) * Z.cols; j++) z[j] += factor * a[j]
    }
    // The engine has no write but the upload of a new matrix.
    const result = engine.upload(matrix(Z.rows, Z.cols, z))
    engine.gatherRows(result, rowRange(0, Z.rows), Z)
    engine.free(result)
  },
  apply({ W, b, keys, values, gate }, q, out) {
    const d = q.length
    const { kappa, ...shape } = decodeGate(gate)
    const length = Math.max(norm(q), LEAST_NORM)
    const similarities = new Float64Array(keys.rows)
    for (let i = 0; i < keys.rows; i++) {
      for (let j = 0; j < d; j++) similarities[i] += (keys.data[i * d + j] * q[j]) / length
    }
    const s = similarities.reduce((a, c) => Math.max(a, c), Number.NEGATIVE_INFINITY)
    const weights = similarities.map(value => Math.exp(kappa * (value - s)))
    const factor = memoryWeight(shape, s) / weights.reduce((a, c) => a + c, 0)
    const mapped = new Float64Array(out.length)
    // Kinds compute in plain numbers, so that a float64 array keeps all digits.
    linear.apply({ W, b }, q, mapped as unknown as Float32Array)
    const mappedLength = Math.max(norm(mapped), LEAST_NORM)
    for (let j = 0; j < out.length; j++) {
      let sum = 0
      for (let i = 0; i < keys.rows; i++) sum += weights[i] * values.data[i * out.length + j]
      out[j] = mapped[j] / mappedLength + factor * sum
    }
  },
  compile({ W, b, keys, values, gate }) {
    const { kappa, ...shape } = decodeGate(gate)
    const map = createLinearKernel(W.data, b.data, W.cols)
    const look = createAttentionKernel(keys.data, values.data, keys.rows)
    const scaled = new Float32Array(W.cols)
    const recalled = new Float32Array(W.rows)
    return (q, out) => {
      const factor = kappa / Math.max(norm(q), LEAST_NORM)
      for (let j = 0; j < q.length; j++) scaled[j] = factor * q[j]
      const weight = memoryWeight(shape, look(scaled, recalled) / kappa)
      map(q, out)
      const length = Math.max(norm(out), LEAST_NORM)
      for (let j = 0; j < out.length; j++) out[j] = out[j] / length + weight * recalled[j]
    }
  },
}

/**
 * Computes softmax attention in blocks of keys: sum_i softmax_i(kappa u . k_i) v_i is acc / sum.
 * @returns in scratch: acc [B, columns of values], sum [B, 1], and top [B, 1], the largest kappa u . k_i
 */
function attend(engine: Engine, keys: Tensor, values: Tensor, X: Tensor, kappa: number, scratch: Scratch) {
  const B = X.rows
  const U = scratch('unit queries', B, X.cols)
  const acc = scratch('recalled', B, values.cols)
  const [top, sum] = [scratch('largest logit', B, 1), scratch('sum of weights', B, 1)]
  engine.normalizeRows(X, U, scratch('lengths of queries', B, 1))
  engine.fill(acc, 0)
  engine.fill(sum, 0)
  engine.fill(top, -3e38)
  const block = Math.max(1, Math.min(keys.rows, Math.floor(MAX_SCORES / B)))
  for (let start = 0; start < keys.rows; start += block) {
    const count = Math.min(block, keys.rows - start)
    const S = scratch('scores of keys', B, count)
    engine.gemm(U, engine.view(keys, start, count), S, { transposeB: true })
    engine.onlineSoftmax(S, { scale: kappa }, top, sum, acc)
    engine.gemm(S, engine.view(values, start, count), acc, { beta: 1 })
  }
  return { acc, sum, top }
}
