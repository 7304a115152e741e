import type { AdamWOptions, Engine, SparseRows, Tensor } from '../engine.js'
import { MIN_NORM } from '../js.js'
import type { Heap } from './heap.js'
import type { Kernels } from './kernels.js'
import { Scratch } from './scratch.js'
import { cpuTensor } from './tensors.js'

/** The operations that run on tensors, but for matrix products. */
export type Operations = Pick<
  Engine,
  | 'gatherRows'
  | 'multiply'
  | 'relu'
  | 'reluBackward'
  | 'addRowVector'
  | 'sumRows'
  | 'normalizeRows'
  | 'normalizeRowsBackward'
  | 'softmaxCrossEntropy'
  | 'onlineSoftmax'
  | 'finishSoftmax'
  | 'squaredNorm'
  | 'addSum'
  | 'fill'
  | 'adamw'
>

const ANCHORS = { zero: 0, one: 1, identity: 2 } as const

/** The kernels as operations on tensors; `js` does what touches a tensor outside linear memory. */
export function createOperations(heap: Heap, kernels: Kernels, js: Engine): Operations {
  const staged = new Scratch(heap)
  const at = (t: Tensor): number => cpuTensor(t).address!
  const inside = (...tensors: (Tensor | undefined)[]): boolean =>
    tensors.every(t => t === undefined || cpuTensor(t).address !== undefined)
  const size = (t: Tensor): number => t.rows * t.cols

  const stage = (targets?: SparseRows, masked?: SparseRows): number[] =>
    staged.stage([...[targets?.offsets, targets?.columns, targets?.values], ...[masked?.offsets, masked?.columns]])

  return {
    gatherRows(source, rows, out) {
      if (!inside(source, out)) return js.gatherRows(source, rows, out)
      kernels.gatherRows(at(source), staged.stage([rows])[0], at(out), rows.length, source.cols)
    },
    multiply(a, b, out) {
      if (!inside(a, b, out)) return js.multiply(a, b, out)
      kernels.multiply(at(a), at(b), at(out), a.rows, a.cols, b.rows === 1)
    },
    relu(x, out) {
      if (!inside(x, out)) return js.relu(x, out)
      kernels.relu(at(x), at(out), size(x))
    },
    reluBackward(y, grad, out) {
      if (!inside(y, grad, out)) return js.reluBackward(y, grad, out)
      kernels.reluBackward(at(y), at(grad), at(out), size(y))
    },
    addRowVector(x, v) {
      if (!inside(x, v)) return js.addRowVector(x, v)
      kernels.addRowVector(at(x), at(v), x.rows, x.cols)
    },
    sumRows(x, out) {
      if (!inside(x, out)) return js.sumRows(x, out)
      kernels.sumRows(at(x), at(out), x.rows, x.cols)
    },
    normalizeRows(x, out, norms) {
      if (!inside(x, out, norms)) return js.normalizeRows(x, out, norms)
      kernels.normalizeRows(at(x), at(out), at(norms), x.rows, x.cols, MIN_NORM)
    },
    normalizeRowsBackward(unit, norms, grad, out) {
      if (!inside(unit, norms, grad, out)) return js.normalizeRowsBackward(unit, norms, grad, out)
      kernels.normalizeRowsBackward(at(unit), at(norms), at(grad), at(out), unit.rows, unit.cols)
    },
    softmaxCrossEntropy(scores, options, loss) {
      const { targets, masked, offset, scale, gradientScale } = options
      if (!inside(scores, offset, loss)) return js.softmaxCrossEntropy(scores, options, loss)
      const [tOffsets, tColumns, tValues, mOffsets, mColumns] = stage(targets, masked)
      kernels.softmaxCrossEntropy(
        ...([at(scores), scores.rows, scores.cols] as const),
        ...([tOffsets, tColumns, tValues, mOffsets, mColumns, offset ? at(offset) : 0] as const),
        ...([scale, gradientScale * scale, at(loss)] as const),
      )
    },
    onlineSoftmax(scores, options, top, sum, acc) {
      const { masked, offset, scale } = options
      if (!inside(scores, offset, top, sum, acc)) return js.onlineSoftmax(scores, options, top, sum, acc)
      const [, , , mOffsets, mColumns] = stage(undefined, masked)
      kernels.onlineSoftmax(
        ...([at(scores), scores.rows, scores.cols, mOffsets, mColumns, offset ? at(offset) : 0] as const),
        ...([scale, at(top), at(sum), at(acc), acc.cols] as const),
      )
    },
    finishSoftmax(z, pool, options, top, sum, acc, loss) {
      const { targets, offset, scale, gradientScale } = options
      if (!inside(z, pool, offset, top, sum, acc, loss)) {
        return js.finishSoftmax(z, pool, options, top, sum, acc, loss)
      }
      const [tOffsets, tColumns, tValues] = stage(targets)
      kernels.finishSoftmax(
        ...([at(z), at(pool), z.rows, z.cols, tOffsets, tColumns, tValues, offset ? at(offset) : 0] as const),
        ...([scale, gradientScale * scale, at(top), at(sum), at(acc), at(loss)] as const),
      )
    },
    squaredNorm(x, out, accumulate) {
      if (!inside(x)) return js.squaredNorm(x, out, accumulate)
      const { data } = cpuTensor(out)
      data[0] = (accumulate ? data[0] : 0) + kernels.squaredNorm(at(x), size(x))
    },
    addSum(x, out) {
      if (!inside(x)) return js.addSum(x, out)
      cpuTensor(out).data[0] += kernels.addSum(at(x), size(x))
    },
    fill(x, value) {
      cpuTensor(x).data.fill(value)
    },
    adamw(param, grad, m, v, options) {
      if (!inside(param, grad, m, v)) return js.adamw(param, grad, m, v, options)
      const { rows, cols } = param
      const { anchor, l2, lr, decay, beta1, beta2, eps, step } = options
      const correction = Math.sqrt(1 - beta2 ** step)
      kernels.adamw(
        ...([at(param), at(grad), at(m), at(v), rows, cols, ANCHORS[anchor], clipFactor(options), l2] as const),
        ...([lr * decay, beta1, 1 - beta1, beta2, 1 - beta2] as const),
        ...([(lr * correction) / (1 - beta1 ** step), eps * correction] as const),
      )
    },
  }
}

/** What the gradient is multiplied by so that its norm stays within the clip. */
function clipFactor({ clip }: AdamWOptions): number {
  if (!clip) return 1
  return Math.min(1, clip.max / (Math.sqrt(cpuTensor(clip.squaredNorm).data[0]) + 1e-6))
}
