import linear from './linear.generated.js'
import { createMemory, instantiate, PAGE_BYTES } from './wasm.js'

/** q' = W q + b for one vector: reads `q`, writes `out`. */
export type LinearKernel = (q: ArrayLike<number>, out: Float32Array) => void

/**
 * A function that applies a linear adapter to one vector at the speed of memory: W is copied once, next to a WebAssembly SIMD
 * kernel; plain TypeScript does the work where WebAssembly or its SIMD instructions are missing. Synchronous, needs no Node API.
 *
 * @param W [rows, cols] row-major
 * @param b [rows]; absent means zero
 * @param cols length of `q`; the length of `out` is rows = W.length / cols
 */
export function createLinearKernel(W: Float32Array, b: Float32Array | undefined, cols: number): LinearKernel {
  return createWasmKernel(W, b, cols) ?? createPlainKernel(W, b, cols)
}

function createWasmKernel(W: Float32Array, b: Float32Array | undefined, cols: number): LinearKernel | undefined {
  const rows = W.length / cols
  const [qAt, bAt] = [0, align(cols)]
  const outAt = bAt + align(rows)
  const wAt = outAt + align(rows)
  const memory = createMemory(Math.ceil(((wAt + W.length) * 4) / PAGE_BYTES))
  if (!memory) return undefined
  type Exports = { applyLinear(W: number, b: number, q: number, out: number, rows: number, cols: number): void }
  const kernel = instantiate<Exports>(linear, memory)
  if (!kernel) return undefined

  const values = new Float32Array(memory.buffer)
  values.set(W, wAt)
  if (b) values.set(b, bAt)
  const result = values.subarray(outAt, outAt + rows)
  return (q, out) => {
    values.set(q, qAt)
    kernel.applyLinear(wAt * 4, bAt * 4, qAt * 4, outAt * 4, rows, cols)
    out.set(result)
  }
}

const align = (count: number): number => Math.ceil(count / 16) * 16

/** {@link createLinearKernel} without WebAssembly; sums in double precision, and reads W where it is. */
export function createPlainKernel(W: Float32Array, b: Float32Array | undefined, cols: number): LinearKernel {
  const rows = W.length / cols
  const x = new Float64Array(cols)
  return (q, out) => {
    x.set(q)
    for (let i = 0; i < rows; i++) out[i] = dot(W.subarray(i * cols, (i + 1) * cols), x) + (b ? b[i] : 0)
  }
}

/** Four sums at a time, so that one addition does not wait for the last. */
function dot(w: Float32Array, x: Float64Array): number {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let j = 0
  for (; j + 4 <= w.length; j += 4) {
    s0 += w[j] * x[j]
    s1 += w[j + 1] * x[j + 1]
    s2 += w[j + 2] * x[j + 2]
    s3 += w[j + 3] * x[j + 3]
  }
  for (; j < w.length; j++) s0 += w[j] * x[j]
  return s0 + s1 + (s2 + s3)
}
