import { squaredNorm } from './elementwise'
import { laneSum } from './exp'

/** out[i] = x[rows[i]], for `count` rows */
export function gatherRows(x: usize, rows: usize, out: usize, count: i32, cols: i32): void {
  const bytes = (<usize>cols) << 2
  for (let i = 0; i < count; i++) {
    memory.copy(out + <usize>i * bytes, x + <usize>load<u32>(rows + ((<usize>i) << 2)) * bytes, bytes)
  }
}

/** out[i] = x[i] / n_i, norms[i] = n_i = max(|x[i]|, smallest) */
export function normalizeRows(x: usize, out: usize, norms: usize, rows: i32, cols: i32, smallest: f64): void {
  for (let i = 0; i < rows; i++) {
    const at = (<usize>i * cols) << 2
    const norm = max<f64>(Math.sqrt(squaredNorm(x + at, cols)), smallest)
    store<f32>(norms + ((<usize>i) << 2), <f32>norm)
    scaleRow(x + at, out + at, cols, <f32>(1 / norm))
  }
}

/** out = factor x */
export function scaleRow(x: usize, out: usize, n: i32, factor: f32): void {
  const bytes = (<usize>n) << 2
  const whole = bytes & ~15
  const factors = f32x4.splat(factor)
  let k: usize = 0
  for (; k < whole; k += 16) v128.store(out + k, f32x4.mul(v128.load(x + k), factors))
  for (; k < bytes; k += 4) store<f32>(out + k, load<f32>(x + k) * factor)
}

/** out += factor x */
export function addScaledRow(x: usize, out: usize, n: i32, factor: f32): void {
  const bytes = (<usize>n) << 2
  const whole = bytes & ~15
  const factors = f32x4.splat(factor)
  let k: usize = 0
  for (; k < whole; k += 16) {
    v128.store(out + k, f32x4.add(v128.load(out + k), f32x4.mul(v128.load(x + k), factors)))
  }
  for (; k < bytes; k += 4) store<f32>(out + k, load<f32>(out + k) + load<f32>(x + k) * factor)
}

/** The dot product of x and y. */
export function dot(x: usize, y: usize, n: i32): f64 {
  let total: f64 = 0
  let k = 0
  while (k + 16 <= n) {
    const end = min(n & ~15, k + 2048)
    let s0 = f32x4.splat(0)
    let s1 = s0
    let s2 = s0
    let s3 = s0
    for (; k < end; k += 16) {
      const at = (<usize>k) << 2
      s0 = f32x4.add(s0, f32x4.mul(v128.load(x + at), v128.load(y + at)))
      s1 = f32x4.add(s1, f32x4.mul(v128.load(x + at, 16), v128.load(y + at, 16)))
      s2 = f32x4.add(s2, f32x4.mul(v128.load(x + at, 32), v128.load(y + at, 32)))
      s3 = f32x4.add(s3, f32x4.mul(v128.load(x + at, 48), v128.load(y + at, 48)))
    }
    total += laneSum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)))
  }
  for (; k < n; k++) {
    const at = (<usize>k) << 2
    total += <f64>load<f32>(x + at) * <f64>load<f32>(y + at)
  }
  return total
}

/** out[i] = (g[i] - z[i] (g[i] . z[i])) / norms[i] */
export function normalizeRowsBackward(z: usize, norms: usize, g: usize, out: usize, rows: i32, cols: i32): void {
  const bytes = (<usize>cols) << 2
  const whole = bytes & ~15
  for (let i = 0; i < rows; i++) {
    const at = <usize>i * bytes
    const inverse = 1 / <f64>load<f32>(norms + ((<usize>i) << 2))
    const unit = <f32>inverse
    const along = <f32>(dot(g + at, z + at, cols) * inverse)
    const units = f32x4.splat(unit)
    const alongs = f32x4.splat(along)
    let k = at
    for (; k < at + whole; k += 16) {
      v128.store(out + k, f32x4.sub(f32x4.mul(v128.load(g + k), units), f32x4.mul(v128.load(z + k), alongs)))
    }
    for (; k < at + bytes; k += 4) store<f32>(out + k, load<f32>(g + k) * unit - load<f32>(z + k) * along)
  }
}

/** x[i] += v for every row i */
export function addRowVector(x: usize, v: usize, rows: i32, cols: i32): void {
  const bytes = (<usize>cols) << 2
  const whole = bytes & ~15
  for (let i = 0; i < rows; i++) {
    const to = x + <usize>i * bytes
    let k: usize = 0
    for (; k < whole; k += 16) v128.store(to + k, f32x4.add(v128.load(to + k), v128.load(v + k)))
    for (; k < bytes; k += 4) store<f32>(to + k, load<f32>(to + k) + load<f32>(v + k))
  }
}

/** out[j] = sum over i of x[i, j], in double precision; eight columns at a time. */
export function sumRows(x: usize, out: usize, rows: i32, cols: i32): void {
  const bytes = (<usize>cols) << 2
  let j = 0
  for (; j + 8 <= cols; j += 8) {
    let s0 = f64x2.splat(0)
    let s1 = s0
    let s2 = s0
    let s3 = s0
    let at = x + ((<usize>j) << 2)
    for (let i = 0; i < rows; i++) {
      s0 = f64x2.add(s0, f64x2.promote_low_f32x4(v128.load64_zero(at)))
      s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.load64_zero(at, 8)))
      s2 = f64x2.add(s2, f64x2.promote_low_f32x4(v128.load64_zero(at, 16)))
      s3 = f64x2.add(s3, f64x2.promote_low_f32x4(v128.load64_zero(at, 24)))
      at += bytes
    }
    const to = out + ((<usize>j) << 2)
    v128.store64_lane(to, f32x4.demote_f64x2_zero(s0), 0)
    v128.store64_lane(to + 8, f32x4.demote_f64x2_zero(s1), 0)
    v128.store64_lane(to + 16, f32x4.demote_f64x2_zero(s2), 0)
    v128.store64_lane(to + 24, f32x4.demote_f64x2_zero(s3), 0)
  }
  for (; j < cols; j++) {
    let sum: f64 = 0
    for (let i = 0; i < rows; i++) sum += load<f32>(x + <usize>i * bytes + ((<usize>j) << 2))
    store<f32>(out + ((<usize>j) << 2), <f32>sum)
  }
}
