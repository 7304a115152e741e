import { dot } from './rows'

/** Depth of a panel of B: eight columns of it stay in the first-level cache. */
const DEPTH = 256

/**
 * out = A op(B), four rows by eight columns at a time.
 *
 * @param a [m, k]
 * @param b [k, n], or [n, k] when transposed
 * @param out [m, n]
 * @param scratch room for 8 DEPTH + 32 values
 */
export function multiplyMatrices(a: usize, b: usize, out: usize, m: i32, n: i32, k: i32, transposed: bool, scratch: usize): void {
  if (transposed && m < 4) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const value = dot(a + ((<usize>i * k) << 2), b + ((<usize>j * k) << 2), k)
        store<f32>(out + ((<usize>i * n + j) << 2), <f32>value)
      }
    }
    return
  }
  const tile = scratch + ((<usize>8 * DEPTH) << 2)
  const rowBytes = (<usize>k) << 2
  for (let from = 0; from < k; from += DEPTH) {
    const depth = min(DEPTH, k - from)
    const columns = a + ((<usize>from) << 2)
    for (let j = 0; j < n; j += 8) {
      const width = min(8, n - j)
      pack(b, scratch, from, depth, j, width, n, k, transposed)
      for (let i = 0; i < m; i += 4) {
        const height = min(4, m - i)
        const rows = columns + <usize>i * rowBytes
        const corner = out + ((<usize>i * n + j) << 2)
        if (height === 4 && width === 8) {
          multiplyTile(rows, rowBytes, scratch, depth, corner, (<usize>n) << 2, from > 0)
          continue
        }
        // Rows that are not there repeat the last one.
        multiplyTile(rows, height === 4 ? rowBytes : 0, scratch, depth, tile, 32, false)
        for (let r = 0; r < height; r++) {
          if (r > 0 && height < 4) {
            multiplyTile(rows + <usize>r * rowBytes, 0, scratch, depth, tile, 32, false)
          }
          const line = height < 4 ? tile : tile + ((<usize>r) << 5)
          for (let c = 0; c < width; c++) {
            const to = corner + ((<usize>r * n + c) << 2)
            const value = load<f32>(line + ((<usize>c) << 2))
            store<f32>(to, from > 0 ? load<f32>(to) + value : value)
          }
        }
      }
    }
  }
}

/** Copies `width` columns of op(B) into rows of eight values, the rest zero. */
function pack(b: usize, panel: usize, from: i32, depth: i32, column: i32, width: i32, n: i32, k: i32, transposed: bool): void {
  if (width < 8) memory.fill(panel, 0, (<usize>depth) << 5)
  if (transposed) {
    for (let c = 0; c < width; c++) {
      let x = b + ((<usize>(column + c) * k + from) << 2)
      let to = panel + ((<usize>c) << 2)
      for (let t = 0; t < depth; t++) {
        store<f32>(to, load<f32>(x))
        x += 4
        to += 32
      }
    }
    return
  }
  let x = b + ((<usize>from * n + column) << 2)
  for (let t = 0; t < depth; t++) {
    const to = panel + ((<usize>t) << 5)
    if (width === 8) {
      v128.store(to, v128.load(x))
      v128.store(to, v128.load(x, 16), 16)
    } else {
      for (let c = 0; c < width; c++) store<f32>(to + ((<usize>c) << 2), load<f32>(x + ((<usize>c) << 2)))
    }
    x += (<usize>n) << 2
  }
}

