import type { Matrix } from './matrix.js'

/**
 * out = alpha * A B^T + beta * out, in plain TypeScript: four by four dot products at a time, summed in double precision.
 *
 * A value of `out` does not depend on how the matrices are cut into blocks, so equal rows give exactly equal products. The sums are
 * sixteen variables, not an array, so that they stay in registers; `cholesky.ts` has the like for parts of float64 matrices.
 * @param a [m, k]
 * @param b [n, k]
 * @param out [m, n]
 */
export function multiplyTransposed(a: Matrix, b: Matrix, out: Matrix, alpha = 1, beta = 0): void {
  const m = a.rows
  const n = b.rows
  const k = a.cols
  const A = a.data
  const B = b.data
  const C = out.data
  const put = (at: number, value: number): void => {
    C[at] = beta === 0 ? alpha * value : alpha * value + beta * C[at]
  }
  const m4 = m - (m % 4)
  const n4 = n - (n % 4)
  for (let i = 0; i < m4; i += 4) {
    const a0 = i * k
    const a1 = a0 + k
    const a2 = a1 + k
    const a3 = a2 + k
    for (let j = 0; j < n4; j += 4) {
      const b0 = j * k
      const b1 = b0 + k
      const b2 = b1 + k
      const b3 = b2 + k
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
      for (let t = 0; t < k; t++) {
        const x0 = A[a0 + t]
        const x1 = A[a1 + t]
        const x2 = A[a2 + t]
        const x3 = A[a3 + t]
        const y0 = B[b0 + t]
        const y1 = B[b1 + t]
        const y2 = B[b2 + t]
        const y3 = B[b3 + t]
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
      const sums = [s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33]
      for (let s = 0; s < 16; s++) put((i + (s >> 2)) * n + j + (s & 3), sums[s])
    }
  }
  for (let i = 0; i < m; i++) {
    for (let j = i < m4 ? n4 : 0; j < n; j++) {
      let s = 0
      for (let t = 0; t < k; t++) s += A[i * k + t] * B[j * k + t]
      put(i * n + j, s)
    }
  }
}

/** A copy with rows and columns exchanged, written into `out` when it is given. */
export function transpose(m: Matrix, out: Float32Array = new Float32Array(m.data.length)): Matrix {
  const { rows, cols, data } = m
  const block = 32
  for (let i0 = 0; i0 < rows; i0 += block) {
    const i1 = Math.min(rows, i0 + block)
    for (let j0 = 0; j0 < cols; j0 += block) {
      const j1 = Math.min(cols, j0 + block)
      for (let i = i0; i < i1; i++) for (let j = j0; j < j1; j++) out[j * rows + i] = data[i * cols + j]
    }
  }
  return { rows: cols, cols: rows, data: out }
}
