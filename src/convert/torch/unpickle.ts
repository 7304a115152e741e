import { damaged, wrong } from '../../adapters/stored-adapter.js'
import { quote } from '../../dataset/check.js'
import { type AdapterTrainError, isAdapterTrainError } from '../../errors.js'
import { isObject } from '../../json.js'

/** A tensor of a state dict as its pickle describes it. */
export interface TensorReference {
  /** PyTorch's name of the type of storage, such as `FloatStorage`. */
  readonly storage: string
  /** Name of the file in `data/` that holds the values. */
  readonly key: string
  /** Places of the storage: the first, and between neighbours in every dimension. */
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** A function or class named by the pickle. Nothing is ever looked up or called by its name. */
type Global = { readonly global: string }
type Storage = Pick<TensorReference, 'storage' | 'key'>

// The pickle itself can only make maps, lists, texts, numbers, true, false and null.
const isGlobal = (x: unknown): x is Global => isObject(x) && 'global' in x
const isTensor = (x: unknown): x is TensorReference => isObject(x) && 'shape' in x
const isStorage = (x: unknown): x is Storage => isObject(x) && 'storage' in x && !isTensor(x)

/** Nesting of a state dict is a handful, and its tensors have few dimensions. */
const [MAX_MARKS, MAX_DIMENSIONS] = [100, 64]
/** Values on the stack: a few for each tensor. */
const MAX_STACK = 100_000
const STORAGE = /^torch\.(Float|Double|Half|BFloat16)Storage$/

/** True for the names in a state dict of floating-point tensors. Everything else is refused, unread. */
const isAllowed = (name: string): boolean => STORAGE.test(name) || CALLS.has(name)

/** The calls that a state dict makes, each done here by hand. */
const CALLS = new Map<string, (args: readonly unknown[]) => unknown>([
  ['collections.OrderedDict', args => (args.length === 0 ? new Map() : undefined)],
  ['torch._utils._rebuild_tensor_v2', args => rebuildTensor(args)],
  ['torch._utils._rebuild_parameter', ([tensor]) => (isTensor(tensor) ? tensor : undefined)],
])

/** Reads the pickle of a state dict, executing nothing: a machine for its few opcodes and names refuses all others. */
export function unpickleStateDict(pickle: Uint8Array, where: string): Map<string, TensorReference> {
  const refuse = (what: string): AdapterTrainError =>
    wrong(where, `${what}; only a state dict of floating-point tensors is read (torch.save(module.state_dict(), path))`)
  try {
    const result = run(Buffer.from(pickle.buffer, pickle.byteOffset, pickle.length), refuse)
    if (!(result instanceof Map) || result.size === 0) throw refuse('is not a state dict')
    return new Map(
      [...result].map(([name, value]) => {
        if (typeof name === 'string' && isTensor(value)) return [name, value]
        throw refuse(`holds something ${typeof name === 'string' ? `at ${quote(name)} ` : ''}that is not a tensor`)
      }),
    )
  } catch (error) {
    if (isAdapterTrainError(error)) throw error
    throw damaged(where, 'its pickle is broken')
  }
}

/** Runs the stack machine of the pickle format. Whatever does not fit throws. */
function run(pickle: Buffer, refuse: (what: string) => AdapterTrainError): unknown {
  let at = 0
  let stack: unknown[] = []
  const marked: unknown[][] = []
  const memo = new Map<number, unknown>()
  const take = (count: number): Buffer => {
    if (at + count > pickle.length) throw new RangeError('end of pickle')
    at += count
    return pickle.subarray(at - count, at)
  }
  const line = (): string =>
    take(pickle.indexOf(10, at) + 1 - at)
      .toString('utf8')
      .trimEnd()
  const pop = (): unknown => {
    if (stack.length === 0) throw new RangeError('empty stack')
    return stack.pop()
  }
  const popMarked = (): unknown[] => {
    const items = stack
    const below = marked.pop()
    if (!below) throw new RangeError('no mark')
    stack = below
    return items
  }
  const setItems = (items: readonly unknown[]): void => {
    const target = stack.at(-1)
    if (!(target instanceof Map) || items.length % 2 === 1) throw new RangeError('no dictionary')
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1])
  }
  const push = (value: unknown): void => {
    if (stack.push(value) > MAX_STACK) throw refuse(`has more than ${MAX_STACK} values on its stack`)
  }
  const recall = (place: number): void => {
    if (!memo.has(place)) throw new RangeError('nothing remembered')
    push(memo.get(place))
  }
  const tuple = (count: number): void => {
    if (stack.length < count) throw new RangeError('short stack')
    push(stack.splice(-count))
  }
  const operations: Readonly<Record<string, () => unknown>> = {
    '\x80': () => take(1),
    c() {
      const name = `${line()}.${line()}`
      if (!isAllowed(name)) throw refuse(`asks for ${quote(name)}, which is not executed`)
      push({ global: name } satisfies Global)
    },
    R() {
      const args = pop()
      const callee = pop()
      const call = isGlobal(callee) ? CALLS.get(callee.global) : undefined
      const result = Array.isArray(args) && call ? call(args) : undefined
      if (result === undefined) throw refuse('makes a call that a state dict does not make')
      push(result)
    },
    b() {
      // A state dict carries its version as an attribute.
      pop()
      if (!(stack.at(-1) instanceof Map)) throw refuse('sets the state of an object')
    },
    Q: () => push(storageOf(pop())),
    '('() {
      if (marked.length === MAX_MARKS) throw refuse(`nests more than ${MAX_MARKS} marks`)
      marked.push(stack)
      stack = []
    },
    t: () => push(popMarked()),
    l: () => push(popMarked()),
    '\x85': () => tuple(1),
    '\x86': () => tuple(2),
    '\x87': () => tuple(3),
    ')': () => push([]),
    ']': () => push([]),
    '}': () => push(new Map()),
    u: () => setItems(popMarked()),
    s() {
      const value = pop()
      setItems([pop(), value])
    },
    q: () => memo.set(take(1)[0], stack.at(-1)),
    r: () => memo.set(take(4).readUInt32LE(), stack.at(-1)),
    h: () => recall(take(1)[0]),
    j: () => recall(take(4).readUInt32LE()),
    X: () => push(take(take(4).readUInt32LE()).toString('utf8')),
    J: () => push(take(4).readInt32LE()),
    K: () => push(take(1)[0]),
    M: () => push(take(2).readUInt16LE()),
    '\x8a'() {
      const bytes = take(take(1)[0])
      push(bytes.length === 0 ? 0 : bytes.length <= 6 ? bytes.readIntLE(0, bytes.length) : Number.NaN)
    },
    N: () => push(null),
    '\x88': () => push(true),
    '\x89': () => push(false),
  }
  for (;;) {
    const opcode = String.fromCharCode(take(1)[0])
    if (opcode === '.') return pop()
    const operation = operations[opcode]
    if (!operation) throw refuse(`uses the pickle opcode 0x${opcode.charCodeAt(0).toString(16)}`)
    operation()
  }
}

