import { AdapterTrainError } from '../errors.js'
import { fromFloat16Bits } from '../math/float16.js'
import { type Matrix, matrix } from '../math/matrix.js'
import { type Adapter, validateAdapter } from './adapter.js'

/** The `format` of the files that this release writes and reads. */
export const ADAPTER_FORMAT = 'adapter-train/1'

/** Bytes of a number of each type that weights are stored in. */
export const TENSOR_TYPES = { F32: 4, F16: 2 } as const

export type TensorType = keyof typeof TENSOR_TYPES

/** One parameter as it stands in a file: little-endian, row-major. */
export interface StoredTensor {
  /** Names file and parameter, for messages. */
  readonly where: string
  readonly dtype: TensorType
  readonly rows: number
  readonly cols: number
  readonly bytes: Uint8Array
  /** SHA-256 of the bytes, hex, where the file has it. */
  readonly sha256?: string
}

/** An adapter file, taken apart and not yet believed. Checksums are for the caller, since some hosts can only await them. */
export interface StoredAdapter {
  /** Everything but the weights. */
  readonly facts: Readonly<Record<string, unknown>>
  readonly tensors: Readonly<Record<string, StoredTensor>>
}

/**
 * Checks type, shape and length of a parameter.
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT
 */
export function storedTensor(
  where: string,
  dtype: unknown,
  shape: unknown,
  bytes: Uint8Array,
  sha256?: string,
): StoredTensor {
  if (!isTensorType(dtype)) {
    throw wrong(where, `has dtype ${JSON.stringify(dtype)}, expected "${Object.keys(TENSOR_TYPES).join('" or "')}"`)
  }
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 2 || !shape.every(isSize)) {
    throw wrong(where, '"shape" must be [rows, columns] or [length]')
  }
  const [rows, cols] = shape.length === 1 ? [1, shape[0]] : (shape as [number, number])
  const expected = rows * cols * TENSOR_TYPES[dtype]
  if (bytes.length !== expected) {
    throw corrupt(
      where,
      `${bytes.length} bytes of data, but shape [${shape.join(', ')}] needs ${expected}; the file is damaged`,
    )
  }
  return { where, dtype, rows, cols, bytes, sha256 }
}

/**
 * Checks the bytes of a parameter against their checksum, where the file has one.
 * @param found SHA-256 of the bytes, hex
 * @throws ADAPTER_CORRUPT
 */
export function checkSha256({ where, sha256 }: StoredTensor, found: string): void {
  if (sha256 !== undefined && sha256 !== found) {
    throw corrupt(where, `checksum ${found} does not match ${sha256}; the file is damaged`)
  }
}

/**
 * Puts an adapter together, and checks it.
 * @param where the file, for messages
 * @throws ADAPTER_FORMAT when it is of a format, kind or shape that this release does not know
 * @throws ADAPTER_CORRUPT when a weight is not finite
 */
export function assembleAdapter({ facts, tensors }: StoredAdapter, where: string): Adapter {
  const { kind, base, training } = facts
  checkFormat(facts, where)
  if (typeof kind !== 'string') throw wrong(where, '"kind" must be a string')
  if (
    !isObject(base) ||
    typeof base.id !== 'string' ||
    !isSize(base.dimensions) ||
    typeof base.normalized !== 'boolean'
  ) {
    throw wrong(where, '"base" must be { "id": string, "dimensions": positive integer, "normalized": boolean }')
  }
  if (!isObject(training)) throw wrong(where, '"training" must be an object')
  const adapter: Adapter = {
    kind,
    base: { id: base.id, dimensions: base.dimensions, normalized: base.normalized },
    training: training as unknown as Adapter['training'],
    params: Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, decodeTensor(tensor)])),
  }
  validateAdapter(adapter, where)
  return adapter
}

/** @throws ADAPTER_FORMAT when the file is of another format than {@link ADAPTER_FORMAT} */
export function checkFormat({ format }: Readonly<Record<string, unknown>>, where: string): void {
  if (format === ADAPTER_FORMAT) return
  throw wrong(
    where,
    format === undefined
      ? `has no "format"; expected an adapter file written by adapter-train ("${ADAPTER_FORMAT}")`
      : `has format ${JSON.stringify(format)}, but this release reads "${ADAPTER_FORMAT}"; update adapter-train or train again`,
  )
}

function decodeTensor({ dtype, rows, cols, bytes }: StoredTensor): Matrix {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const out = matrix(rows, cols)
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = dtype === 'F32' ? view.getFloat32(4 * i, true) : fromFloat16Bits(view.getUint16(2 * i, true))
  }
  return out
}

export function isObject(x: unknown): x is Record<string, unknown> {
  return typeof x === 'object' && x !== null && !Array.isArray(x)
}

const isTensorType = (x: unknown): x is TensorType => typeof x === 'string' && Object.hasOwn(TENSOR_TYPES, x)

const isSize = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) > 0

export const wrong = (where: string, what: string): AdapterTrainError =>
  new AdapterTrainError('ADAPTER_FORMAT', `${where}: ${what}`)

export const corrupt = (where: string, what: string): AdapterTrainError =>
  new AdapterTrainError('ADAPTER_CORRUPT', `${where}: ${what}`)
