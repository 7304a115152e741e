import { damaged, wrong } from '../../adapters/stored-adapter.js'
import { type AdapterTrainError, isAdapterTrainError } from '../../errors.js'

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

/** A function or class that the pickle names. Nothing is ever looked up or called by its name. */
class Global {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

class Storage {
  readonly type: string
  readonly key: string
  constructor(type: string, key: string) {
    this.type = type
    this.key = key
  }
}

class Tensor {
  readonly reference: TensorReference
  constructor(reference: TensorReference) {
    this.reference = reference
  }
}

const STORAGE = /^torch\.(Float|Double|Half|BFloat16)Storage$/

/** What a state dict of floating-point tensors is made of. Everything else is refused, unread. */
const isAllowed = (name: string): boolean => STORAGE.test(name) || CALLS.has(name)

/** The calls that a state dict makes, each done here by hand. */
const CALLS: ReadonlyMap<string, (args: readonly unknown[]) => unknown> = new Map<
  string,
  (args: readonly unknown[]) => unknown
>([
  ['collections.OrderedDict', args => (args.length === 0 ? new Map() : undefined)],
  ['torch._utils._rebuild_tensor_v2', args => rebuildTensor(args)],
  ['torch._utils._rebuild_parameter', ([tensor]) => (tensor instanceof Tensor ? tensor : undefined)],
])

/**
 * Reads the pickle of a state dict (tensors by name), executing nothing: a machine for the few opcodes and the few names that
 * such a pickle consists of, which refuses every other.
 *
 * @throws ADAPTER_FORMAT when it is anything else than a state dict
 * @throws ADAPTER_CORRUPT when it is cut short
 */
export function unpickleStateDict(pickle: Uint8Array, where: string): Map<string, TensorReference> {
  const refuse = (what: string): AdapterTrainError =>
    wrong(where, `${what}; only a state dict of floating-point tensors is read (torch.save(module.state_dict(), path))`)
  try {
    const result = run(Buffer.from(pickle.buffer, pickle.byteOffset, pickle.length), refuse)
    if (!(result instanceof Map) || result.size === 0) throw refuse('is no state dict')
    return new Map(
      [...result].map(([name, value]) => {
        if (typeof name === 'string' && value instanceof Tensor) return [name, value.reference]
        throw refuse(`holds something at ${JSON.stringify(String(name))} that is no tensor`)
      }),
    )
  } catch (error) {
    if (isAdapterTrainError(error)) throw error
    throw damaged(where, 'its pickle is broken')
  }
}

/** The stack machine of the pickle format. Whatever does not fit throws. */
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
  for (;;) {
    const opcode = String.fromCharCode(take(1)[0])
    switch (opcode) {
      case '\x80':
        take(1)
        break
      case '.':
        return pop()
      case 'c': {
        const name = `${line()}.${line()}`
        if (!isAllowed(name)) throw refuse(`asks for ${JSON.stringify(name)}, which is not executed`)
        stack.push(new Global(name))
        break
      }
      case 'R': {
        const args = pop()
        const callee = pop()
        const call = callee instanceof Global ? CALLS.get(callee.name) : undefined
        const result = Array.isArray(args) && call ? call(args) : undefined
        if (result === undefined) throw refuse('makes a call that a state dict does not make')
        stack.push(result)
        break
      }
      case 'b': {
        // A state dict carries its version as an attribute.
        pop()
        if (!(stack.at(-1) instanceof Map)) throw refuse('sets the state of an object')
        break
      }
      case 'Q':
        stack.push(storageOf(pop()))
        break
      case '(':
        marked.push(stack)
        stack = []
        break
      case 't':
      case 'l': {
        const items = popMarked()
        stack.push(items)
        break
      }
      case '\x85':
      case '\x86':
      case '\x87': {
        const count = opcode.charCodeAt(0) - 0x84
        if (stack.length < count) throw new RangeError('short stack')
        stack.push(stack.splice(-count))
        break
      }
      case ')':
      case ']':
        stack.push([])
        break
      case '}':
        stack.push(new Map())
        break
      case 'u':
        setItems(popMarked())
        break
      case 's': {
        const value = pop()
        setItems([pop(), value])
        break
      }
      case 'q':
        memo.set(take(1)[0], stack.at(-1))
        break
      case 'r':
        memo.set(take(4).readUInt32LE(), stack.at(-1))
        break
      case 'h':
        stack.push(recall(memo, take(1)[0]))
        break
      case 'j':
        stack.push(recall(memo, take(4).readUInt32LE()))
        break
      case 'X':
        stack.push(take(take(4).readUInt32LE()).toString('utf8'))
        break
      case 'J':
        stack.push(take(4).readInt32LE())
        break
      case 'K':
        stack.push(take(1)[0])
        break
      case 'M':
        stack.push(take(2).readUInt16LE())
        break
      case '\x8a': {
        const bytes = take(take(1)[0])
        stack.push(bytes.length === 0 ? 0 : bytes.length <= 6 ? bytes.readIntLE(0, bytes.length) : Number.NaN)
        break
      }
      case 'N':
        stack.push(null)
        break
      case '\x88':
      case '\x89':
        stack.push(opcode === '\x88')
        break
      default:
        throw refuse(`uses the pickle opcode 0x${opcode.charCodeAt(0).toString(16)}`)
    }
  }
}

function recall(memo: ReadonlyMap<number, unknown>, place: number): unknown {
  if (!memo.has(place)) throw new RangeError('nothing remembered')
  return memo.get(place)
}

/** ('storage', type, key, location, number of values) */
function storageOf(id: unknown): Storage {
  const [kind, type, key] = Array.isArray(id) ? id : []
  if (kind !== 'storage' || !(type instanceof Global) || !STORAGE.test(type.name) || typeof key !== 'string') {
    throw new RangeError('no storage')
  }
  return new Storage(type.name.slice('torch.'.length), key)
}

function rebuildTensor([storage, offset, shape, strides]: readonly unknown[]): Tensor | undefined {
  const isCounts = (x: unknown): x is number[] => Array.isArray(x) && x.every(isCount)
  if (!(storage instanceof Storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides)) return undefined
  if (shape.length !== strides.length) return undefined
  return new Tensor({ storage: storage.type, key: storage.key, offset, shape, strides })
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0
