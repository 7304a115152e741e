import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import { matrix, norm } from '../math/matrix.js'
import { createRandom } from '../math/random.js'

const QUERIES = 256

/**
 * How far rounding turned what an adapter gives: the largest 1 - cosine between the results of both on 256 queries of random
 * direction, the same ones every time.
 */
export function worstCosineError(exact: Adapter, rounded: Adapter): number {
  const random = createRandom(1)
  const d = exact.base.dimensions
  const queries = matrix(QUERIES, d)
  for (let i = 0; i < queries.data.length; i++) queries.data[i] = random.normal() / Math.sqrt(d)
  const [a, b] = [applyAdapter(exact, queries), applyAdapter(rounded, queries)]
  let worst = 0
  for (let i = 0; i < QUERIES; i++) {
    const [u, v] = [a, b].map(m => m.data.subarray(i * m.cols, (i + 1) * m.cols))
    const [uNorm, vNorm] = [norm(u), norm(v)]
    // Half the squared distance of the unit vectors: a difference of cosines would drown in its own rounding.
    let squared = 0
    for (let j = 0; j < u.length; j++) squared += (u[j] / uNorm - v[j] / vNorm) ** 2
    worst = Math.max(worst, squared / 2)
  }
  return worst
}
