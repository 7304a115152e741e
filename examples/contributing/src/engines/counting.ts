import type { Engine } from './engine.js'
import { createJsEngine } from './js.js'

/** The js engine, which counts the multiplications of its matrix products: what a training step costs, on any machine. */
export function createCountingEngine(): Engine {
  const js = createJsEngine()
  let multiplications = 0
  return {
    ...js,
    name: 'counting',
    get description() {
      return `plain TypeScript; ${multiplications} multiplications in matrix products so far`
    },
    gemm(a, b, out, options) {
      multiplications += out.rows * out.cols * (options?.transposeA ? a.rows : a.cols)
      js.gemm(a, b, out, options)
    },
  }
}
