import { damaged, wrong } from '../adapters/stored-adapter.js'
import { getOrInsert } from '../maps.js'
import { readFloats } from '../math/bytes.js'
import { type Matrix, matrix } from '../math/matrix.js'

/** Fields of a protocol buffer by number, in their order: a number, or bytes if they have a length. */
type Message = ReadonlyMap<number, readonly (number | Uint8Array)[]>

/** TensorProto.DataType */
const FLOAT = 1
/** Tag of the IR version, the first field of a ModelProto. */
const FIRST_FIELD = 0x08

/** True if the bytes begin like a model, with an IR version from 3 on; the format has no mark of its own. */
export function looksLikeOnnx(bytes: Uint8Array): boolean {
  return bytes.length > 16 && bytes[0] === FIRST_FIELD && bytes[1] >= 3 && bytes[1] <= 32
}

/**
 * Reads the metadata and the float32 constants of an ONNX model.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto for the field numbers
 */
export function decodeOnnxModel(file: Uint8Array, where: string) {
  const model = readMessage(file, where)
  const [graph] = messages(model, 7, where)
  if (!graph) throw wrong(where, 'is not an ONNX model: it has no graph')
  return {
    metadata: Object.fromEntries(messages(model, 14, where).map(entry => [textOf(entry, 1), textOf(entry, 2)])),
    constants: Object.fromEntries(
      messages(graph, 5, where).map(tensor => {
        const name = textOf(tensor, 8)
        return [name, readConstant(tensor, `${where}: constant "${name}"`)]
      }),
    ),
  }
}

function readConstant(tensor: Message, where: string): Matrix {
  const shape = (tensor.get(1) ?? []).flatMap(value => (typeof value === 'number' ? [value] : packed(value, where)))
  const bytes = tensor.get(9)?.[0]
  if (tensor.get(2)?.[0] !== FLOAT || !(bytes instanceof Uint8Array) || shape.length < 1 || shape.length > 2)
    throw wrong(where, 'expected a float32 vector or matrix as raw data')
  const [cols, rows = 1] = [...shape].reverse()
  if (bytes.length !== rows * cols * 4) throw damaged(where, `${bytes.length} bytes for shape [${shape.join(', ')}]`)
  return matrix(rows, cols, readFloats(bytes, 4))
}

const messages = (message: Message, field: number, where: string): Message[] =>
  (message.get(field) ?? []).flatMap(value => (value instanceof Uint8Array ? [readMessage(value, where)] : []))

function textOf(message: Message, field: number): string {
  const value = message.get(field)?.[0]
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : ''
}

function packed(bytes: Uint8Array, where: string): number[] {
  const values: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const [value, next] = readVarint(bytes, at, where)
    values.push(value)
    at = next
  }
  return values
}

function readMessage(bytes: Uint8Array, where: string): Message {
  const fields = new Map<number, (number | Uint8Array)[]>()
  for (let at = 0; at < bytes.length; ) {
    const [tag, start] = readVarint(bytes, at, where)
    const [field, wireType] = [Math.floor(tag / 8), tag % 8]
    let value: number | Uint8Array
    if (wireType === 0) {
      ;[value, at] = readVarint(bytes, start, where)
    } else {
      const [length, from] =
        wireType === 2 ? readVarint(bytes, start, where) : [wireType === 5 ? 4 : wireType === 1 ? 8 : Number.NaN, start]
      // Also true if the length is not a number.
      if (!(from + length <= bytes.length)) throw damaged(where, 'its ONNX model is broken or cut short')
      value = bytes.subarray(from, from + length)
      at = from + length
    }
    getOrInsert(fields, field, () => []).push(value)
  }
  return fields
}

/** Reads a number of seven bits per byte, lowest first. */
function readVarint(bytes: Uint8Array, start: number, where: string): [value: number, next: number] {
  let value = 0
  for (let i = 0; i < 10 && start + i < bytes.length; i++) {
    value += (bytes[start + i] % 128) * 128 ** i
    if (bytes[start + i] < 128) return [value, start + i + 1]
  }
  throw damaged(where, 'its ONNX model is broken or cut short')
}
