import { parseJson } from './parse-adapter.js'
import { isObject, mapValues, wrong } from './stored-adapter.js'

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
 * Reads a safetensors file; the tensors are views of `file`, whose length the caller compares with their shapes.
 * @param where its name, for messages
 * @throws ADAPTER_FORMAT when it is none
 */
export function decodeSafetensors(file: Uint8Array, where: string): Safetensors {
  if (!looksLikeSafetensors(file)) throw wrong(where, 'is no safetensors file')
  const start = LENGTH_BYTES + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  const data = file.subarray(start)
  const header = new TextDecoder().decode(file.subarray(LENGTH_BYTES, start))
  // What begins with a brace is an object, if it is JSON at all.
  const { [METADATA]: metadata = {}, ...entries } = parseJson(header, where) as Record<string, unknown>
  if (!isObject(metadata)) throw wrong(where, `"${METADATA}" must be an object`)
  const tensors = mapValues(entries, (entry, name): Tensor => {
    const { dtype, shape, data_offsets: range } = isObject(entry) ? entry : {}
    if (!Array.isArray(shape) || !Array.isArray(range)) {
      throw wrong(where, `tensor "${name}" needs "dtype", "shape" and "data_offsets"`)
    }
    return { dtype: String(dtype), shape, bytes: data.subarray(range[0], range[1]) }
  })
  return { tensors, metadata: mapValues(metadata, String) }
}
