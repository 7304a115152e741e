import { dot, type Matrix, matrix, norm, row } from '../math/matrix.js'
import { multiplyTransposed, transpose } from '../math/product.js'
import {
  anchorAt,
  type CrossEntropyOptions,
  type Engine,
  type GemmOptions,
  type OnlineSoftmaxOptions,
  type SparseRows,
  type Tensor,
} from './engine.js'

/** Smallest length a row is divided by. */
export const MIN_NORM = 1e-12

// On this engine a tensor is the matrix itself.
const host = (t: Tensor): Matrix => t as Matrix

/** Makes the engine in plain TypeScript: one thread, sums in double precision; the reference for tests of the others. */
export function createJsEngine(): Engine {
  return {
    name: 'js',
    upload: m => matrix(m.rows, m.cols, m.data.slice()),
    alloc: (rows, cols) => matrix(rows, cols),
    view: (t, start, count) => matrix(count, t.cols, host(t).data.subarray(start * t.cols, (start + count) * t.cols)),
    free: () => {},
    read: async t => host(t).data.slice(),
    sync: () => new Promise(resolve => setImmediate(resolve)),
    dispose: () => {},

    gatherRows(source, rows, out) {
      const from = host(source)
      for (let i = 0; i < rows.length; i++) row(host(out), i).set(row(from, rows[i]))
    },
    gemm(a, b, out, options: GemmOptions = {}) {
      const left = options.transposeA ? transpose(host(a)) : host(a)
      const right = options.transposeB ? host(b) : transpose(host(b))
      multiplyTransposed(left, right, host(out), options.alpha ?? 1, options.beta ?? 0)
    },
    multiply(a, b, out) {
      const [x, y, to] = [a, b, out].map(t => host(t).data)
      for (let k = 0; k < x.length; k++) to[k] = x[k] * y[b.rows === 1 ? k % a.cols : k]
    },
    relu(x, out) {
      host(out).data.set(host(x).data.map(value => Math.max(value, 0)))
    },
    reluBackward(y, grad, out) {
      const g = host(grad).data
      host(out).data.set(host(y).data.map((value, k) => (value > 0 ? g[k] : 0)))
    },
    addRowVector(x, v) {
      const { rows, cols, data } = host(x)
      const add = host(v).data
      for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[i * cols + j] += add[j]
    },
    sumRows(x, out) {
      const { rows, cols, data } = host(x)
      const sums = new Float64Array(cols)
      for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) sums[j] += data[i * cols + j]
      host(out).data.set(sums)
    },
    normalizeRows(x, out, norms) {
      for (let i = 0; i < x.rows; i++) {
        const from = row(host(x), i)
        const to = row(host(out), i)
        const n = Math.max(norm(from), MIN_NORM)
        host(norms).data[i] = n
        for (let j = 0; j < from.length; j++) to[j] = from[j] / n
      }
    },
    normalizeRowsBackward(unit, norms, grad, out) {
      for (let i = 0; i < unit.rows; i++) {
        const z = row(host(unit), i)
        const g = row(host(grad), i)
        const to = row(host(out), i)
        const n = host(norms).data[i]
        const along = dot(g, z)
        for (let j = 0; j < z.length; j++) to[j] = (g[j] - z[j] * along) / n
      }
    },
    softmaxCrossEntropy(scores, options, loss) {
      for (let i = 0; i < scores.rows; i++) host(loss).data[i] = crossEntropyRow(row(host(scores), i), i, options)
    },
    onlineSoftmax(scores, options, top, sum, acc) {
      for (let i = 0; i < scores.rows; i++) {
        const x = row(host(scores), i)
        const logits = logitsOf(x, i, options)
        const before = host(top).data[i]
        let after = before
        for (const value of logits) if (value > after) after = value
        after = Math.fround(after)
        const r = Math.exp(before - after)
        let total = host(sum).data[i] * r
        for (let j = 0; j < x.length; j++) {
          const e = Math.exp(logits[j] - after)
          total += e
          x[j] = e
        }
        host(top).data[i] = after
        host(sum).data[i] = total
        const a = row(host(acc), i)
        for (let j = 0; j < a.length; j++) a[j] *= r
      }
    },
    finishSoftmax(z, pool, options, top, sum, acc, loss) {
      const { targets, scale, gradientScale } = options
      for (let i = 0; i < z.rows; i++) {
        const a = row(host(acc), i)
        const logSum = host(top).data[i] + Math.log(host(sum).data[i])
        let weight = 0
        eachEntry(targets, i, (_, w) => {
          weight += w
        })
        const total = host(sum).data[i]
        for (let j = 0; j < a.length; j++) a[j] = (a[j] * weight) / total
        let lost = 0
        eachEntry(targets, i, (column, w) => {
          const d = row(host(pool), column)
          const offset = options.offset ? host(options.offset).data[column] : 0
          lost += w * (logSum - scale * dot(row(host(z), i), d) - offset)
          for (let j = 0; j < a.length; j++) a[j] -= w * d[j]
        })
        for (let j = 0; j < a.length; j++) a[j] *= gradientScale * scale
        host(loss).data[i] = lost
      }
    },
    squaredNorm(x, out, accumulate) {
      let sum = accumulate ? host(out).data[0] : 0
      for (const value of host(x).data) sum += value * value
      host(out).data[0] = sum
    },
    addSum(x, out) {
      let sum = host(out).data[0]
      for (const value of host(x).data) sum += value
      host(out).data[0] = sum
    },
    fill: (x, value) => void host(x).data.fill(value),
    adamw(param, grad, moment1, moment2, o) {
      const { cols, data } = host(param)
      const [gradient, m, v] = [grad, moment1, moment2].map(t => host(t).data)
      const clip = o.clip ? Math.min(1, o.clip.max / (Math.sqrt(host(o.clip.squaredNorm).data[0]) + 1e-6)) : 1
      const correction1 = 1 - o.beta1 ** o.step
      const correction2 = 1 - o.beta2 ** o.step
      for (let k = 0; k < data.length; k++) {
        const distance = data[k] - anchorAt(o.anchor, k, cols)
        const g = gradient[k] * clip + o.l2 * distance
        m[k] = o.beta1 * m[k] + (1 - o.beta1) * g
        v[k] = o.beta2 * v[k] + (1 - o.beta2) * g * g
        const update = m[k] / correction1 / (Math.sqrt(v[k] / correction2) + o.eps)
        data[k] -= o.lr * (o.decay * distance + update)
      }
    },
  }
}

