import { ANCHOR_CODES, type Engine, type SparseRows, type Tensor } from '../engine.js'
import { MIN_NORM } from '../js.js'
import { createScratch, type Heap } from './heap.js'
import { type Kernels, PRODUCT_SCRATCH } from './kernels.js'
import type { OnnxProducts } from './onnxruntime.js'
import { type CpuTensor, cpuTensor, HeapTensor } from './tensors.js'

/** Wraps the kernels as operations on tensors; `js` does what touches a tensor outside linear memory. */
export function createOperations(heap: Heap, kernels: Kernels, js: Engine) {
  const staged = createScratch(heap)
  const at = (t: Tensor): number => cpuTensor(t).address!
  const inside = (...tensors: (Tensor | undefined)[]): boolean =>
    tensors.every(t => t === undefined || cpuTensor(t).address !== undefined)
  const size = (t: Tensor): number => t.rows * t.cols
  /** Runs an operation whose tensors are all arguments; `otherwise` if one of these is outside. */
  const on =
    <A extends (Tensor | Uint32Array)[]>(otherwise: (...args: A) => void, run: (...args: A) => void) =>
    (...args: A): void =>
      (args.every(arg => arg instanceof Uint32Array || inside(arg)) ? run : otherwise)(...args)

  const stage = (targets?: SparseRows, masked?: SparseRows): number[] =>
    staged.stage([targets?.offsets, targets?.columns, targets?.values, masked?.offsets, masked?.columns])

  return {
    gatherRows: on(js.gatherRows, (source, rows, out) =>
      kernels.gatherRows(at(source), staged.stage([rows])[0], at(out), rows.length, source.cols),
    ),
    multiply: on(js.multiply, (a, b, out) => kernels.multiply(at(a), at(b), at(out), a.rows, a.cols, b.rows === 1)),
    relu: on(js.relu, (x, out) => kernels.relu(at(x), at(out), size(x))),
    reluBackward: on(js.reluBackward, (y, grad, out) => kernels.reluBackward(at(y), at(grad), at(out), size(y))),
    addRowVector: on(js.addRowVector, (x, v) => kernels.addRowVector(at(x), at(v), x.rows, x.cols)),
    sumRows: on(js.sumRows, (x, out) => kernels.sumRows(at(x), at(out), x.rows, x.cols)),
    normalizeRows: on(js.normalizeRows, (x, out, norms) =>
      kernels.normalizeRows(at(x), at(out), at(norms), x.rows, x.cols, MIN_NORM),
    ),
    normalizeRowsBackward: on(js.normalizeRowsBackward, (unit, norms, grad, out) =>
      kernels.normalizeRowsBackward(at(unit), at(norms), at(grad), at(out), unit.rows, unit.cols),
    ),
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
      if (!inside(z, pool, offset, top, sum, acc, loss)) return js.finishSoftmax(z, pool, options, top, sum, acc, loss)
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
      const { anchor, clip, l2, lr, decay, beta1, beta2, eps, step } = options
      const factor = clip ? Math.min(1, clip.max / (Math.sqrt(cpuTensor(clip.squaredNorm).data[0]) + 1e-6)) : 1
      const correction = Math.sqrt(1 - beta2 ** step)
      kernels.adamw(
        ...([at(param), at(grad), at(m), at(v), rows, cols, ANCHOR_CODES[anchor], factor, l2] as const),
        ...([lr * decay, beta1, 1 - beta1, beta2, 1 - beta2] as const),
        ...([(lr * correction) / (1 - beta1 ** step), eps * correction] as const),
      )
    },
  } satisfies Partial<Engine>
}

/** Multiplications below which a product in WebAssembly is done before onnxruntime has started. */
const SMALL_PRODUCT = 250_000
/** Rows up to which X W^T is computed as (W X^T)^T: onnxruntime repacks its second factor, then the small one. */
const FEW_ROWS = 128

/** out = op(a) op(b), with `out` in linear memory. */
type Product = (a: CpuTensor, b: CpuTensor, out: HeapTensor, transposeA: boolean, transposeB: boolean) => void

/** {@link Engine.gemm} in linear memory; `js` combines with arrays outside it. */
export function createGemm(heap: Heap, kernels: Kernels, products: OnnxProducts | undefined, js: Engine): Engine['gemm'] {
  const toArray = createArrayGemm(products, js)
  const [left, right, turned, panel, uncombined] = Array.from({ length: 5 }, () => createScratch(heap))

  /** Uses the kernels; factors outside linear memory are copied in. */
  const inWasm: Product = (a, b, out, transposeA, transposeB) => {
    const { rows: m, cols: n, address } = out
    const k = transposeA ? a.rows : a.cols
    const B = b.address ?? right.stage([b.data])[0]
    let A = a.address ?? left.stage([a.data])[0]
    if (transposeA) {
      const rows = turned.reserve(m * k)
      kernels.transpose(A, rows, k, m)
      A = rows
    }
    kernels.multiplyMatrices(A, B, address, m, n, k, transposeB, panel.reserve(PRODUCT_SCRATCH))
  }

  /** Uses onnxruntime except for small products. */
  const multiply: Product = (a, b, out, transposeA, transposeB) => {
    const { rows: m, cols: n } = out
    const k = transposeA ? a.rows : a.cols
    if (!products || m * n * k < SMALL_PRODUCT) {
      inWasm(a, b, out, transposeA, transposeB)
    } else if (!transposeA && transposeB && m <= FEW_ROWS && n > 4 * m) {
      const result = new HeapTensor(n, m, turned.reserve(m * n), heap)
      products.multiply(b, a, result, false, true)
      kernels.transpose(result.address, out.address, n, m)
    } else if (transposeA && a.address !== undefined) {
      // onnxruntime would transpose a part of A again for every part of the output.
      const factor = new HeapTensor(m, k, turned.reserve(m * k), heap)
      kernels.transpose(a.address, factor.address, k, m)
      products.multiply(factor, b, out, false, transposeB)
    } else {
      products.multiply(a, b, out, transposeA, transposeB)
    }
  }

  return (a, b, out, options = {}) => {
    const { alpha = 1, beta = 0, transposeA = false, transposeB = false } = options
    if (!(out instanceof HeapTensor)) return toArray(a, b, out, options)
    const combined = alpha !== 1 || beta !== 0
    const product = combined ? new HeapTensor(out.rows, out.cols, uncombined.reserve(out.rows * out.cols), heap) : out
    multiply(cpuTensor(a), cpuTensor(b), product, transposeA, transposeB)
    if (combined) kernels.combine(product.address, out.address, out.rows * out.cols, alpha, beta)
  }
}

/** {@link Engine.gemm} without linear memory. */
export function createArrayGemm(products: OnnxProducts | undefined, js: Engine): Engine['gemm'] {
  return (a, b, out, options = {}) => {
    const { alpha = 1, beta = 0, transposeA = false, transposeB = false } = options
    if (!products || alpha !== 1 || beta !== 0) return js.gemm(a, b, out, options)
    products.multiply(cpuTensor(a), cpuTensor(b), cpuTensor(out), transposeA, transposeB)
  }
}
