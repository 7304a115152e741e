/** A dense row-major float32 matrix: element (i, j) is `data[i * cols + j]`. */
export interface Matrix {
  readonly rows: number
  readonly cols: number
  readonly data: Float32Array
}

/** A zero matrix, or one over `data` (not copied). */
export function matrix(rows: number, cols: number, data: Float32Array = new Float32Array(rows * cols)): Matrix {
  if (data.length !== rows * cols)
    throw new RangeError(`matrix ${rows} x ${cols} needs ${rows * cols} values, found ${data.length}`)
  return { rows, cols, data }
}

/** Row `i` as a view: writing to it writes to the matrix. */
export const row = (m: Matrix, i: number): Float32Array => m.data.subarray(i * m.cols, (i + 1) * m.cols)

/** Makes a matrix of values in the order of `data`. */
export function filled(rows: number, cols: number, value: (k: number) => number): Matrix {
  const m = matrix(rows, cols)
  for (let k = 0; k < m.data.length; k++) m.data[k] = value(k)
  return m
}

export function identity(n: number): Matrix {
  const m = matrix(n, n)
  for (let i = 0; i < n; i++) m.data[i * n + i] = 1
  return m
}

/** Copies vectors of equal length into one matrix. */
export function fromRows(rows: readonly ArrayLike<number>[], cols: number = rows[0]?.length ?? 0): Matrix {
  const m = matrix(rows.length, cols)
  rows.forEach((r, i) => {
    if (r.length !== cols) throw new RangeError(`row ${i}: expected ${cols} values, found ${r.length}`)
    m.data.set(r, i * cols)
  })
  return m
}

/** Copies the given rows, in the given order. */
export function takeRows(m: Matrix, indices: ArrayLike<number>): Matrix {
  const out = matrix(indices.length, m.cols)
  for (let i = 0; i < indices.length; i++) out.data.set(row(m, indices[i]), i * m.cols)
  return out
}

/** Euclidean length, summed in double precision. */
export function norm(v: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < v.length; i++) sum += v[i] * v[i]
  return Math.sqrt(sum)
}

/** Dot product, summed in double precision. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

/** Scales `v` in place to length 1; a zero vector stays zero. */
export function normalizeInPlace(v: Float32Array): Float32Array {
  const n = norm(v)
  if (n > 0) for (let i = 0; i < v.length; i++) v[i] /= n
  return v
}

/** A copy with every row scaled to length 1 (zero rows stay zero). */
export function normalizedRows(m: Matrix): Matrix {
  const out = matrix(m.rows, m.cols, m.data.slice())
  for (let i = 0; i < m.rows; i++) normalizeInPlace(row(out, i))
  return out
}

/** Index of the first value that is NaN or infinite, or -1. */
export function firstNonFinite(v: ArrayLike<number>): number {
  for (let i = 0; i < v.length; i++) if (!Number.isFinite(v[i])) return i
  return -1
}
