import { kernel } from '../kernel.js'
import { WORKGROUP_REDUCE } from './reduce.js'

/** One workgroup a row. */
export const NORMALIZE_ROWS = kernel({
  name: 'normalizeRows',
  each: 'group',
  tensors: { x: 'read', out: 'write', norms: 'write' },
  scalars: { count: 'u32', cols: 'u32' },
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
  scalars: { count: 'u32', cols: 'u32' },
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
