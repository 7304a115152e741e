import { type Matrix, matrix } from '../math/matrix.js'
import type { Engine, GemmOptions } from './engine.js'

/** Computes op(a) op(b) of matrices in host memory on an engine. */
export async function product(engine: Engine, a: Matrix, b: Matrix, options: GemmOptions): Promise<Matrix> {
  const [rows, cols] = [options.transposeA ? a.cols : a.rows, options.transposeB ? b.rows : b.cols]
  const out = engine.alloc(rows, cols)
  const left = engine.upload(a)
  const right = a === b ? left : engine.upload(b)
  engine.gemm(left, right, out, options)
  const values = await engine.read(out)
  for (const t of new Set([left, right, out])) engine.free(t)
  return matrix(rows, cols, values)
}