/** One row of {@link Engine.softmaxCrossEntropy}: turns scores into their gradient and returns the loss. */
function crossEntropyRow(scores: Float32Array, i: number, options: CrossEntropyOptions): number {
  const { targets, scale, gradientScale } = options
  const p = scores.length
  const logits = logitsOf(scores, i, options)

  let max = Number.NEGATIVE_INFINITY
  for (let j = 0; j < p; j++) if (logits[j] > max) max = logits[j]
  let sum = 0
  for (let j = 0; j < p; j++) sum += Math.exp(logits[j] - max)
  const logSum = max + Math.log(sum)

  let loss = 0
  let weight = 0
  eachEntry(targets, i, (column, w) => {
    loss += w * (logSum - logits[column])
    weight += w
  })
  const factor = gradientScale * scale
  for (let j = 0; j < p; j++) scores[j] = factor * weight * Math.exp(logits[j] - logSum)
  eachEntry(targets, i, (column, w) => {
    scores[column] -= factor * w
  })
  return loss
}

/** scale * scores + offset, and -infinity where masked. */
function logitsOf(scores: Float32Array, i: number, options: OnlineSoftmaxOptions): Float64Array {
  const offset = options.offset ? host(options.offset).data : undefined
  const logits = new Float64Array(scores.length)
  for (let j = 0; j < logits.length; j++) logits[j] = options.scale * scores[j] + (offset ? offset[j] : 0)
  eachEntry(options.masked, i, column => {
    logits[column] = Number.NEGATIVE_INFINITY
  })
  return logits
}

function eachEntry(sparse: SparseRows | undefined, i: number, visit: (column: number, value: number) => void): void {
  if (!sparse) return
  for (let e = sparse.offsets[i]; e < sparse.offsets[i + 1]; e++) visit(sparse.columns[e], sparse.values?.[e] ?? 1)
}
