import { laneSum } from './exp'

/** out = a b element by element; b has `rows` rows or, when `repeat`, one. */
export function multiply(a: usize, b: usize, out: usize, rows: i32, cols: i32, repeat: bool): void {
  if (!repeat) {
    multiplyRow(a, b, out, rows * cols)
    return
  }
  for (let i = 0; i < rows; i++) {
    const at = (<usize>i * cols) << 2
    multiplyRow(a + at, b, out + at, cols)
  }
}

function multiplyRow(a: usize, b: usize, out: usize, n: i32): void {
  const bytes = (<usize>n) << 2
  const whole = bytes & ~15
  let k: usize = 0
  for (; k < whole; k += 16) v128.store(out + k, f32x4.mul(v128.load(a + k), v128.load(b + k)))
  for (; k < bytes; k += 4) store<f32>(out + k, load<f32>(a + k) * load<f32>(b + k))
}

/** out = alpha x + beta out; out is not read when beta is 0. */
export function combine(x: usize, out: usize, n: i32, alpha: f32, beta: f32): void {
  const bytes = (<usize>n) << 2
  const whole = bytes & ~15
  const alphas = f32x4.splat(alpha)
  const betas = f32x4.splat(beta)
  let k: usize = 0
  if (beta === 0) {
    for (; k < whole; k += 16) v128.store(out + k, f32x4.mul(v128.load(x + k), alphas))
    for (; k < bytes; k += 4) store<f32>(out + k, load<f32>(x + k) * alpha)
    return
  }
  for (; k < whole; k += 16) {
    v128.store(out + k, f32x4.add(f32x4.mul(v128.load(x + k), alphas), f32x4.mul(v128.load(out + k), betas)))
  }
  for (; k < bytes; k += 4) store<f32>(out + k, load<f32>(x + k) * alpha + load<f32>(out + k) * beta)
}

/** out = max(x, 0) */
export function relu(x: usize, out: usize, n: i32): void {
  const bytes = (<usize>n) << 2
  const whole = bytes & ~15
  const zero = f32x4.splat(0)
  let k: usize = 0
  for (; k < whole; k += 16) v128.store(out + k, f32x4.max(v128.load(x + k), zero))
  for (; k < bytes; k += 4) store<f32>(out + k, max<f32>(load<f32>(x + k), 0))
}

/** out = grad where y > 0, else 0 */
export function reluBackward(y: usize, grad: usize, out: usize, n: i32): void {
  const bytes = (<usize>n) << 2
  const whole = bytes & ~15
  const zero = f32x4.splat(0)
  let k: usize = 0
  for (; k < whole; k += 16) {
    v128.store(out + k, v128.and(v128.load(grad + k), f32x4.gt(v128.load(y + k), zero)))
  }
  for (; k < bytes; k += 4) store<f32>(out + k, load<f32>(y + k) > 0 ? load<f32>(grad + k) : 0)
}

/** The sum of x squared. */
export function squaredNorm(x: usize, n: i32): f64 {
  let total: f64 = 0
  let k = 0
  while (k + 16 <= n) {
    const end = min(n & ~15, k + 2048)
    let s0 = f32x4.splat(0)
    let s1 = s0
    let s2 = s0
    let s3 = s0
    for (; k < end; k += 16) {
      const at = x + ((<usize>k) << 2)
      const x0 = v128.load(at)
      const x1 = v128.load(at, 16)
      const x2 = v128.load(at, 32)
      const x3 = v128.load(at, 48)
      s0 = f32x4.add(s0, f32x4.mul(x0, x0))
      s1 = f32x4.add(s1, f32x4.mul(x1, x1))
      s2 = f32x4.add(s2, f32x4.mul(x2, x2))
      s3 = f32x4.add(s3, f32x4.mul(x3, x3))
    }
    total += laneSum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)))
  }
  for (; k < n; k++) {
    const value: f64 = load<f32>(x + ((<usize>k) << 2))
    total += value * value
  }
  return total
}

/** The sum of x. */
export function addSum(x: usize, n: i32): f64 {
  let total: f64 = 0
  const whole = n & ~3
  let pair0 = f64x2.splat(0)
  let pair1 = f64x2.splat(0)
  let k = 0
  for (; k < whole; k += 4) {
    const at = x + ((<usize>k) << 2)
    const four = v128.load(at)
    pair0 = f64x2.add(pair0, f64x2.promote_low_f32x4(four))
    pair1 = f64x2.add(pair1, f64x2.promote_low_f32x4(v128.load64_zero(at, 8)))
  }
  const pair = f64x2.add(pair0, pair1)
  total = f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1)
  for (; k < n; k++) total += load<f32>(x + ((<usize>k) << 2))
  return total
}
