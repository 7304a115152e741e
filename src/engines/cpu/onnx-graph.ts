/** One operation of a graph: its inputs and outputs by name. */
export interface OnnxNode {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
}

type OnnxAttribute = { readonly int: number } | { readonly ints: readonly number[] } | { readonly float: number }

/** An input or output; a dimension is a size or a name that stands for any. */
export type OnnxValue = { readonly name: string; readonly type: OnnxType; readonly shape: readonly (number | string)[] }

/** A constant of the graph, as raw little-endian bytes. */
export interface OnnxConstant extends OnnxValue {
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

interface OnnxGraph {
  readonly name: string
  readonly nodes: readonly OnnxNode[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly constants?: readonly OnnxConstant[]
}

/** TensorProto.DataType */
const TYPES = { float32: 1, bfloat16: 16 } as const

type OnnxType = keyof typeof TYPES

/** Versions of the file format and the operators, old enough for every runtime in use. */
const IR_VERSION = 8
const OPSET = 17
/** AttributeProto.AttributeType */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const

/** Encodes an ONNX model (a ModelProto). See https://github.com/onnx/onnx/blob/main/onnx/onnx.proto for the field numbers */
export function encodeOnnxModel(
  graph: OnnxGraph,
  origin?: { readonly producer: string; readonly version: string; readonly metadata: Readonly<Record<string, string>> },
): Uint8Array {
  const opset = message(text(1, ''), varint(2, OPSET))
  return message(
    varint(1, IR_VERSION),
    ...(origin ? [text(2, origin.producer), text(3, origin.version)] : []),
    field(7, encodeGraph(graph)),
    field(8, opset),
    ...Object.entries(origin?.metadata ?? {}).map(([key, value]) => field(14, message(text(1, key), text(2, value)))),
  )
}

function encodeGraph(graph: OnnxGraph): Uint8Array {
  return message(
    ...graph.nodes.map(node => field(1, encodeNode(node))),
    text(2, graph.name),
    ...(graph.constants ?? []).map(constant => field(5, encodeConstant(constant))),
    ...graph.inputs.map(value => field(11, encodeValue(value))),
    ...graph.outputs.map(value => field(12, encodeValue(value))),
  )
}

function encodeNode({ op, inputs, outputs, attributes = {} }: OnnxNode): Uint8Array {
  return message(
    ...inputs.map(name => text(1, name)),
    ...outputs.map(name => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => field(5, encodeAttribute(name, value))),
  )
}

function encodeAttribute(name: string, value: OnnxAttribute): Uint8Array {
  if ('int' in value) return message(text(1, name), varint(3, value.int), varint(20, ATTRIBUTE.int))
  if ('float' in value) return message(text(1, name), float(2, value.float), varint(20, ATTRIBUTE.float))
  return message(text(1, name), ...value.ints.map(int => varint(8, int)), varint(20, ATTRIBUTE.ints))
}

function encodeConstant({ name, type, shape, bytes }: OnnxConstant): Uint8Array {
  return message(...shape.map(size => varint(1, size)), varint(2, TYPES[type]), text(8, name), field(9, bytes))
}

function encodeValue({ name, type, shape }: OnnxValue): Uint8Array {
  const dimensions = shape.map(size => field(1, typeof size === 'number' ? varint(1, size) : text(2, size)))
  const tensor = message(varint(1, TYPES[type]), field(2, message(...dimensions)))
  return message(text(1, name), field(2, field(1, tensor)))
}

/** Protocol buffers: every field is its number and wire type, then its value. */
const VARINT = 0
const BYTES = 2
const FIXED32 = 5

const message = (...fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields)

const field = (number: number, value: Uint8Array): Uint8Array =>
  message(base128(number * 8 + BYTES), base128(value.length), value)

const text = (number: number, value: string): Uint8Array => field(number, new TextEncoder().encode(value))

const varint = (number: number, value: number): Uint8Array => message(base128(number * 8 + VARINT), base128(value))

function float(number: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return message(base128(number * 8 + FIXED32), bytes)
}

/** A non-negative integer, seven bits a byte, lowest first. */
function base128(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Uint8Array.of(...bytes, rest)
}
