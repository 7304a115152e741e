import { expRow } from './exp'
import { applyLinear } from './linear'
import { addScaledRow, scaleRow } from './rows'

/** Share of the sum of all weights that those which are left out have together at most: what float32 cannot tell. */
const NEGLIGIBLE: f64 = 1e-7

/**
 * out = sum over i of softmax_i(q . keys[i]) values[i]
 *
 * @param keys [n, d]
 * @param values [n, k]
 * @param q [d]
 * @param zeros [n] of 0
 * @param weights [n], overwritten
 * @param rows [n], overwritten by the addresses of the values that count
 * @param out [k], written
 * @returns the largest q . keys[i]
 */
export function attend(
  keys: usize,
  values: usize,
  q: usize,
  zeros: usize,
  weights: usize,
  rows: usize,
  out: usize,
  n: i32,
  d: i32,
  k: i32,
): f32 {
  applyLinear(keys, zeros, q, weights, n, d)
  const top = largest(weights, n)
  const sum = expRow(weights, n, top)
  const least = <f32>((NEGLIGIBLE * sum) / n)
  const bytes = (<usize>k) << 2
  // The weights that count move to the front, without a branch: which ones they are cannot be foreseen.
  const end = weights + ((<usize>n) << 2)
  let kept: usize = 0
  for (let at = weights; at < end; at += 4, values += bytes) {
    const weight = load<f32>(at)
    store<f32>(weights + kept, weight)
    store<u32>(rows + kept, <u32>values)
    kept += (<usize>(weight > least)) << 2
  }
  memory.fill(out, 0, bytes)
  let at: usize = 0
  for (; at + 16 <= kept; at += 16) addFourRows(weights + at, rows + at, out, bytes)
  for (; at < kept; at += 4) addScaledRow(load<u32>(rows + at), out, k, load<f32>(weights + at))
  scaleRow(out, out, k, <f32>(1 / sum))
  return top
}

/** out += the sum of four weighted rows: `out` is read and written once for all four. */
function addFourRows(weights: usize, rows: usize, out: usize, bytes: usize): void {
  const w0 = v128.load32_splat(weights)
  const w1 = v128.load32_splat(weights, 4)
  const w2 = v128.load32_splat(weights, 8)
  const w3 = v128.load32_splat(weights, 12)
  const r0: usize = load<u32>(rows)
  const r1: usize = load<u32>(rows, 4)
  const r2: usize = load<u32>(rows, 8)
  const r3: usize = load<u32>(rows, 12)
  const whole = bytes & ~15
  let j: usize = 0
  for (; j < whole; j += 16) {
    const a = f32x4.add(f32x4.mul(w0, v128.load(r0 + j)), f32x4.mul(w1, v128.load(r1 + j)))
    const b = f32x4.add(f32x4.mul(w2, v128.load(r2 + j)), f32x4.mul(w3, v128.load(r3 + j)))
    v128.store(out + j, f32x4.add(v128.load(out + j), f32x4.add(a, b)))
  }
  for (; j < bytes; j += 4) {
    const a = load<f32>(weights) * load<f32>(r0 + j) + load<f32>(weights, 4) * load<f32>(r1 + j)
    const b = load<f32>(weights, 8) * load<f32>(r2 + j) + load<f32>(weights, 12) * load<f32>(r3 + j)
    store<f32>(out + j, load<f32>(out + j) + (a + b))
  }
}

function largest(x: usize, n: i32): f32 {
  const end = x + ((<usize>n) << 2)
  let tops = f32x4.splat(load<f32>(x))
  for (; x + 16 <= end; x += 16) tops = f32x4.pmax(tops, v128.load(x))
  let top = max<f32>(
    max<f32>(f32x4.extract_lane(tops, 0), f32x4.extract_lane(tops, 1)),
    max<f32>(f32x4.extract_lane(tops, 2), f32x4.extract_lane(tops, 3)),
  )
  for (; x < end; x += 4) top = max<f32>(top, load<f32>(x))
  return top
}
