/** Steps of the iteration for one eigenvalue; two or three are usual. */
const MOST_STEPS = 60

/**
 * Computes the largest eigenvalues of a symmetric matrix and their eigenvectors, in double precision: Householder's reflections to a
 * tridiagonal matrix, then implicit QL. The component of largest size of every vector is positive.
 * @param A [n, n], row-major, of finite values; overwritten
 * @param count eigenvectors wanted
 * @returns eigenvalues, the largest first, and the eigenvector of each as a row of unit length, [count, n]
 * @throws RangeError if the iteration does not converge
 * @see https://doi.org/10.56021/9781421407944 (Golub and Van Loan, Matrix Computations, sections 8.3.1 to 8.3.3)
 */
export function symmetricEigen(A: Float64Array, n: number, count = n) {
  const reflections: Float64Array[] = []
  const [d, e] = [new Float64Array(n), new Float64Array(n)]
  for (let k = 0; k < n - 1; k++) {
    d[k] = A[k * n + k]
    reflections.push(reflect(A, n, k, e))
  }
  d[n - 1] = A[n * n - 1]
  const Z = diagonalise(d, e, n)
  const order = Array.from(d.keys()).sort((a, b) => d[b] - d[a] || a - b)
  const vectors = new Float64Array(count * n)
  for (let i = 0; i < count; i++) {
    const z = vectors.subarray(i * n, (i + 1) * n)
    z.set(Z.subarray(order[i] * n, (order[i] + 1) * n))
    for (let k = n - 2; k >= 0; k--) mirror(z, reflections[k], k + 1)
    let largest = 0
    for (const x of z) if (Math.abs(x) > Math.abs(largest)) largest = x
    if (largest < 0) for (let j = 0; j < n; j++) z[j] = -z[j]
  }
  return { values: Float64Array.from({ length: count }, (_, i) => d[order[i]]), vectors }
}

/**
 * A <- H A H for the reflection H = I - 2 v v^T that leaves zeros below the subdiagonal of column k, whose value becomes e[k].
 * @returns v, of unit length, for the rows from k + 1 on; zeros if there is nothing to reflect
 */
function reflect(A: Float64Array, n: number, k: number, e: Float64Array): Float64Array {
  const m = n - k - 1
  const v = new Float64Array(m)
  let length = 0
  for (let i = 0; i < m; i++) {
    v[i] = A[(k + 1 + i) * n + k]
    length += v[i] * v[i]
  }
  const rest = length - v[0] * v[0]
  length = Math.sqrt(length)
  e[k] = v[0] > 0 ? -length : length
  if (rest === 0) {
    e[k] = v[0]
    return v.fill(0)
  }
  const first = v[0] - e[k]
  const scale = 1 / Math.sqrt(rest + first * first)
  v[0] = first
  for (let i = 0; i < m; i++) v[i] *= scale
  // w = A v - (v^T A v) v, and A - 2 v w^T - 2 w v^T.
  const w = new Float64Array(m)
  let vAv = 0
  for (let i = 0; i < m; i++) {
    const at = (k + 1 + i) * n + k + 1
    let s = 0
    for (let j = 0; j < m; j++) s += A[at + j] * v[j]
    w[i] = s
    vAv += s * v[i]
  }
  for (let i = 0; i < m; i++) w[i] -= vAv * v[i]
  for (let i = 0; i < m; i++) {
    const at = (k + 1 + i) * n + k + 1
    const [a, b] = [2 * v[i], 2 * w[i]]
    for (let j = 0; j < m; j++) A[at + j] -= a * w[j] + b * v[j]
  }
  return v
}

/** z <- (I - 2 v v^T) z for the values from `start` on. */
function mirror(z: Float64Array, v: Float64Array, start: number): void {
  let s = 0
  for (let i = 0; i < v.length; i++) s += v[i] * z[start + i]
  for (let i = 0; i < v.length; i++) z[start + i] -= 2 * s * v[i]
}

/**
 * QL steps with implicit shifts, until the subdiagonal is negligible.
 * @param d the diagonal, which becomes the eigenvalues
 * @param e the subdiagonal, overwritten
 * @returns the eigenvectors as rows
 */
function diagonalise(d: Float64Array, e: Float64Array, n: number): Float64Array {
  const Z = new Float64Array(n * n)
  for (let i = 0; i < n; i++) Z[i * n + i] = 1
  for (let low = 0; low < n; low++) {
    for (let step = 0; ; step++) {
      let high = low
      while (high < n - 1 && Math.abs(e[high]) > Number.EPSILON * (Math.abs(d[high]) + Math.abs(d[high + 1]))) high++
      if (high === low) break
      if (step === MOST_STEPS) throw new RangeError(`eigenvalues: no convergence in ${MOST_STEPS} steps`)
      // Wilkinson's shift: the eigenvalue of the first two by two block that is nearer to d[low].
      const half = (d[low + 1] - d[low]) / (2 * e[low])
      const root = Math.hypot(half, 1)
      let g = d[high] - d[low] + e[low] / (half + (half < 0 ? -root : root))
      let [s, c, p] = [1, 1, 0]
      let i = high - 1
      for (; i >= low; i--) {
        const [f, b] = [s * e[i], c * e[i]]
        const r = Math.hypot(f, g)
        e[i + 1] = r
        if (r === 0) break
        s = f / r
        c = g / r
        g = d[i + 1] - p
        const t = (d[i] - g) * s + 2 * c * b
        p = s * t
        d[i + 1] = g + p
        g = c * t - b
        rotate(Z, i * n, (i + 1) * n, n, c, s)
      }
      if (i >= low) d[i + 1] -= p
      else {
        d[low] -= p
        e[low] = g
      }
      e[high] = 0
    }
  }
  return Z
}

/** Turns two rows in their plane. */
function rotate(Z: Float64Array, a: number, b: number, n: number, c: number, s: number): void {
  for (let j = 0; j < n; j++) {
    const [x, y] = [Z[a + j], Z[b + j]]
    Z[b + j] = s * x + c * y
    Z[a + j] = c * x - s * y
  }
}
