import { createAttentionKernel } from '../engines/cpu/attention-kernel.js'
import { createLinearKernel } from '../engines/cpu/linear-kernel.js'
import type { Engine, Tensor } from '../engines/engine.js'
import { type Matrix, matrix, norm } from '../math/matrix.js'
import type { AdapterMap, Scratch } from './kind.js'
import { linear } from './linear.js'

/** Training queries that are remembered at most, by default. */
const REMEMBERED = 20_000

/** Scores of queries against keys that a forward pass holds at once; 32 MiB as float32. */
const MAX_SCORES = 8_388_608

/** The gate opens by this much a deviation. */
const SLOPE = 1.5

/** Deviations below this are taken for it: keys that are all as far apart open or close the gate, but divide nothing by 0. */
const LEAST_DEVIATION = 1e-6

const LEAST_NORM = 1e-12

/** How much the memory counts, and for which queries; the row `gate` of an adapter holds these in this order. */
export interface MemoryGate {
  /** Weight of the memory beside a linear part of length 1. */
  readonly beta: number
  /** Inverse temperature of the softmax over remembered queries. */
  readonly kappa: number
  /** Deviations from `mu` at which the memory counts half. */
  readonly z0: number
  /** Mean and deviation, over the remembered queries, of the cosine to the nearest other one. */
  readonly mu: number
  readonly sigma: number
}

/** [1, 5] */
export function encodeGate({ beta, kappa, z0, mu, sigma }: MemoryGate): Matrix {
  return matrix(1, 5, Float32Array.of(beta, kappa, z0, mu, sigma))
}

export function decodeGate({ data: [beta, kappa, z0, mu, sigma] }: Matrix): MemoryGate {
  return { beta, kappa, z0, mu, sigma }
}

/**
 * What the memory is multiplied by: beta sigmoid(1.5 (z - z0)), z = (s - mu) / sigma.
 * @param s cosine of the query to the nearest remembered one
 */
export function memoryWeight({ beta, z0, mu, sigma }: Omit<MemoryGate, 'kappa'>, s: number): number {
  const z = (s - mu) / Math.max(sigma, LEAST_DEVIATION)
  return beta / (1 + Math.exp(-SLOPE * (z - z0)))
}

/**
 * q' = norm(W q + b) + beta g(q) sum_i softmax_i(kappa u . k_i) v_i for u = norm(q): a linear map, and beside it what was asked for
 * by the remembered queries that are most like this one, as far as there are any.
 *
 * W and b are as in `linear`; `keys` [n, d] are remembered queries of length 1, `values` [n, d] (or as many columns as W has rows)
 * the mean of each one's documents; `gate` [1, 5] is a {@link MemoryGate}. Put together from a trained linear map, so that there is no gradient.
 *
 * @see https://arxiv.org/abs/1911.00172 (Khandelwal et al.: a look-up beside a trained model)
 */
export const linearMemory: AdapterMap = {
  name: 'linear-memory',
  description:
    'linear, and what the most similar training queries asked for, where cross-validation finds that it helps',
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
    const [z, a, sums, tops] = [
      await engine.read(Z),
      await engine.read(acc),
      await engine.read(sum),
      await engine.read(top),
    ]
    for (let i = 0; i < X.rows; i++) {
      const factor = memoryWeight(shape, tops[i] / kappa) / sums[i]
      for (let j = i * Z.cols; j < (i + 1) * Z.cols; j++) z[j] += factor * a[j]
    }
    // The engine has no write but the upload of a new matrix.
    const result = engine.upload(matrix(Z.rows, Z.cols, z))
    engine.gatherRows(
      result,
      Uint32Array.from({ length: Z.rows }, (_, i) => i),
      Z,
    )
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
 * Softmax attention in blocks of keys: sum_i softmax_i(kappa u . k_i) v_i is acc / sum, and kappa u . k_i is at most top.
 * @returns acc, as wide as the values, sum [B, 1] and top [B, 1], in scratch
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
