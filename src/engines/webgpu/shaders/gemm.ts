import { f32, type Kernel, kernel, u32 } from '../kernel.js'

/**
 * How a matrix product is cut: a workgroup computes `m` x `n` values of the result, each thread `perThread` x
 * `perThread`, from slices of depth `k` in workgroup memory.
 *
 * Every thread copies exactly one 4 x 4 block of a slice, so (m + n) k / 16 = m n / perThread^2 = threads.
 */
export interface GemmTile {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly perThread: 4 | 8
  readonly threads: number
}

/** For results that fill a GPU: most multiplications for a byte of workgroup memory. */
export const LARGE_TILE: GemmTile = { m: 128, n: 128, k: 16, perThread: 8, threads: 256 }
/** For training's own products of about 1,000 x 1,000. */
export const MEDIUM_TILE: GemmTile = { m: 64, n: 64, k: 32, perThread: 4, threads: 256 }
/** For small batches: few rows, so that not too many threads compute nothing. */
export const SMALL_TILE: GemmTile = { m: 32, n: 32, k: 16, perThread: 4, threads: 64 }

/** Choice of a product's shader. */
export interface GemmVariant {
  readonly tile: GemmTile
  readonly transposeA: boolean
  readonly transposeB: boolean
  /** True if every row starts at a multiple of four floats, so that four are read and written at once. */
  readonly aligned: boolean
}

const lines = [0, 1, 2, 3]
/** Row tiles that are computed together for each column tile, so that both operands stay in the cache. */
const RASTER = 16

/**
 * out = alpha * op(A) op(B) + beta * out; with several splits, split s writes its part of the sum over k to out[s].
 *
 * A slice is loaded into registers while the one before it is multiplied. A slice is stored k-major; its columns are
 * exchanged by k (`column ^ swizzle`) so that threads that store blocks of different k do not meet in one memory bank.
 */
export function gemmKernel({ tile, transposeA, transposeB, aligned }: GemmVariant): Kernel<'a' | 'b' | 'out', GemmScalar> {
  const { m, n, k, perThread, threads } = tile
  const rowQuads = m / 4
  const columnQuads = n / 4
  const parts = perThread / 4
  const threadColumns = n / perThread
  const swizzle = 32 / k
  const rows = Array.from({ length: perThread }, (_, r) => r)
  const quads = Array.from({ length: parts }, (_, q) => q)
  const each = (f: (r: number, q: number) => string): string => rows.flatMap(r => quads.map(q => f(r, q))).join('\n')
  const part = (name: string, q: number, stride: number): string => (q === 0 ? name : `${name} + ${q * stride}u`)

  return kernel({
    name: `gemm ${m}x${n}x${k} ${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'} ${aligned ? 'aligned' : 'any'}`,
    each: 'group',
    threads,
    element: aligned ? 'vec4<f32>' : 'f32',
    tensors: { a: 'read', b: 'read', out: 'write' },
    scalars: GEMM_SCALARS,
    code: `
var<workgroup> slice_a: array<vec4<f32>, ${k * rowQuads}>;
var<workgroup> slice_b: array<vec4<f32>, ${k * columnQuads}>;
${quadAccess(aligned)}
${block('a', 'm', !transposeA)}
${block('b', 'n', transposeB)}
fn group(g: u32, lane: u32) {
  let tiles = p.rowTiles * p.columnTiles;
  let split = g / tiles;
  let band = ${RASTER}u * p.columnTiles;
  let first = (g % tiles) / band * ${RASTER}u;
  let height = min(p.rowTiles - first, ${RASTER}u);
  let row = (first + (g % tiles) % band % height) * ${m}u;
  let column = (g % tiles) % band / height * ${n}u;
  let start = split * p.depth;
  let end = min(p.k, start + p.depth);

  let copies_a = lane < ${(m * k) / 16}u;
  var quad: u32;
  var quad_k: u32;
  if (copies_a) {
    ${place('lane', rowQuads, k / 4, !transposeA)}
  } else {
    ${place(`(lane - ${(m * k) / 16}u)`, columnQuads, k / 4, transposeB)}
  }
  let swizzled = quad ^ (quad_k * ${swizzle}u);

  let tx = lane % ${threadColumns}u;
  let ty = lane / ${threadColumns}u;
${each((r, q) => `  var c${r}${q} = vec4<f32>();`)}
  var next = mat4x4<f32>();
  for (var at = start; at < end + ${k}u; at += ${k}u) {
    if (at < end) {
      if (copies_a) { next = block_a(row + quad * 4u, at + quad_k * 4u, end); }
      else { next = block_b(column + quad * 4u, at + quad_k * 4u, end); }
    }
    if (at > start) {
      for (var kq = 0u; kq < ${k / 4}u; kq++) {
        let from_a = kq * ${4 * rowQuads}u + (ty ^ (kq * ${swizzle}u));
        let from_b = kq * ${4 * columnQuads}u + (tx ^ (kq * ${swizzle}u));
        for (var i = 0u; i < 4u; i++) {
${quads.map(q => `          let a${q} = slice_a[i * ${rowQuads}u + ${part('from_a', q, rowQuads / parts)}];`).join('\n')}
${quads.map(q => `          let b${q} = slice_b[i * ${columnQuads}u + ${part('from_b', q, columnQuads / parts)}];`).join('\n')}
${each((r, q) => `          c${r}${q} += a${r >> 2}.${'xyzw'[r & 3]} * b${q};`)}
        }
      }
    }
    workgroupBarrier();
    if (copies_a) {
${lines.map(i => `      slice_a[(quad_k * 4u + ${i}u) * ${rowQuads}u + swizzled] = next[${i}];`).join('\n')}
    } else {
${lines.map(i => `      slice_b[(quad_k * 4u + ${i}u) * ${columnQuads}u + swizzled] = next[${i}];`).join('\n')}
    }
    workgroupBarrier();
  }
${each((r, q) => `  put(split, row + ty * 4u + ${(r >> 2) * (m / parts) + (r & 3)}u, column + ${part('tx * 4u', q, n / parts)}, c${r}${q});`)}
}`,
  })
}

