// exp(x - top) for a row of logits, in place.
//
// x = n ln 2 + r with |r| <= ln 2 / 2, so exp(x) = 2^n exp(r); ln 2 is split in two (Cody and Waite), exp(r) = 1 + r + r^2 p(r)
// with p fitted at Chebyshev nodes. Relative error below 1.2e-7. Arguments under the smallest normal result give exactly 0,
// which is what makes a masked logit (-infinity) vanish.

/** Constants in memory: a compiler would make a constant in the code anew for every four values. */
const CONSTANTS = memory.data<f32>([
  -87.33654, // exp of it is the smallest normal number
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: the compiler takes literals only
  1.4426950408889634, // 1 / ln 2
  0.693359375, // ln 2, high part
  -2.1219444e-4, // ln 2, low part
  0.0013751797378063202, // p, highest power first
  0.008368979208171368,
  0.04166953265666962,
  0.166665181517601,
  0.49999988079071045,
  1,
  12582912, // adding it rounds to an integer, which is then in the lowest bits
])

/** Replaces x[0..n) by exp(x - top), for x <= top, and returns the sum. */
export function expRow(x: usize, n: i32, top: f32): f64 {
  const whole = n & ~3
  let sum = expBlocks(x, whole, top)
  if (whole < n) {
    const last = x + ((<usize>whole) << 2)
    const rest = (<usize>(n - whole)) << 2
    // The last one to three values, in a block of their own.
    memory.fill(REST, 0xff, 16)
    memory.copy(REST, last, rest)
    expBlocks(REST, 4, top)
    memory.copy(last, REST, rest)
    for (let k: usize = 0; k < rest; k += 4) sum += load<f32>(last + k)
  }
  return sum
}

const REST = memory.data(16, 16)

function expBlocks(x: usize, n: i32, top: f32): f64 {
  const tops = f32x4.splat(top)
  const magic = v128.load32_splat(CONSTANTS, 40)
  const smallest = v128.load32_splat(CONSTANTS)
  const perLn2 = v128.load32_splat(CONSTANTS, 4)
  const ln2High = v128.load32_splat(CONSTANTS, 8)
  const ln2Low = v128.load32_splat(CONSTANTS, 12)
  const p4 = v128.load32_splat(CONSTANTS, 16)
  const p3 = v128.load32_splat(CONSTANTS, 20)
  const p2 = v128.load32_splat(CONSTANTS, 24)
  const p1 = v128.load32_splat(CONSTANTS, 28)
  const p0 = v128.load32_splat(CONSTANTS, 32)
  const one = v128.load32_splat(CONSTANTS, 36)
  let sum: f64 = 0
  let k: usize = 0
  const bytes = (<usize>n) << 2
  while (k < bytes) {
    const end = min(bytes, k + 1024)
    let sums = f32x4.splat(0)
    for (; k < end; k += 16) {
      const from = f32x4.sub(v128.load(x + k), tops)
      const clamped = f32x4.pmax(from, smallest)
      const shifted = f32x4.add(f32x4.mul(clamped, perLn2), magic)
      const whole = f32x4.sub(shifted, magic)
      const r = f32x4.sub(f32x4.sub(clamped, f32x4.mul(whole, ln2High)), f32x4.mul(whole, ln2Low))
      let p = f32x4.add(f32x4.mul(p4, r), p3)
      p = f32x4.add(f32x4.mul(p, r), p2)
      p = f32x4.add(f32x4.mul(p, r), p1)
      p = f32x4.add(f32x4.mul(p, r), p0)
      p = f32x4.add(one, f32x4.add(r, f32x4.mul(f32x4.mul(r, r), p)))
      // 2^n p by adding n to p's exponent.
      const scaled = i32x4.add(p, i32x4.shl(shifted, 23))
      const e = v128.and(scaled, f32x4.ge(from, smallest))
      v128.store(x + k, e)
      sums = f32x4.add(sums, e)
    }
    sum += laneSum(sums)
  }
  return sum
}

/** The sum of four lanes. */
export function laneSum(v: v128): f64 {
  return (
    <f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1) + <f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3)
  )
}
