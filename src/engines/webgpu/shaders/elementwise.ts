import { f32, kernel, u32 } from '../kernel.js'

export const GATHER_ROWS = kernel({
  name: 'gatherRows',
  words: true,
  tensors: { source: 'read', out: 'write' },
  scalars: u32('count', 'cols', 'rows'),
  code: `fn at(i: u32) { store_out(i, load_source(word(p.rows + i / p.cols) * p.cols + i % p.cols)); }`,
})

export const MULTIPLY = kernel({
  name: 'multiply',
  tensors: { a: 'read', b: 'read', out: 'write' },
  scalars: u32('count', 'period'),
  code: `fn at(i: u32) { store_out(i, load_a(i) * load_b(i % p.period)); }`,
})

export const RELU = kernel({
  name: 'relu',
  tensors: { x: 'read', out: 'write' },
  scalars: u32('count'),
  code: `fn at(i: u32) { store_out(i, max(load_x(i), 0.0)); }`,
})

export const RELU_BACKWARD = kernel({
  name: 'reluBackward',
  tensors: { y: 'read', grad: 'read', out: 'write' },
  scalars: u32('count'),
  code: `fn at(i: u32) { store_out(i, select(0.0, load_grad(i), load_y(i) > 0.0)); }`,
})

export const ADD_ROW_VECTOR = kernel({
  name: 'addRowVector',
  tensors: { x: 'write', v: 'read' },
  scalars: u32('count', 'cols'),
  code: `fn at(i: u32) { store_x(i, load_x(i) + load_v(i % p.cols)); }`,
})

export const FILL = kernel({
  name: 'fill',
  tensors: { x: 'write' },
  scalars: { ...u32('count'), ...f32('value') },
  code: `fn at(i: u32) { store_x(i, p.value); }`,
})

/** One pass over a parameter and its moments; the moments' bias corrections arrive as factors. */
export const ADAMW = kernel({
  name: 'adamw',
  tensors: { param: 'write', grad: 'read', m: 'write', v: 'write', squared: 'read' },
  scalars: {
    ...u32('count', 'cols', 'anchor'),
    ...f32('lr', 'beta1', 'rest1', 'beta2', 'rest2', 'correction1', 'correction2', 'eps', 'decay', 'l2'),
    ...u32('hasClip'),
    ...f32('clip'),
  },
  code: `
fn anchor_of(i: u32) -> f32 {
  switch p.anchor {
    case 0u: { return 0.0; }
    case 1u: { return 1.0; }
    default: { return select(0.0, 1.0, i / p.cols == i % p.cols); }
  }
}
fn at(i: u32) {
  var clip = 1.0;
  if (p.hasClip == 1u) { clip = min(1.0, p.clip / (sqrt(load_squared(0u)) + 1e-6)); }
  let value = load_param(i);
  let distance = value - anchor_of(i);
  let g = load_grad(i) * clip + p.l2 * distance;
  let m = p.beta1 * load_m(i) + p.rest1 * g;
  let v = p.beta2 * load_v(i) + p.rest2 * g * g;
  store_m(i, m);
  store_v(i, v);
  let update = m * p.correction1 / (sqrt(v * p.correction2) + p.eps);
  store_param(i, value - p.lr * (p.decay * distance + update));
}`,
})
