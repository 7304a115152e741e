import { availableParallelism } from 'node:os'
import type { DescribedEngine } from '../engine.js'
import { createJsEngine } from '../js.js'
import { createHeap } from './heap.js'
import { createKernels } from './kernels.js'
import { createOnnxProducts } from './onnxruntime.js'
import { createArrayGemm, createGemm, createOperations } from './operations.js'
import { createTensors, OUTSIDE_BYTES } from './tensors.js'

interface CpuEngineOptions {
  /** Threads of a matrix product. Default: all that the machine runs at once. */
  readonly threads?: number
  /** True (default) if matrix products may use onnxruntime. */
  readonly onnxruntime?: boolean
  /** True (default) if the rest may use WebAssembly. */
  readonly wasm?: boolean
  /**
   * Size above which a matrix is kept outside WebAssembly's memory. Gathering and products stay fast; other operations
   * on it are slow. Default: 256 MiB.
   */
  readonly outsideBytes?: number
}

/**
 * Starts the engine for machines without a GPU: matrix products by onnxruntime, the rest by WebAssembly SIMD kernels on
 * the same memory. WebAssembly and plain TypeScript take over what is missing.
 *
 * An uploaded matrix of more than `outsideBytes` is not copied: its array must not change while the tensor is in use.
 */
export async function createCpuEngine(options: CpuEngineOptions = {}): Promise<DescribedEngine> {
  const { threads = availableParallelism(), onnxruntime = true, wasm = true, outsideBytes = OUTSIDE_BYTES } = options
  const js = createJsEngine()
  const heap = wasm ? createHeap() : undefined
  const kernels = heap && createKernels(heap)
  const products = onnxruntime ? await createOnnxProducts(threads) : undefined
  return {
    ...js,
    ...createTensors(kernels && heap, outsideBytes),
    ...(heap && kernels && createOperations(heap, kernels, js)),
    gemm: heap && kernels ? createGemm(heap, kernels, products, js) : createArrayGemm(products, js),
    name: 'cpu',
    description: [products?.description, kernels ? 'WebAssembly SIMD' : 'plain TypeScript'].filter(Boolean).join('; '),
    dispose: () => products?.dispose(),
  }
}
