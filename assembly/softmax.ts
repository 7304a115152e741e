import { expRow } from './exp'
import { addScaledRow, dot, scaleRow } from './rows'

/**
 * Softmax cross-entropy of every row and its gradient, in place.
 *
 * Sparse rows are given as offsets [rows + 1], columns and values; null for values means 1 each, null for mask offsets means no
 * mask.
 *
 * @param bias null or [cols], added to the logits
 * @param factor gradient scale times scale
 */
export function softmaxCrossEntropy(
  scores: usize,
  rows: i32,
  cols: i32,
  targetOffsets: usize,
  targetColumns: usize,
  targetValues: usize,
  maskOffsets: usize,
  maskColumns: usize,
  bias: usize,
  scale: f32,
  factor: f32,
  loss: usize,
): void {
  for (let i = 0; i < rows; i++) {
    const x = scores + ((<usize>i * cols) << 2)
    mask(x, i, maskOffsets, maskColumns)
    const top = logits(x, cols, bias, scale, f32.NEGATIVE_INFINITY)

    const begin = load<u32>(targetOffsets + ((<usize>i) << 2))
    const end = load<u32>(targetOffsets + ((<usize>i) << 2), 4)
    let weight: f64 = 0
    let below: f64 = 0
    for (let e = begin; e < end; e++) {
      const w = weightOf(targetValues, e)
      weight += w
      below += w * (<f64>top - <f64>load<f32>(x + columnOf(targetColumns, e)))
    }
    const sum = expRow(x, cols, top)
    store<f32>(loss + ((<usize>i) << 2), <f32>(weight * Math.log(sum) + below))
    scaleRow(x, x, cols, <f32>((factor * weight) / sum))
    for (let e = begin; e < end; e++) {
      const at = x + columnOf(targetColumns, e)
      store<f32>(at, load<f32>(at) - <f32>(factor * weightOf(targetValues, e)))
    }
  }
}

/** One block of columns of a softmax whose running maximum, sum and weighted sum of documents are top, sum and acc. */
export function onlineSoftmax(
  scores: usize,
  rows: i32,
  cols: i32,
  maskOffsets: usize,
  maskColumns: usize,
  bias: usize,
  scale: f32,
  top: usize,
  sum: usize,
  acc: usize,
  dimensions: i32,
): void {
  for (let i = 0; i < rows; i++) {
    const x = scores + ((<usize>i * cols) << 2)
    const row = (<usize>i) << 2
    mask(x, i, maskOffsets, maskColumns)
    const before = load<f32>(top + row)
    const after = logits(x, cols, bias, scale, before)
    const shrink = before === after ? 1 : Math.exp(<f64>before - <f64>after)
    const total = expRow(x, cols, after)
    store<f32>(sum + row, <f32>(<f64>load<f32>(sum + row) * shrink + total))
    store<f32>(top + row, after)
    if (shrink !== 1) {
      const a = acc + ((<usize>i * dimensions) << 2)
      scaleRow(a, a, dimensions, <f32>shrink)
    }
  }
}

/** After the last block: the loss of every row, and acc becomes the gradient with respect to z. */
export function finishSoftmax(
  z: usize,
  pool: usize,
  rows: i32,
  dimensions: i32,
  targetOffsets: usize,
  targetColumns: usize,
  targetValues: usize,
  bias: usize,
  scale: f32,
  factor: f32,
  top: usize,
  sum: usize,
  acc: usize,
  loss: usize,
): void {
  for (let i = 0; i < rows; i++) {
    const row = (<usize>i) << 2
    const a = acc + ((<usize>i * dimensions) << 2)
    const total: f64 = load<f32>(sum + row)
    const logSum = <f64>load<f32>(top + row) + Math.log(total)
    const begin = load<u32>(targetOffsets + row)
    const end = load<u32>(targetOffsets + row, 4)
    let weight: f64 = 0
    for (let e = begin; e < end; e++) weight += weightOf(targetValues, e)
    scaleRow(a, a, dimensions, <f32>((factor * weight) / total))
    let lost: f64 = 0
    for (let e = begin; e < end; e++) {
      const w = weightOf(targetValues, e)
      const column = columnOf(targetColumns, e)
      const document = pool + column * dimensions
      const logit = scale * dot(z + ((<usize>i * dimensions) << 2), document, dimensions)
      lost += w * (logSum - logit - (bias ? <f64>load<f32>(bias + column) : 0))
      addScaledRow(document, a, dimensions, <f32>(-factor * w))
    }
    store<f32>(loss + row, <f32>lost)
  }
}

/** The byte offset of entry e's column in a row. */
function columnOf(columns: usize, e: u32): usize {
  return (<usize>load<u32>(columns + ((<usize>e) << 2))) << 2
}

function weightOf(values: usize, e: u32): f64 {
  return values ? <f64>load<f32>(values + ((<usize>e) << 2)) : 1
}

/** Masked scores become -infinity, and so do their logits. */
function mask(x: usize, i: i32, offsets: usize, columns: usize): void {
  if (!offsets) return
  const end = load<u32>(offsets + ((<usize>i) << 2), 4)
  for (let e = load<u32>(offsets + ((<usize>i) << 2)); e < end; e++) {
    store<f32>(x + columnOf(columns, e), f32.NEGATIVE_INFINITY)
  }
}

/** x = scale x + bias in place; returns the largest of `top` and the logits. */
function logits(x: usize, n: i32, bias: usize, scale: f32, top: f32): f32 {
  const bytes = (<usize>n) << 2
  const whole = bytes & ~15
  const scales = f32x4.splat(scale)
  let tops = f32x4.splat(top)
  let k: usize = 0
  if (bias) {
    for (; k < whole; k += 16) {
      const v = f32x4.add(f32x4.mul(v128.load(x + k), scales), v128.load(bias + k))
      v128.store(x + k, v)
      tops = f32x4.pmax(tops, v)
    }
  } else {
    for (; k < whole; k += 16) {
      const v = f32x4.mul(v128.load(x + k), scales)
      v128.store(x + k, v)
      tops = f32x4.pmax(tops, v)
    }
  }
  let largest = max(
    max(f32x4.extract_lane(tops, 0), f32x4.extract_lane(tops, 1)),
    max(f32x4.extract_lane(tops, 2), f32x4.extract_lane(tops, 3)),
  )
  for (; k < bytes; k += 4) {
    const value = load<f32>(x + k) * scale + (bias ? load<f32>(bias + k) : 0)
    store<f32>(x + k, value)
    largest = max(largest, value)
  }
  return largest
}
