// out = W q + b for one vector: memory holds W [rows, cols], b [rows], q [cols] and out [rows]. Four rows at a time share the
// loads of q.

export function applyLinear(W: usize, b: usize, q: usize, out: usize, rows: i32, cols: i32): void {
  const bytes = (<usize>cols) << 2
  const whole = bytes & ~15
  // Zero, in a way that the compiler does not see: it would write sixteen bytes of zeros wherever a sum starts.
  const zero = f32x4.splat(<f32>(rows >> 31))
  let i = 0
  for (; i + 4 <= rows; i += 4) {
    const w0 = W + <usize>i * bytes
    const w1 = w0 + bytes
    const w2 = w1 + bytes
    const w3 = w2 + bytes
    let s0 = zero
    let s1 = zero
    let s2 = zero
    let s3 = zero
    let k: usize = 0
    for (; k < whole; k += 16) {
      const x = v128.load(q + k)
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(w0 + k)))
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(w1 + k)))
      s2 = f32x4.add(s2, f32x4.mul(x, v128.load(w2 + k)))
      s3 = f32x4.add(s3, f32x4.mul(x, v128.load(w3 + k)))
    }
    const at = (<usize>i) << 2
    store<f32>(out + at, sum(s0) + rest(w0, q, k, bytes) + load<f32>(b + at))
    store<f32>(out + at, sum(s1) + rest(w1, q, k, bytes) + load<f32>(b + at, 4), 4)
    store<f32>(out + at, sum(s2) + rest(w2, q, k, bytes) + load<f32>(b + at, 8), 8)
    store<f32>(out + at, sum(s3) + rest(w3, q, k, bytes) + load<f32>(b + at, 12), 12)
  }
  for (; i < rows; i++) {
    const w = W + <usize>i * bytes
    let s = zero
    let k: usize = 0
    for (; k < whole; k += 16) s = f32x4.add(s, f32x4.mul(v128.load(q + k), v128.load(w + k)))
    const at = (<usize>i) << 2
    store<f32>(out + at, sum(s) + rest(w, q, k, bytes) + load<f32>(b + at))
  }
}

function sum(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
}

function rest(w: usize, q: usize, k: usize, bytes: usize): f32 {
  let total: f32 = 0
  for (; k < bytes; k += 4) total += load<f32>(w + k) * load<f32>(q + k)
  return total
}