/** ('storage', type, key, location, number of values) */
function storageOf(id: unknown): Storage {
  const [kind, type, key] = Array.isArray(id) ? id : []
  if (kind !== 'storage' || !isGlobal(type) || !STORAGE.test(type.global) || typeof key !== 'string')
    throw new RangeError('no storage')
  return { storage: type.global.slice('torch.'.length), key }
}

function rebuildTensor([storage, offset, shape, strides]: readonly unknown[]): TensorReference | undefined {
  const isCounts = (x: unknown): x is number[] => Array.isArray(x) && x.length <= MAX_DIMENSIONS && x.every(isCount)
  if (!isStorage(storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides)) return undefined
  if (shape.length !== strides.length) return undefined
  return { ...storage, offset, shape, strides }
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0

/** A tensor of a state dict: float32, row-major, its storage named. */
export type PickledTensor = Pick<TensorReference, 'key' | 'shape'>

/**
 * Writes the pickle (protocol 2) that `torch.save` makes of a state dict: an OrderedDict of tensors whose values are elsewhere.
 *
 * Uses only opcodes that `torch.load(..., weights_only=True)` allows.
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py for the opcodes
 */
export function pickleStateDict(tensors: ReadonlyMap<string, PickledTensor>): Uint8Array {
  const items = [...tensors].flatMap(([name, tensor]) => [text(name), pickleTensor(tensor)])
  return Buffer.concat([Buffer.of(0x80, 2), ORDERED_DICT, ops('('), ...items, ops('u.')])
}

/** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)` */
function pickleTensor({ key, shape }: PickledTensor): Uint8Array {
  const after = (i: number) => shape.slice(i).reduce((product, size) => product * size, 1)
  const strides = shape.map((_, i) => after(i + 1))
  const storage = tuple(text('storage'), ops('ctorch\nFloatStorage\n'), text(key), text('cpu'), int(after(0)))
  const sizes = [tuple(...shape.map(int)), tuple(...strides.map(int))]
  const args = tuple(storage, ops('Q'), int(0), ...sizes, ops('\x89'), ORDERED_DICT)
  return Buffer.concat([ops('ctorch._utils\n_rebuild_tensor_v2\n'), args, ops('R')])
}

const ops = (opcodes: string): Buffer => Buffer.from(opcodes, 'latin1')

/** A new, empty one. */
const ORDERED_DICT = ops('ccollections\nOrderedDict\n)R')

const tuple = (...items: readonly Uint8Array[]): Buffer => Buffer.concat([ops('('), ...items, ops('t')])

function text(value: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(Buffer.byteLength(value))
  return Buffer.concat([ops('X'), length, Buffer.from(value)])
}

function int(value: number): Buffer {
  const bytes = Buffer.from('J0000')
  bytes.writeInt32LE(value, 1)
  return bytes
}
