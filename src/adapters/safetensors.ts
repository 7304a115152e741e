import { messageOf } from '../errors.js'
import { corrupt, isObject, wrong } from './stored-adapter.js'

/** A tensor of a safetensors file: little-endian, row-major. */
export interface Tensor {
  /** The format's name of the number type, such as `F32`. */
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

export interface Safetensors {
  readonly tensors: Readonly<Record<string, Tensor>>
  readonly metadata: Readonly<Record<string, string>>
}

/** Where texts about the file stand among the tensors of the header. */
const METADATA = '__metadata__'
const LENGTH_BYTES = 8
/** The header is filled up with blanks, so that the tensors begin at a multiple of it. */
const ALIGNMENT = 8

/**
 * A safetensors file: eight bytes of header length, the header in JSON, the tensors one after the other.
 * @see https://github.com/huggingface/safetensors#format
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  let end = 0
  const entries = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    const begin = end
    end += bytes.length
    return [name, { dtype, shape, data_offsets: [begin, end] }]
  })
  const meta = Object.keys(metadata).length > 0 ? [[METADATA, metadata]] : []
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries([...meta, ...entries])))
  const length = Math.ceil(header.length / ALIGNMENT) * ALIGNMENT
  const file = new Uint8Array(LENGTH_BYTES + length + end).fill(0x20, 0, LENGTH_BYTES + length)
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true)
  file.set(header, LENGTH_BYTES)
  let at = LENGTH_BYTES + length
  for (const { bytes } of Object.values(tensors)) {
    file.set(bytes, at)
    at += bytes.length
  }
  return file
}

/** Whether the bytes begin as a safetensors file does; no JSON text has a zero byte before its first brace. */
export function looksLikeSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > LENGTH_BYTES && bytes[LENGTH_BYTES - 1] === 0 && bytes[LENGTH_BYTES] === 0x7b
}

/**
 * Reads a safetensors file; the tensors are views of `file`.
 * @param where its name, for messages
 * @throws ADAPTER_FORMAT when it is none
 * @throws ADAPTER_CORRUPT when it is cut short, or its tensors overlap or leave bytes over
 */
export function decodeSafetensors(file: Uint8Array, where: string): Safetensors {
  if (!looksLikeSafetensors(file)) throw wrong(where, 'is no safetensors file')
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  const data = file.subarray(LENGTH_BYTES + length)
  if (LENGTH_BYTES + length > file.length) {
    throw corrupt(where, `is cut short: its header should end at byte ${LENGTH_BYTES + length}, it has ${file.length}`)
  }
  const { [METADATA]: metadata = {}, ...entries } = parseHeader(
    file.subarray(LENGTH_BYTES, LENGTH_BYTES + length),
    where,
  )
  const tensors: [string, Tensor][] = []
  const ranges: [number, number][] = []
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype, shape, data_offsets: range } = isObject(entry) ? entry : {}
    if (typeof dtype !== 'string' || !isSizes(shape) || !isSizes(range) || range.length !== 2) {
      throw wrong(where, `tensor "${name}" must have "dtype", "shape" and "data_offsets" [begin, end]`)
    }
    ranges.push(range as [number, number])
    tensors.push([name, { dtype, shape, bytes: data.subarray(range[0], range[1]) }])
  }
  let end = 0
  for (const [from, to] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (from !== end || to < from) throw corrupt(where, `its tensors overlap or leave a gap at byte ${end} of the data`)
    end = to
  }
  if (end !== data.length) {
    throw corrupt(where, `its tensors need ${end} bytes of data, it has ${data.length}; the file is damaged`)
  }
  if (!isObject(metadata) || !Object.values(metadata).every(value => typeof value === 'string')) {
    throw wrong(where, `"${METADATA}" must be texts by name`)
  }
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Record<string, string> }
}

function parseHeader(bytes: Uint8Array, where: string): Record<string, unknown> {
  try {
    // What begins with a brace is an object, if it is JSON at all.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw wrong(where, `has a broken safetensors header: ${messageOf(error)}`)
  }
}

const isSizes = (x: unknown): x is number[] =>
  Array.isArray(x) && x.every(size => Number.isSafeInteger(size) && size >= 0)
