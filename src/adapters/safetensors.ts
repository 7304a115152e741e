import { AdapterTrainError } from '../errors.js'
import { isObject } from '../json.js'
import { toFloat16Bits } from '../math/bytes.js'
import type { Matrix } from '../math/matrix.js'
import { wrong } from './adapter.js'
import type { StoredAdapter, TensorType } from './stored-adapter.js'
import { checkFormat, mapValues, parseJson, readParams } from './stored-adapter.js'

/** A tensor of a safetensors file: little-endian, row-major. */
export interface Tensor {
  /** Number type, such as `F32`. */
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

interface Safetensors {
  readonly tensors: Readonly<Record<string, Tensor>>
  readonly metadata: Readonly<Record<string, string>>
}

/** Key of the texts about the file, among the tensors of the header. */
export const METADATA = '__metadata__'
export const LENGTH_BYTES = 8
/** The header is padded so that the tensors begin at a multiple of this. */
const ALIGNMENT = 8
/** The exponent of a float16 that is infinite or NaN. */
const INFINITE_FLOAT16 = 0x7c00

/**
 * Encodes a safetensors file: eight bytes of header length, the header in JSON, the tensors.
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

/** True for the bytes of a safetensors file; no JSON text has a zero byte before its first brace. */
export function looksLikeSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > LENGTH_BYTES && bytes[LENGTH_BYTES - 1] === 0 && bytes[LENGTH_BYTES] === 0x7b
}

/** Decodes a safetensors file; the tensors are views of `file`, whose length the caller compares with their shapes. */
export function decodeSafetensors(file: Uint8Array, where: string): Safetensors {
  const start = LENGTH_BYTES + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  const data = file.subarray(start)
  const header = new TextDecoder().decode(file.subarray(LENGTH_BYTES, start))
  // What begins with a brace is an object, if it is JSON at all.
  const { [METADATA]: metadata = {}, ...entries } = parseJson(header, where) as Record<string, unknown>
  if (!isObject(metadata)) throw wrong(where, `"${METADATA}" must be an object`)
  const tensors = mapValues(entries, (entry, name): Tensor => {
    const { dtype, shape, data_offsets: range } = isObject(entry) ? entry : {}
    if (!Array.isArray(shape) || !Array.isArray(range))
      throw wrong(where, `tensor "${name}" needs "dtype", "shape" and "data_offsets"`)
    return { dtype: String(dtype), shape, bytes: data.subarray(range[0], range[1]) }
  })
  return { tensors, metadata: mapValues(metadata, String) }
}

/**
 * Parses an adapter in a safetensors file. Its metadata holds `format` and `kind` as they are, other facts as JSON, and the
 * `sha256` of each tensor. Needs no Node API.
 */
export function readSafetensorsAdapter(file: Uint8Array, where: string): StoredAdapter {
  const { tensors, metadata } = decodeSafetensors(file, where)
  checkFormat(metadata, where)
  const { format, kind, sha256 = '{}', ...others } = metadata
  const sums = parseJson(sha256, where) as Readonly<Record<string, unknown>> | null
  return {
    facts: { ...mapValues(others, text => parseJson(text, where)), format, kind },
    ...readParams(tensors, where, (_, _where, name) => ({ bytes: tensors[name].bytes, sha256: sums?.[name] })),
  }
}

/** Shape of a parameter in a file: a single row is stored as a vector. */
export const tensorShape = ({ rows, cols }: Matrix): readonly number[] => (rows === 1 ? [cols] : [rows, cols])

/** Makes the tensor of a parameter. @throws ADAPTER_FORMAT if a weight is too large for float16 */
export function tensorOf(name: string, m: Matrix, dtype: TensorType): Tensor & { bytes: Uint8Array<ArrayBuffer> } {
  return { dtype, shape: tensorShape(m), bytes: encodeTensor(name, m, dtype) }
}

/** Encodes a parameter: little-endian, row-major. */
export function encodeTensor(name: string, { cols, data }: Matrix, dtype: TensorType): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.length * (dtype === 'F32' ? 4 : 2))
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < data.length; i++) {
    if (dtype === 'F32') {
      view.setFloat32(4 * i, data[i], true)
      continue
    }
    const bits = toFloat16Bits(data[i])
    if ((bits & INFINITE_FLOAT16) === INFINITE_FLOAT16) {
      const found = `"${name}" at row ${Math.floor(i / cols)}, column ${i % cols} is ${data[i]}`
      const problem = `parameter ${found}, which float16 cannot hold (at most 65504); store the adapter in float32`
      throw new AdapterTrainError('ADAPTER_FORMAT', problem)
    }
    view.setUint16(2 * i, bits, true)
  }
  return bytes
}
