import { f32, kernel, u32 } from '../kernel.js'
import { WORKGROUP_REDUCE } from './reduce.js'

/** Marks index data that is absent. */
export const ABSENT = 0xffffffff
const TARGET_SCALARS = u32('targetOffsets', 'targetColumns', 'targetValues')
const MASK_SCALARS = u32('maskOffsets', 'maskColumns')

/** WGSL: masked columns hold a score that no cosine reaches, as infinities are not portable. */
const LOGITS = `
const MASKED = -3.0e38;
fn mask_row(row: u32, lane: u32) {
  if (p.maskOffsets != ${ABSENT}u) {
    let end = word(p.maskOffsets + row + 1u);
    for (var e = word(p.maskOffsets + row) + lane; e < end; e += THREADS) {
      store_scores(row * p.cols + word(p.maskColumns + e), MASKED);
    }
    storageBarrier();
  }
}
fn logit(row: u32, column: u32) -> f32 {
  let score = load_scores(row * p.cols + column);
  if (score <= -1.0e38) { return MASKED; }
  if (p.hasOffset == 1u) { return p.scale * score + load_offset(column); }
  return p.scale * score;
}
fn exponential(logit: f32, top: f32) -> f32 { return select(exp(logit - top), 0.0, logit <= -1.0e38); }
fn top_of(row: u32, lane: u32) -> f32 {
  var top = MASKED;
  for (var j = lane; j < p.cols; j += THREADS) { top = max(top, logit(row, j)); }
  return max_all(top, lane);
}`

const TARGETS = `
fn target_weight(e: u32) -> f32 {
  if (p.targetValues == ${ABSENT}u) { return 1.0; }
  return number(p.targetValues + e);
}`

/** One workgroup a row: mask, maximum, sum, loss, gradient in place. */
export const SOFTMAX_CROSS_ENTROPY = kernel({
  name: 'softmaxCrossEntropy',
  each: 'group',
  words: true,
  tensors: { scores: 'write', offset: 'read', loss: 'write' },
  scalars: { ...u32('count', 'cols', 'hasOffset'), ...f32('scale', 'factor'), ...TARGET_SCALARS, ...MASK_SCALARS },
  code: `${WORKGROUP_REDUCE}${LOGITS}${TARGETS}
fn group(row: u32, lane: u32) {
  mask_row(row, lane);
  let top = top_of(row, lane);
  var part = 0.0;
  for (var j = lane; j < p.cols; j += THREADS) { part += exponential(logit(row, j), top); }
  let sum = sum_all(part, lane);

  let first = word(p.targetOffsets + row);
  let end = word(p.targetOffsets + row + 1u);
  var lost = 0.0;
  var weight = 0.0;
  for (var e = first + lane; e < end; e += THREADS) {
    let w = target_weight(e);
    lost += w * (log(sum) + (top - logit(row, word(p.targetColumns + e))));
    weight += w;
  }
  lost = sum_all(lost, lane);
  weight = sum_all(weight, lane);
  if (lane == 0u) { store_loss(row, lost); }

  storageBarrier(); // the targets' scores are read before the gradient takes their place
  let share = p.factor * weight / sum;
  for (var j = lane; j < p.cols; j += THREADS) {
    store_scores(row * p.cols + j, share * exponential(logit(row, j), top));
  }
  storageBarrier();
  if (lane == 0u) { // one thread: a column may be a target twice
    for (var e = first; e < end; e++) {
      let i = row * p.cols + word(p.targetColumns + e);
      store_scores(i, load_scores(i) - p.factor * target_weight(e));
    }
  }
}`,
})

/** One workgroup a row. */
export const ONLINE_SOFTMAX = kernel({
  name: 'onlineSoftmax',
  each: 'group',
  words: true,
  tensors: { scores: 'write', offset: 'read', top: 'write', sum: 'write', acc: 'write' },
  scalars: { ...u32('count', 'cols', 'width', 'hasOffset'), ...f32('scale'), ...MASK_SCALARS },
  code: `${WORKGROUP_REDUCE}${LOGITS}
fn group(row: u32, lane: u32) {
  mask_row(row, lane);
  let before = max(load_top(row), MASKED);
  let after = max(before, top_of(row, lane));
  let r = exp(before - after);
  var part = 0.0;
  for (var j = lane; j < p.cols; j += THREADS) {
    let e = exponential(logit(row, j), after);
    part += e;
    store_scores(row * p.cols + j, e);
  }
  let total = sum_all(part, lane);
  for (var j = lane; j < p.width; j += THREADS) {
    let i = row * p.width + j;
    store_acc(i, load_acc(i) * r);
  }
  if (lane == 0u) {
    store_sum(row, load_sum(row) * r + total);
    store_top(row, after);
  }
}`,
})

/** One workgroup a row; reads the pool's rows of the targets only. */
export const FINISH_SOFTMAX = kernel({
  name: 'finishSoftmax',
  each: 'group',
  words: true,
  tensors: { z: 'read', pool: 'read', offset: 'read', top: 'read', sum: 'read', acc: 'write', loss: 'write' },
  scalars: { ...u32('count', 'width', 'hasOffset'), ...f32('scale', 'factor'), ...TARGET_SCALARS },
  code: `${WORKGROUP_REDUCE}${TARGETS}
fn group(row: u32, lane: u32) {
  let first = word(p.targetOffsets + row);
  let end = word(p.targetOffsets + row + 1u);
  let sum = load_sum(row);
  var lost = 0.0;
  var weight = 0.0;
  for (var e = first; e < end; e++) {
    let document = word(p.targetColumns + e);
    var part = 0.0;
    for (var j = lane; j < p.width; j += THREADS) {
      part += load_z(row * p.width + j) * load_pool(document * p.width + j);
    }
    var logit = p.scale * sum_all(part, lane);
    if (p.hasOffset == 1u) { logit += load_offset(document); }
    let w = target_weight(e);
    lost += w * (log(sum) + (load_top(row) - logit));
    weight += w;
  }
  for (var j = lane; j < p.width; j += THREADS) {
    let i = row * p.width + j;
    var gradient = load_acc(i) * (weight / sum);
    for (var e = first; e < end; e++) {
      gradient -= target_weight(e) * load_pool(word(p.targetColumns + e) * p.width + j);
    }
    store_acc(i, p.factor * gradient);
  }
  if (lane == 0u) { store_loss(row, lost); }
}`,
})