/** A tile of four rows and eight columns: out = (accumulate ? out : 0) + A B. */
function multiplyTile(a: usize, rowBytes: usize, panel: usize, depth: i32, out: usize, outBytes: usize, accumulate: bool): void {
  const a1 = a + rowBytes
  const a2 = a1 + rowBytes
  const a3 = a2 + rowBytes
  let s00 = f32x4.splat(0)
  let s01 = s00
  let s10 = s00
  let s11 = s00
  let s20 = s00
  let s21 = s00
  let s30 = s00
  let s31 = s00
  const end = (<usize>depth) << 2
  for (let t: usize = 0; t < end; t += 4) {
    const b0 = v128.load(panel + (t << 3))
    const b1 = v128.load(panel + (t << 3), 16)
    let x = v128.load32_splat(a + t)
    s00 = f32x4.add(s00, f32x4.mul(x, b0))
    s01 = f32x4.add(s01, f32x4.mul(x, b1))
    x = v128.load32_splat(a1 + t)
    s10 = f32x4.add(s10, f32x4.mul(x, b0))
    s11 = f32x4.add(s11, f32x4.mul(x, b1))
    x = v128.load32_splat(a2 + t)
    s20 = f32x4.add(s20, f32x4.mul(x, b0))
    s21 = f32x4.add(s21, f32x4.mul(x, b1))
    x = v128.load32_splat(a3 + t)
    s30 = f32x4.add(s30, f32x4.mul(x, b0))
    s31 = f32x4.add(s31, f32x4.mul(x, b1))
  }
  const o1 = out + outBytes
  const o2 = o1 + outBytes
  const o3 = o2 + outBytes
  if (accumulate) {
    s00 = f32x4.add(s00, v128.load(out))
    s01 = f32x4.add(s01, v128.load(out, 16))
    s10 = f32x4.add(s10, v128.load(o1))
    s11 = f32x4.add(s11, v128.load(o1, 16))
    s20 = f32x4.add(s20, v128.load(o2))
    s21 = f32x4.add(s21, v128.load(o2, 16))
    s30 = f32x4.add(s30, v128.load(o3))
    s31 = f32x4.add(s31, v128.load(o3, 16))
  }
  v128.store(out, s00)
  v128.store(out, s01, 16)
  v128.store(o1, s10)
  v128.store(o1, s11, 16)
  v128.store(o2, s20)
  v128.store(o2, s21, 16)
  v128.store(o3, s30)
  v128.store(o3, s31, 16)
}

/** out[j, i] = x[i, j], in tiles of 32 by 32 for the cache and 4 by 4 in registers. */
export function transpose(x: usize, out: usize, rows: i32, cols: i32): void {
  for (let i0 = 0; i0 < rows; i0 += 32) {
    const i1 = min(rows, i0 + 32)
    for (let j0 = 0; j0 < cols; j0 += 32) {
      const j1 = min(cols, j0 + 32)
      let i = i0
      for (; i + 4 <= i1; i += 4) {
        let j = j0
        for (; j + 4 <= j1; j += 4) transposeFour(x, out, i, j, rows, cols)
        for (; j < j1; j++) for (let r = i; r < i + 4; r++) copyOne(x, out, r, j, rows, cols)
      }
      for (; i < i1; i++) for (let j = j0; j < j1; j++) copyOne(x, out, i, j, rows, cols)
    }
  }
}

function copyOne(x: usize, out: usize, i: i32, j: i32, rows: i32, cols: i32): void {
  store<f32>(out + ((<usize>j * rows + i) << 2), load<f32>(x + ((<usize>i * cols + j) << 2)))
}

function transposeFour(x: usize, out: usize, i: i32, j: i32, rows: i32, cols: i32): void {
  const from = x + ((<usize>i * cols + j) << 2)
  const step = (<usize>cols) << 2
  const x0 = v128.load(from)
  const x1 = v128.load(from + step)
  const x2 = v128.load(from + 2 * step)
  const x3 = v128.load(from + 3 * step)
  const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5)
  const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7)
  const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5)
  const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7)
  const to = out + ((<usize>j * rows + i) << 2)
  const stride = (<usize>rows) << 2
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5))
  v128.store(to + stride, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7))
  v128.store(to + 2 * stride, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5))
  v128.store(to + 3 * stride, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7))
}
