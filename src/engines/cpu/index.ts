import { availableParallelism } from 'node:os'
import type { Engine } from '../engine.js'
import { createJsEngine } from '../js.js'
import { createArrayGemm, createGemm } from './gemm.js'
import { createHeap } from './heap.js'
import { createKernels } from './kernels.js'
import { createOnnxProducts } from './onnxruntime.js'
import { createOperations } from './operations.js'
import { cpuTensor, OUTSIDE_BYTES, TensorStore } from './tensors.js'

export interface CpuEngineOptions {
  /** Threads of a matrix product; as many as the machine runs at once by default. */
  readonly threads?: number
  /** Whether matrix products may use onnxruntime, true by default. */
  readonly onnxruntime?: boolean
  /** Whether the rest may use WebAssembly, true by default. */
  readonly wasm?: boolean
  /**
   * Matrices above this size are kept outside WebAssembly's memory, 256 MiB by default. Rows are gathered from them and products
   * made with them as fast; other operations on them are slow.
   */
  readonly outsideBytes?: number
}

/** An {@link Engine} that says what it runs on. */
export interface CpuEngine extends Engine {
  /** Such as "onnxruntime 1.30.0, 2 threads; WebAssembly SIMD". */
  readonly description: string
}

/**
 * The engine for machines without a GPU: matrix products by onnxruntime, everything else by WebAssembly SIMD kernels on the same
 * memory. Without onnxruntime-node WebAssembly does the products too; without WebAssembly SIMD plain TypeScript does the rest.
 *
 * An uploaded matrix of more than `outsideBytes` is not copied: its array must not change for as long as the tensor is in use.
 */
export async function createCpuEngine(options: CpuEngineOptions = {}): Promise<CpuEngine> {
  const { threads = availableParallelism(), onnxruntime = true, wasm = true, outsideBytes = OUTSIDE_BYTES } = options
  const js = createJsEngine()
  const heap = wasm ? createHeap() : undefined
  const kernels = heap && createKernels(heap)
  const products = onnxruntime ? await createOnnxProducts(threads) : undefined
  const tensors = new TensorStore(kernels && heap, outsideBytes)

  return {
    ...js,
    ...(heap && kernels && createOperations(heap, kernels, js)),
    gemm: heap && kernels ? createGemm(heap, kernels, products, js) : createArrayGemm(products, js),
    name: 'cpu',
    description: [products?.description, kernels ? 'WebAssembly SIMD' : 'plain TypeScript'].filter(Boolean).join('; '),
    upload: m => tensors.upload(m),
    alloc(rows, cols) {
      const t = tensors.create(rows, cols)
      t.data.fill(0)
      return t
    },
    view: (t, start, count) => tensors.view(cpuTensor(t), start, count),
    free: t => tensors.free(cpuTensor(t)),
    read: async t => cpuTensor(t).data.slice(),
    dispose: () => products?.dispose(),
  }
}
