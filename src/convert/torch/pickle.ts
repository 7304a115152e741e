/** A tensor of a state dict: float32, row-major, its storage named. */
export interface PickledTensor {
  /** Name of the file in `data/` that holds the values. */
  readonly key: string
  readonly shape: readonly number[]
}

/**
 * The pickle (protocol 2) that `torch.save` makes of a state dict: an OrderedDict of tensors whose values stand elsewhere.
 *
 * Written opcode by opcode, of those that `torch.load(..., weights_only=True)` allows.
 *
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py for the opcodes
 */
export function pickleStateDict(tensors: ReadonlyMap<string, PickledTensor>): Uint8Array {
  const items = [...tensors].flatMap(([name, tensor]) => [text(name), pickleTensor(tensor)])
  return Buffer.concat([Buffer.of(0x80, 2), ORDERED_DICT, MARK, ...items, SETITEMS, STOP])
}

/** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)` */
function pickleTensor({ key, shape }: PickledTensor): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1)
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1))
  const storage = Buffer.concat([
    tuple(text('storage'), global('torch', 'FloatStorage'), text(key), text('cpu'), int(count)),
    BINPERSID,
  ])
  const args = tuple(storage, int(0), tuple(...shape.map(int)), tuple(...strides.map(int)), NEWFALSE, ORDERED_DICT)
  return Buffer.concat([global('torch._utils', '_rebuild_tensor_v2'), args, REDUCE])
}

const MARK = Buffer.from('(')
const SETITEMS = Buffer.from('u')
const STOP = Buffer.from('.')
const REDUCE = Buffer.from('R')
const BINPERSID = Buffer.from('Q')
const NEWFALSE = Buffer.of(0x89)
const EMPTY_TUPLE = Buffer.from(')')

const global = (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`)

/** A new, empty one. */
const ORDERED_DICT = Buffer.concat([global('collections', 'OrderedDict'), EMPTY_TUPLE, REDUCE])

const tuple = (...items: readonly Uint8Array[]): Buffer => Buffer.concat([MARK, ...items, Buffer.from('t')])

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([Buffer.from('X'), length, bytes])
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.write('J')
  bytes.writeInt32LE(value, 1)
  return bytes
}
