import type { Heap } from './heap.js'
import kernels from './kernels.generated.js'
import { instantiate } from './wasm.js'

/** A matrix: its address in linear memory. */
type Address = number
/** An array in linear memory, 0 for none. */
type Optional = number

/** The functions of assembly/kernels.ts, where their parameters are described; `n` counts values. */
export interface Kernels {
  addSum(x: Address, n: number): number
  squaredNorm(x: Address, n: number): number
  combine(x: Address, out: Address, n: number, alpha: number, beta: number): void
  gatherRows(x: Address, rows: Address, out: Address, count: number, cols: number): void
  multiply(a: Address, b: Address, out: Address, rows: number, cols: number, repeat: boolean): void
  relu(x: Address, out: Address, n: number): void
  reluBackward(y: Address, grad: Address, out: Address, n: number): void
  addRowVector(x: Address, v: Address, rows: number, cols: number): void
  sumRows(x: Address, out: Address, rows: number, cols: number): void
  transpose(x: Address, out: Address, rows: number, cols: number): void
  normalizeRows(x: Address, out: Address, norms: Address, rows: number, cols: number, smallest: number): void
  normalizeRowsBackward(z: Address, norms: Address, g: Address, out: Address, rows: number, cols: number): void
  multiplyMatrices(
    ...args: [
      ...[a: Address, b: Address, out: Address, m: number, n: number, k: number],
      ...[transposeB: boolean, scratch: Address],
    ]
  ): void
  softmaxCrossEntropy(
    ...args: [
      ...[scores: Address, rows: number, cols: number],
      ...[targetOffsets: Address, targetColumns: Address, targetValues: Optional],
      ...[maskOffsets: Optional, maskColumns: Optional, bias: Optional],
      ...[scale: number, factor: number, loss: Address],
    ]
  ): void
  onlineSoftmax(
    ...args: [
      ...[scores: Address, rows: number, cols: number],
      ...[maskOffsets: Optional, maskColumns: Optional, bias: Optional],
      ...[scale: number, top: Address, sum: Address, acc: Address, dimensions: number],
    ]
  ): void
  finishSoftmax(
    ...args: [
      ...[z: Address, pool: Address, rows: number, dimensions: number],
      ...[targetOffsets: Address, targetColumns: Address, targetValues: Optional, bias: Optional],
      ...[scale: number, factor: number, top: Address, sum: Address, acc: Address, loss: Address],
    ]
  ): void
  adamw(
    ...args: [
      ...[param: Address, grad: Address, m: Address, v: Address, rows: number, cols: number, anchor: number],
      ...[clip: number, l2: number, shrink: number],
      ...[beta1: number, rest1: number, beta2: number, rest2: number, rate: number, eps: number],
    ]
  ): void
}

/** Values of scratch that {@link Kernels.multiplyMatrices} needs. */
export const PRODUCT_SCRATCH = 8 * 256 + 32

/** Instantiates the kernels over a heap; undefined without WebAssembly SIMD. */
export const createKernels = (heap: Heap): Kernels | undefined => instantiate<Kernels>(kernels, heap.memory)
