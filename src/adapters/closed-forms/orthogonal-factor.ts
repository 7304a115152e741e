import type { Engine } from '../../engines/engine.js'
import { identity, type Matrix, matrix } from '../../math/matrix.js'

/** Steps after which a matrix counts as singular; the smallest singular value grows by half or more in each. */
const MOST_STEPS = 64

/** From this distance |I - X^T X| on, two plain steps reach the precision of float32: each squares it. */
const NEARLY = 1e-2

/** Guess of the least singular value; a wrong one costs steps, never the result. */
const LEAST_SINGULAR_VALUE = 1e-3

/**
 * The orthogonal factor U V^T of M = U S V^T: the orthogonal matrix nearest to M, and the one that maximises tr(W^T M).
 *
 * Newton-Schulz steps X <- a X (3 I - a^2 X^T X) / 2 on M over a bound of its largest singular value: nothing but matrix
 * products. The scaling a follows a guess of the least singular value and lifts small ones by up to 2.6 a step.
 *
 * @param M [d, d]
 * @returns [d, d], or undefined when M is singular, so that there is no single such matrix
 * @see https://doi.org/10.1137/1.9780898717778 (Higham, Functions of Matrices, chapter 8)
 * @see https://www.mcs.anl.gov/papers/P5059-0114.pdf (Chen and Chow, the scaling)
 */
export async function orthogonalFactor(engine: Engine, M: Matrix): Promise<Matrix | undefined> {
  const d = M.rows
  const I = engine.upload(identity(d))
  const [ones, sum] = [engine.alloc(1, d), engine.alloc(1, 1)]
  const [E, next] = [engine.alloc(d, d), engine.alloc(d, d)]
  const X = engine.upload(M)
  const length = async (t = E): Promise<number> => {
    engine.squaredNorm(t, sum, false)
    return Math.sqrt((await engine.read(sum))[0])
  }
  const scale = (factor: number): void => {
    engine.fill(ones, factor)
    engine.multiply(X, ones, X)
  }
  /** out = x */
  const copy = (x: typeof X, out: typeof X): void => {
    engine.fill(ones, 1)
    engine.multiply(x, ones, out)
  }
  try {
    const frobenius = await length(X)
    if (!(frobenius > 0)) return undefined
    scale(1 / frobenius)
    // |(X^T X)^2|_F is at least the fourth power of the largest singular value, and closer to it than |X|_F.
    engine.gemm(X, X, E, { transposeA: true })
    engine.gemm(E, E, next)
    scale(1 / (1.001 * Math.sqrt(Math.sqrt(await length(next)))))

    let least = LEAST_SINGULAR_VALUE
    let finishing = 0
    for (let step = 0; step < MOST_STEPS; step++) {
      copy(I, E)
      engine.gemm(X, X, E, { transposeA: true, alpha: -1, beta: 1 })
      const distance = finishing > 0 ? 0 : await length()
      if (distance < NEARLY) finishing++
      const a = distance < 0.5 ? 1 : Math.sqrt(3 / (1 + least + least * least))
      least = (a * least * (3 - a * a * least * least)) / 2
      copy(X, next)
      engine.gemm(X, E, next, { alpha: a ** 3 / 2, beta: (a * (3 - a * a)) / 2 })
      copy(next, X)
      if (finishing === 2) return matrix(d, d, await engine.read(X))
    }
    return undefined
  } finally {
    for (const t of [I, ones, sum, E, next, X]) engine.free(t)
  }
}
