import type { Engine } from '../engine.js'
import type { Heap } from './heap.js'
import { type Kernels, PRODUCT_SCRATCH } from './kernels.js'
import type { OnnxProducts } from './onnxruntime.js'
import { Scratch } from './scratch.js'
import { type CpuTensor, cpuTensor, HeapTensor } from './tensors.js'

/** Multiplications below which a product in WebAssembly is done before onnxruntime has started. */
const SMALL_PRODUCT = 250_000

/** Rows up to which X W^T is computed as (W X^T)^T: onnxruntime repacks its second factor, which then is the small one. */
const FEW_ROWS = 128

/** out = op(a) op(b), with `out` in linear memory. */
type Product = (a: CpuTensor, b: CpuTensor, out: HeapTensor, transposeA: boolean, transposeB: boolean) => void

/** {@link Engine.gemm} in linear memory; `js` does what goes to an array outside and has to be combined with it. */
export function createGemm(
  heap: Heap,
  kernels: Kernels,
  products: OnnxProducts | undefined,
  js: Engine,
): Engine['gemm'] {
  const multiply = products ? createMixedProduct(heap, kernels, products) : createWasmProduct(heap, kernels)
  const toArray = createArrayGemm(products, js)
  const scratch = new Scratch(heap)
  return (a, b, out, options = {}) => {
    const { alpha = 1, beta = 0, transposeA = false, transposeB = false } = options
    if (!(out instanceof HeapTensor)) return toArray(a, b, out, options)
    const combined = alpha !== 1 || beta !== 0
    const product = combined ? new HeapTensor(out.rows, out.cols, scratch.reserve(out.rows * out.cols), heap) : out
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

/** By onnxruntime, but for what is too small for it. */
function createMixedProduct(heap: Heap, kernels: Kernels, products: OnnxProducts): Product {
  const inWasm = createWasmProduct(heap, kernels)
  const scratch = new Scratch(heap)
  return (a, b, out, transposeA, transposeB) => {
    const { rows: m, cols: n } = out
    const k = transposeA ? a.rows : a.cols
    if (m * n * k < SMALL_PRODUCT) {
      inWasm(a, b, out, transposeA, transposeB)
    } else if (!transposeA && transposeB && m <= FEW_ROWS && n > 4 * m) {
      const turned = new HeapTensor(n, m, scratch.reserve(m * n), heap)
      products.multiply(b, a, turned, false, true)
      kernels.transpose(turned.address, out.address, n, m)
    } else if (transposeA && a.address !== undefined) {
      // onnxruntime would transpose a part of A again for every part of the output.
      const turned = new HeapTensor(m, k, scratch.reserve(m * k), heap)
      kernels.transpose(a.address, turned.address, k, m)
      products.multiply(turned, b, out, false, transposeB)
    } else {
      products.multiply(a, b, out, transposeA, transposeB)
    }
  }
}

/** By the kernels; factors that live outside linear memory are copied in. */
function createWasmProduct(heap: Heap, kernels: Kernels): Product {
  const left = new Scratch(heap)
  const right = new Scratch(heap)
  const turned = new Scratch(heap)
  const panel = new Scratch(heap)
  return (a, b, out, transposeA, transposeB) => {
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
}
