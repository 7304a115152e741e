import linear from './linear.generated.js'
import { align, createMemory, instantiate, PAGE_BYTES } from './wasm.js'

/** Writes W q + b to `out`. */
type LinearKernel = (q: ArrayLike<number>, out: Float32Array) => void

/**
 * Makes a function that applies W and b to one vector at the speed of memory: W is copied once, next to a WebAssembly
 * SIMD kernel, or plain TypeScript does the work. Synchronous, needs no Node API.
 * @param W [rows, cols] row-major
 * @param b [rows]; absent means zero
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

/** {@link createLinearKernel} without WebAssembly; sums in double precision and does not copy W. */
export function createPlainKernel(W: Float32Array, b: Float32Array | undefined, cols: number): LinearKernel {
  const rows = W.length / cols
  const x = new Float64Array(cols)
  return (q, out) => {
    x.set(q)
    for (let i = 0; i < rows; i++) out[i] = dot(W.subarray(i * cols, (i + 1) * cols), x) + (b ? b[i] : 0)
  }
}

// Four sums at a time, so that one addition does not wait for the last.
function dot(w: Float32Array, x: Float64Array): number {
  let [s0, s1, s2, s3, j] = [0, 0, 0, 0, 0]
  for (; j + 4 <= w.length; j += 4) {
    s0 += w[j] * x[j]
    s1 += w[j + 1] * x[j + 1]
    s2 += w[j + 2] * x[j + 2]
    s3 += w[j + 3] * x[j + 3]
  }
  for (; j < w.length; j++) s0 += w[j] * x[j]
  return s0 + s1 + (s2 + s3)
}
