import { expect, test } from 'vitest'
import { createRandom } from '../../src/math/random.js'
import { symmetricEigen } from '../../src/math/symmetric-eigen.js'

/** Symmetric, with the given eigenvalues: reflected three times from the diagonal matrix. */
function withEigenvalues(values: readonly number[], seed: number): Float64Array {
  const n = values.length
  const random = createRandom(seed)
  let A = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? values[i / (n + 1)] : 0))
  for (let turn = 0; turn < 3; turn++) {
    const v = Float64Array.from({ length: n }, () => random.normal())
    const square = v.reduce((sum, x) => sum + x * x, 0)
    const H = (i: number, j: number) => (i === j ? 1 : 0) - (2 * v[i] * v[j]) / square
    const left = Float64Array.from({ length: n * n }, (_, at) => {
      let s = 0
      for (let t = 0; t < n; t++) s += H(Math.floor(at / n), t) * A[t * n + (at % n)]
      return s
    })
    A = Float64Array.from({ length: n * n }, (_, at) => {
      let s = 0
      for (let t = 0; t < n; t++) s += left[Math.floor(at / n) * n + t] * H(t, at % n)
      return s
    })
  }
  return A
}

/** The largest eigenvalue left and its vector, by nothing but multiplying; then taken away. */
function powerIteration(A: Float64Array, n: number, count: number): { value: number; vector: Float64Array }[] {
  const rest = A.slice()
  return Array.from({ length: count }, (_, which) => {
    let x = Float64Array.from({ length: n }, (_, i) => Math.sin(1 + i + which))
    let value = 0
    for (let step = 0; step < 3000; step++) {
      const y = Float64Array.from({ length: n }, (_, i) => {
        let s = 0
        for (let j = 0; j < n; j++) s += rest[i * n + j] * x[j]
        return s
      })
      value = Math.hypot(...y)
      x = y.map(v => v / value)
    }
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) rest[i * n + j] -= value * x[i] * x[j]
    return { value, vector: x }
  })
}

test('finds the eigenvalues that a matrix was made of, and orthonormal vectors that it only scales', () => {
  const values = [9, 5, 2, 2, 1, 0.25, 0, -3]
  const n = values.length
  const A = withEigenvalues(values, 3)
  const { values: found, vectors } = symmetricEigen(A.slice(), n)
  expect([...found].map(x => Math.round(1e9 * x) / 1e9 + 0)).toEqual(values)
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      let [inner, scaled] = [0, 0]
      for (let i = 0; i < n; i++) {
        inner += vectors[a * n + i] * vectors[b * n + i]
        scaled += A[a * n + i] * vectors[b * n + i]
      }
      expect(inner).toBeCloseTo(a === b ? 1 : 0, 10)
      expect(scaled).toBeCloseTo(found[b] * vectors[b * n + a], 10)
    }
  }
})

test('agrees with a plain power iteration, and gives the first ones alone the same', () => {
  const n = 40
  const random = createRandom(8)
  const X = Float64Array.from({ length: 90 * n }, (_, i) => random.normal() / (1 + (i % n)))
  const A = Float64Array.from({ length: n * n }, (_, at) => {
    let s = 0
    for (let i = 0; i < 90; i++) s += X[i * n + Math.floor(at / n)] * X[i * n + (at % n)]
    return s
  })
  const { values, vectors } = symmetricEigen(A.slice(), n)
  for (const [i, { value, vector }] of powerIteration(A, n, 4).entries()) {
    const own = vectors.subarray(i * n, (i + 1) * n)
    expect(values[i]).toBeCloseTo(value, 8)
    expect(Math.abs(own.reduce((sum, x, j) => sum + x * vector[j], 0))).toBeCloseTo(1, 8)
    expect(Math.max(...own)).toBe(Math.max(...own.map(Math.abs)))
  }
  const some = symmetricEigen(A.slice(), n, 3)
  expect(some.values).toEqual(values.slice(0, 3))
  expect(some.vectors).toEqual(vectors.slice(0, 3 * n))
})

test('takes a matrix that is diagonal already, of one value, and of values that are equal', () => {
  expect(symmetricEigen(Float64Array.of(1, 0, 0, 4), 2)).toEqual({
    values: Float64Array.of(4, 1),
    vectors: Float64Array.of(0, 1, 1, 0),
  })
  expect(symmetricEigen(Float64Array.of(7), 1)).toEqual({ values: Float64Array.of(7), vectors: Float64Array.of(1) })
  expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0])
})
