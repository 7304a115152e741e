import attention from './attention.generated.js'
import { align, createMemory, instantiate, PAGE_BYTES } from './wasm.js'

/** Writes sum over i of softmax_i(q . keys[i]) values[i] for q [d] to out [k]; returns the largest q . keys[i]. */
type AttentionKernel = (q: Float32Array, out: Float32Array) => number

/**
 * Makes a function for attention over fixed keys and values at the speed of memory: both are copied once, next to a
 * WebAssembly SIMD kernel, or plain TypeScript does the work. Synchronous, needs no Node API.
 * @param keys [n, d] row-major
 * @param values [n, k] row-major
 */
export function createAttentionKernel(keys: Float32Array, values: Float32Array, n: number): AttentionKernel {
  return createWasmKernel(keys, values, n) ?? createPlainAttentionKernel(keys, values, n)
}

function createWasmKernel(keys: Float32Array, values: Float32Array, n: number): AttentionKernel | undefined {
  const [d, k] = [keys.length / n, values.length / n]
  // The first page belongs to the kernel's constants.
  const qAt = PAGE_BYTES / 4
  const outAt = qAt + align(d)
  const zerosAt = outAt + align(k)
  const weightsAt = zerosAt + align(n)
  const rowsAt = weightsAt + align(n)
  const keysAt = rowsAt + align(n)
  const valuesAt = keysAt + align(keys.length)
  const memory = createMemory(Math.ceil(((valuesAt + values.length) * 4) / PAGE_BYTES))
  if (!memory) return undefined
  type Exports = { attend(...addressesAndSizes: number[]): number }
  const kernel = instantiate<Exports>(attention, memory)
  if (!kernel) return undefined

  const floats = new Float32Array(memory.buffer)
  floats.set(keys, keysAt)
  floats.set(values, valuesAt)
  const result = floats.subarray(outAt, outAt + k)
  const addresses = [keysAt, valuesAt, qAt, zerosAt, weightsAt, rowsAt, outAt].map(at => at * 4)
  return (q, out) => {
    floats.set(q, qAt)
    const top = kernel.attend(...addresses, n, d, k)
    out.set(result)
    return top
  }
}

/** {@link createAttentionKernel} without WebAssembly; sums in double precision and copies nothing. */
export function createPlainAttentionKernel(keys: Float32Array, values: Float32Array, n: number): AttentionKernel {
  const [d, k] = [keys.length / n, values.length / n]
  const logits = new Float64Array(n)
  const sums = new Float64Array(k)
  return (q, out) => {
    let top = -Number.POSITIVE_INFINITY
    for (let i = 0; i < n; i++) {
      let s = 0
      for (let j = 0; j < d; j++) s += keys[i * d + j] * q[j]
      logits[i] = s
      top = Math.max(top, s)
    }
    let total = 0
    sums.fill(0)
    for (let i = 0; i < n; i++) {
      const weight = Math.exp(logits[i] - top)
      total += weight
      for (let j = 0; j < k; j++) sums[j] += weight * values[i * k + j]
    }
    for (let j = 0; j < k; j++) out[j] = sums[j] / total
    return top
  }
}