const GEMM_SCALARS = { ...u32('count', 'm', 'n', 'k', 'depth', 'rowTiles', 'columnTiles', 'ldA', 'ldB'), ...f32('alpha', 'beta') }

type GemmScalar = keyof typeof GEMM_SCALARS

/** WGSL: out[i] = alpha value + beta out[i]; `out` is not read where beta is 0. */
const COMBINE = `if (p.beta == 0.0) { store_out(i, p.alpha * value); }
  else { store_out(i, p.alpha * value + p.beta * load_out(i)); }`

/** WGSL: `quad_a(line, i, end)` reads the four values from i on of a line, 0 from `end` on; `put` writes four of the result. */
function quadAccess(aligned: boolean): string {
  if (aligned) {
    const read = (x: string): string => `
fn quad_${x}(line: u32, i: u32, end: u32) -> vec4<f32> {
  if (i >= end) { return vec4<f32>(); }
  return load_${x}((line * p.ld${x.toUpperCase()} + i) / 4u);
}`
    return `${read('a')}${read('b')}
fn put(split: u32, row: u32, column: u32, value: vec4<f32>) {
  if (row >= p.m || column >= p.n) { return; }
  let i = ((split * p.m + row) * p.n + column) / 4u;
  ${COMBINE}
}`
  }
  const read = (x: string): string => `
fn quad_${x}(line: u32, i: u32, end: u32) -> vec4<f32> {
  var quad = vec4<f32>();
  let start = line * p.ld${x.toUpperCase()} + i;
${lines.map(l => `  if (i + ${l}u < end) { quad[${l}u] = load_${x}(start + ${l}u); }`).join('\n')}
  return quad;
}`
  return `${read('a')}${read('b')}
fn put_one(i: u32, value: f32) {
  ${COMBINE}
}
fn put(split: u32, row: u32, column: u32, value: vec4<f32>) {
  if (row >= p.m) { return; }
  let i = (split * p.m + row) * p.n + column;
${lines.map(l => `  if (column + ${l}u < p.n) { put_one(i + ${l}u, value[${l}u]); }`).join('\n')}
}`
}

/**
 * WGSL: `block_a(i, k, end)` is the 4 x 4 block of op(A) at row i and depth k, one vector of four rows for every k;
 * zeros outside the matrix. `alongK` says whether k runs along the operand's lines in memory.
 */
function block(x: 'a' | 'b', size: 'm' | 'n', alongK: boolean): string {
  if (alongK) {
    return `
fn line_${x}(i: u32, k: u32, end: u32) -> vec4<f32> {
  if (i >= p.${size}) { return vec4<f32>(); }
  return quad_${x}(i, k, end);
}
fn block_${x}(i: u32, k: u32, end: u32) -> mat4x4<f32> {
  return transpose(mat4x4<f32>(${lines.map(l => `line_${x}(i + ${l}u, k, end)`).join(', ')}));
}`
  }
  return `
fn line_${x}(i: u32, k: u32, end: u32) -> vec4<f32> {
  if (k >= end) { return vec4<f32>(); }
  return quad_${x}(k, i, p.${size});
}
fn block_${x}(i: u32, k: u32, end: u32) -> mat4x4<f32> {
  return mat4x4<f32>(${lines.map(l => `line_${x}(i, k + ${l}u, end)`).join(', ')});
}`
}

/** WGSL: which block a thread copies, such that neighbouring threads read neighbouring memory. */
function place(lane: string, quads: number, depth: number, alongK: boolean): string {
  return alongK
    ? `quad = ${lane} / ${depth}u; quad_k = ${lane} % ${depth}u;`
    : `quad = ${lane} % ${quads}u; quad_k = ${lane} / ${quads}u;`
}

/** Adds the splits of a product up: out = alpha * sum + beta * out. */
export const SUM_SPLITS = kernel({
  name: 'sumSplits',
  tensors: { x: 'read', out: 'write' },
  scalars: { ...u32('count', 'splits'), ...f32('alpha', 'beta') },
  code: `
fn at(i: u32) {
  var value = 0.0;
  for (var s = 0u; s < p.splits; s++) { value += load_x(s * p.count + i); }
  ${COMBINE}
}`,
})
