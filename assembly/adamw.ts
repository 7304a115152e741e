/**
 * One AdamW update in one pass: g = clip grad + l2 (p - anchor); m and v follow g and g squared;
 * p -= shrink (p - anchor) + rate m / (sqrt(v) + eps).
 *
 * @param anchor 0 for zero, 1 for one, 2 for the identity
 * @param shrink learning rate times decay
 * @param rate learning rate with the bias corrections of m and v
 * @param eps with the bias correction of v
 */
export function adamw(
  param: usize,
  grad: usize,
  m: usize,
  v: usize,
  rows: i32,
  cols: i32,
  anchor: i32,
  clip: f32,
  l2: f32,
  shrink: f32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  rate: f32,
  eps: f32,
): void {
  if (anchor !== 2) {
    update(param, grad, m, v, rows * cols, <f32>anchor, clip, l2, shrink, beta1, rest1, beta2, rest2, rate, eps)
    return
  }
  for (let i = 0; i < rows; i++) {
    const row = (<usize>i * cols) << 2
    if (i >= cols) {
      update(param + row, grad + row, m + row, v + row, cols, 0, clip, l2, shrink, beta1, rest1, beta2, rest2, rate, eps)
      continue
    }
    // The row is updated as if its anchor were 0 throughout, then its diagonal element starts over with anchor 1.
    const at = row + ((<usize>i) << 2)
    const p0 = load<f32>(param + at)
    const m0 = load<f32>(m + at)
    const v0 = load<f32>(v + at)
    update(param + row, grad + row, m + row, v + row, cols, 0, clip, l2, shrink, beta1, rest1, beta2, rest2, rate, eps)
    store<f32>(param + at, p0)
    store<f32>(m + at, m0)
    store<f32>(v + at, v0)
    update(param + at, grad + at, m + at, v + at, 1, 1, clip, l2, shrink, beta1, rest1, beta2, rest2, rate, eps)
  }
}

function update(
  param: usize,
  grad: usize,
  m: usize,
  v: usize,
  n: i32,
  anchor: f32,
  clip: f32,
  l2: f32,
  shrink: f32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  rate: f32,
  eps: f32,
): void {
  const bytes = (<usize>n) << 2
  let k: usize = 0
  if (anchor === 0 && l2 === 0) {
    k = updatePlain(param, grad, m, v, bytes & ~31, rest1 * clip, rest2 * clip * clip, shrink, beta1, beta2, rate, eps)
  }
  const anchors = f32x4.splat(anchor)
  const clips = f32x4.splat(clip)
  const l2s = f32x4.splat(l2)
  const shrinks = f32x4.splat(shrink)
  const beta1s = f32x4.splat(beta1)
  const rest1s = f32x4.splat(rest1)
  const beta2s = f32x4.splat(beta2)
  const rest2s = f32x4.splat(rest2)
  const rates = f32x4.splat(rate)
  const epss = f32x4.splat(eps)
  for (; k + 16 <= bytes; k += 16) {
    const p = v128.load(param + k)
    const distance = f32x4.sub(p, anchors)
    const g = f32x4.add(f32x4.mul(v128.load(grad + k), clips), f32x4.mul(distance, l2s))
    const m1 = f32x4.add(f32x4.mul(v128.load(m + k), beta1s), f32x4.mul(g, rest1s))
    const v1 = f32x4.add(f32x4.mul(v128.load(v + k), beta2s), f32x4.mul(f32x4.mul(g, g), rest2s))
    v128.store(m + k, m1)
    v128.store(v + k, v1)
    const step = f32x4.div(f32x4.mul(m1, rates), f32x4.add(f32x4.sqrt(v1), epss))
    v128.store(param + k, f32x4.sub(p, f32x4.add(f32x4.mul(distance, shrinks), step)))
  }
  for (; k < bytes; k += 4) {
    const p = load<f32>(param + k)
    const distance = p - anchor
    const g = load<f32>(grad + k) * clip + distance * l2
    const m1 = load<f32>(m + k) * beta1 + g * rest1
    const v1 = load<f32>(v + k) * beta2 + g * g * rest2
    store<f32>(m + k, m1)
    store<f32>(v + k, v1)
    store<f32>(param + k, p - (distance * shrink + (m1 * rate) / (sqrt<f32>(v1) + eps)))
  }
}

/** The common case, anchor 0 and no l2, eight values at a time: the clip is part of the moments' factors. */
function updatePlain(
  param: usize,
  grad: usize,
  m: usize,
  v: usize,
  bytes: usize,
  rest1: f32,
  rest2: f32,
  shrink: f32,
  beta1: f32,
  beta2: f32,
  rate: f32,
  eps: f32,
): usize {
  const beta1s = f32x4.splat(beta1)
  const beta2s = f32x4.splat(beta2)
  const rest1s = f32x4.splat(rest1)
  const rest2s = f32x4.splat(rest2)
  const shrinks = f32x4.splat(shrink)
  const rates = f32x4.splat(rate)
  const epss = f32x4.splat(eps)
  let k: usize = 0
  for (; k < bytes; k += 32) {
    const at = m + k
    const to = v + k
    const w = param + k
    const from = grad + k
    let g = v128.load(from)
    let m1 = f32x4.add(f32x4.mul(v128.load(at), beta1s), f32x4.mul(g, rest1s))
    v128.store(at, m1)
    let v1 = f32x4.add(f32x4.mul(v128.load(to), beta2s), f32x4.mul(f32x4.mul(g, g), rest2s))
    v128.store(to, v1)
    let step = f32x4.div(f32x4.mul(m1, rates), f32x4.add(f32x4.sqrt(v1), epss))
    let p = v128.load(w)
    v128.store(w, f32x4.sub(p, f32x4.add(f32x4.mul(p, shrinks), step)))

    g = v128.load(from, 16)
    m1 = f32x4.add(f32x4.mul(v128.load(at, 16), beta1s), f32x4.mul(g, rest1s))
    v128.store(at, m1, 16)
    v1 = f32x4.add(f32x4.mul(v128.load(to, 16), beta2s), f32x4.mul(f32x4.mul(g, g), rest2s))
    v128.store(to, v1, 16)
    step = f32x4.div(f32x4.mul(m1, rates), f32x4.add(f32x4.sqrt(v1), epss))
    p = v128.load(w, 16)
    v128.store(w, f32x4.sub(p, f32x4.add(f32x4.mul(p, shrinks), step)), 16)
  }
  return k
}
