import { getOrInsert } from '../../maps.js'

type Access = 'read' | 'write'
type ScalarType = 'u32' | 'f32'

const scalarsOf =
  <const T extends ScalarType>(type: T) =>
  <const S extends string>(...names: readonly S[]) =>
    Object.fromEntries(names.map(name => [name, type])) as Record<S, T>

export const u32 = scalarsOf('u32')
export const f32 = scalarsOf('f32')
export const THREADS = 256

/**
 * A compute shader over named tensors and scalars, without the declarations: {@link shaderOf} writes those.
 *
 * The code reads a tensor `x` with `load_x(i)`, writes it with `store_x(i, value)` (i counts from the tensor's first
 * element, in units of `element`), and reads a scalar `n` as `p.n`. It defines
 * - `fn at(i: u32)`, called once for every i < p.count, where `each` is 'element' (the default), or
 * - `fn group(g: u32, lane: u32)`, called by all threads of a workgroup for every g < p.count, where `each` is 'group'.
 */
export interface Kernel<T extends string = string, S extends string = string> {
  readonly name: string
  readonly each?: 'element' | 'group'
  readonly tensors: Readonly<Record<T, Access>>
  readonly scalars: Readonly<Record<S, ScalarType>>
  readonly code: string
  /** Threads of a workgroup, {@link THREADS} by default; the code reads them as THREADS. */
  readonly threads?: number
  /** Unit of a tensor's index: one float by default. */
  readonly element?: 'f32' | 'vec4<f32>'
  /** True if the code reads index data with `word(i)` and `number(i)`. */
  readonly words?: boolean
}

/** Gives the compiler the names of a kernel's tensors and scalars. */
export const kernel = <const T extends string, const S extends string>(k: Kernel<T, S>): Kernel<T, S> => k

/** Returns the kernel for wide rows; for narrow ones its twin with smaller workgroups, which leave fewer threads idle. */
export function forWidth<K extends Kernel>(wide: K, cols: number): K {
  if (cols > NARROW) return wide
  const make = (): Kernel => ({ ...wide, name: `${wide.name} narrow`, threads: NARROW_THREADS })
  return getOrInsert(narrowTwins, wide, make) as K
}

const NARROW = 256
const NARROW_THREADS = 64
const narrowTwins = new WeakMap<Kernel, Kernel>()

/** Bindings of the tensors of one dispatch; tensors that share a buffer share a binding. */
export type Binding = ReturnType<typeof bind>

/**
 * Gives every buffer of a dispatch one binding: WebGPU forbids to bind a buffer twice where one of the two is written,
 * which operations in place and views of one tensor would do.
 * @param buffers the buffer of every tensor, in the kernel's order
 * @returns the binding of every tensor, and for each binding whether it is written
 */
export function bind(kernel: Kernel, buffers: readonly unknown[]) {
  const accesses: Access[] = Object.values(kernel.tensors)
  const bound: unknown[] = []
  const writes: boolean[] = []
  const slots = buffers.map((buffer, i) => {
    let slot = bound.indexOf(buffer)
    if (slot < 0) {
      slot = bound.push(buffer) - 1
      writes.push(false)
    }
    if (accesses[i] === 'write') writes[slot] = true
    return slot
  })
  return { slots, writes }
}

/** Writes the WGSL module of a kernel for one binding of its tensors. */
export function shaderOf(kernel: Kernel, { slots, writes }: Binding): string {
  const { tensors, scalars, each = 'element', element = 'f32', threads = THREADS } = kernel
  const names = Object.keys(tensors)
  const fields = [...names.map(name => `${name}: u32`), ...Object.entries(scalars).map(([name, type]) => `${name}: ${type}`)]
  const first = kernel.words ? 2 : 1
  const index = '(id.y * ids.x + id.x)'
  return `
const THREADS = ${threads}u;
struct Params { ${fields.join(', ')} }
@group(0) @binding(0) var<uniform> p: Params;
${kernel.words ? WORDS : ''}
${writes.map((w, i) => `@group(0) @binding(${first + i}) var<storage, ${w ? 'read_write' : 'read'}> b${i}: array<${element}>;`).join('\n')}
${names
  .map(
    (name, i) => `fn load_${name}(i: u32) -> ${element} { return b${slots[i]}[p.${name} + i]; }
${tensors[name] === 'write' ? `fn store_${name}(i: u32, value: ${element}) { b${slots[i]}[p.${name} + i] = value; }` : ''}`,
  )
  .join('\n')}
${kernel.code}
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) ids: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  ${
    each === 'element'
      ? `let i = ${index} * THREADS + lane;\n  if (i < p.count) { at(i); }`
      : `let g = ${index};\n  if (g < p.count) { group(g, lane); }`
  }
}
`
}

const WORDS = `@group(0) @binding(1) var<storage, read> indices: array<u32>;
fn word(i: u32) -> u32 { return indices[i]; }
fn number(i: u32) -> f32 { return bitcast<f32>(indices[i]); }`
