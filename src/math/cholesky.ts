/** Columns that are worked on at a time, so that what they touch stays in the cache. */
const BLOCK = 64

/**
 * Solves x A = b for every row b, by Cholesky's decomposition A = L L^T in double precision.
 * @param A [n, n] symmetric positive definite, row-major; only its lower triangle is read; overwritten by L
 * @param X [m, n] one right-hand side a row, overwritten by the solutions
 * @param precision relative precision of A's values: a pivot below this share of the largest diagonal value counts as zero
 * @returns false when A is not positive definite to that precision; A and X are then of no use
 */
export function solvePositiveDefinite(A: Float64Array, X: Float64Array, precision = 1e-14): boolean {
  const n = Math.round(Math.sqrt(A.length))
  const m = X.length / n
  if (!decompose(A, n, precision)) return false
  for (let from = 0; from < n; from += BLOCK) {
    const to = Math.min(n, from + BLOCK)
    solveColumns(A, X, n, m, from, to)
    const rest = { data: X, at: to, stride: n, rows: m, cols: n - to }
    subtractProduct(rest, { data: X, at: from, stride: n }, { data: A, at: to * n + from, stride: n }, to - from)
  }
  const panel = new Float64Array(BLOCK * n)
  for (let from = Math.floor((n - 1) / BLOCK) * BLOCK; from >= 0; from -= BLOCK) {
    const to = Math.min(n, from + BLOCK)
    solveColumnsBackward(A, X, n, m, from, to)
    const depth = to - from
    for (let t = 0; t < depth; t++) for (let j = 0; j < from; j++) panel[j * depth + t] = A[(from + t) * n + j]
    const rest = { data: X, at: 0, stride: n, rows: m, cols: from }
    subtractProduct(rest, { data: X, at: from, stride: n }, { data: panel, at: 0, stride: depth }, depth)
  }
  return true
}

/** A = L L^T, in blocks of columns; L takes the place of the lower triangle. */
function decompose(A: Float64Array, n: number, precision: number): boolean {
  let largest = 0
  for (let i = 0; i < n; i++) largest = Math.max(largest, A[i * n + i])
  for (let from = 0; from < n; from += BLOCK) {
    const to = Math.min(n, from + BLOCK)
    for (let i = from; i < to; i++) {
      for (let j = from; j <= i; j++) {
        let s = A[i * n + j]
        for (let t = from; t < j; t++) s -= A[i * n + t] * A[j * n + t]
        if (i > j) A[i * n + j] = s / A[j * n + j]
        else if (s > precision * largest) A[i * n + i] = Math.sqrt(s)
        else return false
      }
    }
    solveColumns(A, A.subarray(to * n), n, n - to, from, to)
    // In stripes, to leave out most of what lies above the diagonal.
    for (let i = to; i < n; i += BLOCK) {
      const end = Math.min(n, i + BLOCK)
      const rest = { data: A, at: i * n + to, stride: n, rows: end - i, cols: end - to }
      const [left, right] = [i, to].map(row => ({ data: A, at: row * n + from, stride: n }))
      subtractProduct(rest, left, right, to - from)
    }
  }
  return true
}

/** Columns `from` to `to` of y L^T = x, where what earlier columns take away has been subtracted. */
function solveColumns(L: Float64Array, x: Float64Array, n: number, m: number, from: number, to: number): void {
  for (let i = 0; i < m; i++) {
    for (let j = from; j < to; j++) {
      let s = x[i * n + j]
      for (let t = from; t < j; t++) s -= x[i * n + t] * L[j * n + t]
      x[i * n + j] = s / L[j * n + j]
    }
  }
}

/** Columns `from` to `to` of y L = x, where what later columns take away has been subtracted. */
function solveColumnsBackward(L: Float64Array, x: Float64Array, n: number, m: number, from: number, to: number): void {
  for (let i = 0; i < m; i++) {
    for (let j = to - 1; j >= from; j--) {
      let s = x[i * n + j]
      for (let t = j + 1; t < to; t++) s -= x[i * n + t] * L[t * n + j]
      x[i * n + j] = s / L[j * n + j]
    }
  }
}

/** A part of a row-major matrix: its first element, and the distance from one row to the next. */
type Part = { readonly data: Float64Array; readonly at: number; readonly stride: number }

/**
 * C -= A B^T, four by four dot products at a time.
 *
 * Written out once more beside `multiplyTransposed`, which works on whole float32 matrices: a loop is compiled for the
 * types of arrays that it meets, and one that both called would be compiled for neither.
 */
function subtractProduct(
  { data: C, at: c, stride, rows, cols }: Part & { readonly rows: number; readonly cols: number },
  { data: A, at: a, stride: aStride }: Part,
  { data: B, at: b, stride: bStride }: Part,
  depth: number,
): void {
  const rows4 = rows - (rows % 4)
  const cols4 = cols - (cols % 4)
  for (let i = 0; i < rows4; i += 4) {
    for (let j = 0; j < cols4; j += 4) {
      let p = a + i * aStride
      let q = b + j * bStride
      let s00 = 0
      let s01 = 0
      let s02 = 0
      let s03 = 0
      let s10 = 0
      let s11 = 0
      let s12 = 0
      let s13 = 0
      let s20 = 0
      let s21 = 0
      let s22 = 0
      let s23 = 0
      let s30 = 0
      let s31 = 0
      let s32 = 0
      let s33 = 0
      for (let t = 0; t < depth; t++, p++, q++) {
        const x0 = A[p]
        const x1 = A[p + aStride]
        const x2 = A[p + 2 * aStride]
        const x3 = A[p + 3 * aStride]
        const y0 = B[q]
        const y1 = B[q + bStride]
        const y2 = B[q + 2 * bStride]
        const y3 = B[q + 3 * bStride]
        s00 += x0 * y0
        s01 += x0 * y1
        s02 += x0 * y2
        s03 += x0 * y3
        s10 += x1 * y0
        s11 += x1 * y1
        s12 += x1 * y2
        s13 += x1 * y3
        s20 += x2 * y0
        s21 += x2 * y1
        s22 += x2 * y2
        s23 += x2 * y3
        s30 += x3 * y0
        s31 += x3 * y1
        s32 += x3 * y2
        s33 += x3 * y3
      }
      const to = c + i * stride + j
      const sums = [s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33]
      for (let k = 0; k < 16; k++) C[to + (k >> 2) * stride + (k & 3)] -= sums[k]
    }
  }
  for (let i = 0; i < rows; i++) {
    for (let j = i < rows4 ? cols4 : 0; j < cols; j++) {
      let s = 0
      for (let t = 0; t < depth; t++) s += A[a + i * aStride + t] * B[b + j * bStride + t]
      C[c + i * stride + j] -= s
    }
  }
}
