import { describe, expect, test } from 'vitest'
import { solvePositiveDefinite } from '../../src/math/cholesky.js'
import { createRandom } from '../../src/math/random.js'

function randomValues(count: number, seed: number): Float64Array {
  const random = createRandom(seed)
  return Float64Array.from({ length: count }, () => random.normal())
}

/** G G^T + I */
function positiveDefinite(n: number, seed: number): Float64Array {
  const G = randomValues(n * n, seed)
  const A = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let s = i === j ? 1 : 0
      for (let t = 0; t < n; t++) s += G[i * n + t] * G[j * n + t]
      A[i * n + j] = s
    }
  }
  return A
}

describe('solvePositiveDefinite', () => {
  test('solves a system worked out by hand', () => {
    // [4 2; 2 3] (1, 2) = (8, 8) and [4 2; 2 3] (-1, 0) = (-4, -2)
    const X = Float64Array.of(8, 8, -4, -2)
    expect(solvePositiveDefinite(Float64Array.of(4, 2, 2, 3), X)).toBe(true)
    ;[1, 2, -1, 0].forEach((value, i) => {
      expect(X[i]).toBeCloseTo(value, 14)
    })
  })

  test.each([
    [1, 1],
    [2, 5],
    [5, 3],
    [63, 4],
    [64, 1],
    [65, 7],
    [130, 9],
    [200, 200],
  ])('solves systems of %d unknowns with %d right-hand sides', (n, m) => {
    const A = positiveDefinite(n, n)
    const expected = randomValues(m * n, 1)
    const B = new Float64Array(m * n)
    for (let r = 0; r < m; r++) {
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) B[r * n + i] += A[i * n + j] * expected[r * n + j]
    }
    expect(solvePositiveDefinite(A, B)).toBe(true)
    let worst = 0
    for (let k = 0; k < B.length; k++) worst = Math.max(worst, Math.abs(B[k] - expected[k]))
    expect(worst).toBeLessThan(1e-8)
  })

  test('reads the lower triangle alone', () => {
    const A = positiveDefinite(70, 3)
    const [whole, lower] = [randomValues(70, 4), randomValues(70, 4)]
    const half = A.map((value, k) => (k % 70 > Math.floor(k / 70) ? Number.NaN : value))
    expect(solvePositiveDefinite(A, whole)).toBe(true)
    expect(solvePositiveDefinite(half, lower)).toBe(true)
    expect(lower).toEqual(whole)
  })

  test.each([
    ['zero', () => new Float64Array(4)],
    ['singular', () => Float64Array.of(1, 1, 1, 1)],
    ['indefinite', () => Float64Array.of(1, 2, 2, 1)],
    ['not finite', () => Float64Array.of(Number.NaN, 0, 0, 1)],
    ['singular in its second block', () => positiveDefinite(80, 1).map((v, k) => (k >= 79 * 80 || k % 80 === 79 ? 0 : v))],
  ])('refuses a matrix that is %s', (_, make) => {
    const A = make()
    expect(solvePositiveDefinite(A, new Float64Array(Math.sqrt(A.length)))).toBe(false)
  })
  test('counts a pivot as zero that is within the precision of the values', () => {
    const A = () => Float64Array.of(1, 1, 1, 1 + 1e-7)
    expect(solvePositiveDefinite(A(), new Float64Array(2))).toBe(true)
    expect(solvePositiveDefinite(A(), new Float64Array(2), 1e-6)).toBe(false)
  })
})
