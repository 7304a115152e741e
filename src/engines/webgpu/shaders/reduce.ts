import { kernel, u32 } from '../kernel.js'

const reduce = (name: string, combine: (a: string, b: string) => string): string => `
fn ${name}(value: f32, lane: u32) -> f32 {
  values[lane] = value;
  workgroupBarrier();
  if (lane < ROOT) {
    var part = values[lane];
    for (var i = lane + ROOT; i < THREADS; i += ROOT) { part = ${combine('part', 'values[i]')}; }
    parts[lane] = part;
  }
  workgroupBarrier();
  var result = parts[0];
  for (var i = 1u; i < ROOT; i++) { result = ${combine('result', 'parts[i]')}; }
  return result;
}`

/**
 * WGSL: sum and maximum over a workgroup, the same for every thread. In a fixed order, so that equal inputs give equal
 * bytes, and in two steps, as a barrier costs more than a few additions. The number of threads must be a square.
 */
export const WORKGROUP_REDUCE = `
const ROOT = u32(sqrt(f32(THREADS)));
var<workgroup> values: array<f32, THREADS>;
var<workgroup> parts: array<f32, ROOT>;
${reduce('sum_all', (a, b) => `${a} + ${b}`)}
${reduce('max_all', (a, b) => `max(${a}, ${b})`)}`

/** Columns that one workgroup of {@link SUM_ROWS} adds up. */
export const SUM_ROWS_COLUMNS = 32

export const SUM_ROWS = kernel({
  name: 'sumRows',
  each: 'group',
  tensors: { x: 'read', out: 'write' },
  scalars: u32('count', 'rows', 'cols'),
  code: `
const COLUMNS = ${SUM_ROWS_COLUMNS}u;
const LANES = THREADS / COLUMNS;
var<workgroup> parts: array<f32, THREADS>;
fn group(g: u32, lane: u32) {
  let column = g * COLUMNS + lane % COLUMNS;
  var sum = 0.0;
  if (column < p.cols) {
    for (var row = lane / COLUMNS; row < p.rows; row += LANES) { sum += load_x(row * p.cols + column); }
  }
  parts[lane] = sum;
  workgroupBarrier();
  if (lane < COLUMNS && column < p.cols) {
    for (var k = 1u; k < LANES; k++) { sum += parts[k * COLUMNS + lane]; }
    store_out(column, sum);
  }
}`,
})

/** Most workgroups of a sum: enough to fill a GPU, few enough for one workgroup to add up what they found. */
export const MAX_PARTIAL_SUMS = 1024

/**
 * Every workgroup's part of a sum over all elements, of their squares where `square` is 1, onto what `out` holds where
 * `accumulate` is 1.
 */
export const SUM = kernel({
  name: 'sum',
  each: 'group',
  tensors: { x: 'read', out: 'write' },
  scalars: u32('count', 'size', 'square', 'accumulate'),
  code: `${WORKGROUP_REDUCE}
fn group(g: u32, lane: u32) {
  var part = 0.0;
  for (var i = g * THREADS + lane; i < p.size; i += p.count * THREADS) {
    let x = load_x(i);
    part += select(x, x * x, p.square == 1u);
  }
  var total = sum_all(part, lane);
  if (lane == 0u) {
    if (p.accumulate == 1u) { total += load_out(g); }
    store_out(g, total);
  }
}`,
})

/** One workgroup a row. */
export const NORMALIZE_ROWS = kernel({
  name: 'normalizeRows',
  each: 'group',
  tensors: { x: 'read', out: 'write', norms: 'write' },
  scalars: u32('count', 'cols'),
  code: `${WORKGROUP_REDUCE}
fn group(g: u32, lane: u32) {
  var sum = 0.0;
  for (var j = lane; j < p.cols; j += THREADS) {
    let x = load_x(g * p.cols + j);
    sum += x * x;
  }
  let norm = max(sqrt(sum_all(sum, lane)), 1e-12);
  for (var j = lane; j < p.cols; j += THREADS) {
    store_out(g * p.cols + j, load_x(g * p.cols + j) / norm);
  }
  if (lane == 0u) { store_norms(g, norm); }
}`,
})

export const NORMALIZE_ROWS_BACKWARD = kernel({
  name: 'normalizeRowsBackward',
  each: 'group',
  tensors: { unit: 'read', norms: 'read', grad: 'read', out: 'write' },
  scalars: u32('count', 'cols'),
  code: `${WORKGROUP_REDUCE}
fn group(g: u32, lane: u32) {
  var sum = 0.0;
  for (var j = lane; j < p.cols; j += THREADS) { sum += load_grad(g * p.cols + j) * load_unit(g * p.cols + j); }
  let along = sum_all(sum, lane);
  let norm = load_norms(g);
  for (var j = lane; j < p.cols; j += THREADS) {
    let i = g * p.cols + j;
    store_out(i, (load_grad(i) - load_unit(i) * along) / norm);
  }
}`,
})
