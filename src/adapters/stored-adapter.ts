import { fromFloat16Bits } from '../math/float16.js'
import { type Matrix, matrix } from '../math/matrix.js'
import { type Adapter, validateAdapter } from './adapter.js'
import { damaged, wrong } from './file-errors.js'

export { damaged, wrong } from './file-errors.js'

/** The `format` of the files that this release writes and reads. */
export const ADAPTER_FORMAT = 'adapter-train/1'

/** How weights are stored: float32 or float16, little-endian. */
export type TensorType = 'F32' | 'F16'

/** Bytes that a file has a checksum of. */
export interface StoredBytes {
  /** Names file and parameter, for messages. */
  readonly where: string
  readonly bytes: Uint8Array
  /** SHA-256, hex; absent where the file has none. */
  readonly sha256?: unknown
}

/** An adapter file, taken apart and not yet believed. Checksums are for the caller, since some hosts can only await them. */
export interface StoredAdapter {
  /** Everything but the weights. */
  readonly facts: Readonly<Record<string, unknown>>
  readonly params: Readonly<Record<string, Matrix>>
  readonly stored: readonly StoredBytes[]
}

/**
 * Takes the weights of a file as they are stored.
 *
 * @param read gives a parameter's type, shape, bytes and checksum
 * @throws ADAPTER_FORMAT when type or shape are not known
 * @throws ADAPTER_CORRUPT when the bytes are fewer or more than the shape needs
 */
export function readParams(
  params: unknown,
  where: string,
  read: (param: Readonly<Record<string, unknown>>, where: string, name: string) => Omit<StoredBytes, 'where'>,
): Omit<StoredAdapter, 'facts'> {
  if (!isObject(params)) throw wrong(where, '"params" must be an object')
  const stored: StoredBytes[] = []
  const decode = (param: unknown, name: string): Matrix => {
    const place = `${where}: parameter "${name}"`
    if (!isObject(param)) throw wrong(place, 'expected an object')
    const tensor = { where: place, ...read(param, place, name) }
    stored.push(tensor)
    return decodeTensor(param, tensor)
  }
  return { params: mapValues(params, decode), stored }
}

function decodeTensor({ dtype, shape }: Readonly<Record<string, unknown>>, { where, bytes }: StoredBytes): Matrix {
  const size = dtype === 'F32' ? 4 : dtype === 'F16' ? 2 : 0
  if (!size) throw wrong(where, `has dtype ${JSON.stringify(dtype)}, expected "F32" or "F16"`)
  if (!Array.isArray(shape) || !shape.every(isSize) || !(shape.length === 1 || shape.length === 2)) {
    throw wrong(where, '"shape" must be [rows, columns] or [length]')
  }
  const [cols, rows = 1] = [...shape].reverse()
  if (bytes.length !== rows * cols * size) {
    throw damaged(where, `${bytes.length} bytes of data, but shape [${shape.join(', ')}] needs ${rows * cols * size}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const out = matrix(rows, cols)
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = size === 4 ? view.getFloat32(4 * i, true) : fromFloat16Bits(view.getUint16(2 * i, true))
  }
  return out
}

/**
 * Checks bytes against their checksum, where the file has one.
 * @param found SHA-256 of the bytes, hex
 * @throws ADAPTER_CORRUPT
 */
export function checkSha256({ where, sha256 }: StoredBytes, found: string): void {
  if (sha256 !== undefined && sha256 !== found) throw damaged(where, `checksum ${found} does not match ${sha256}`)
}

/**
 * Checks what a file says beside the weights, as far as applying the adapter does not need it.
 * @param where the file, for messages
 * @throws ADAPTER_FORMAT
 */
export function checkFacts({ kind, base, training }: StoredAdapter['facts'], where: string): void {
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
}

/**
 * Puts an adapter together, and checks all that applying it relies on.
 * @param where the file, for messages
 * @throws ADAPTER_FORMAT when it is of a format, kind or shape that this release does not know
 * @throws ADAPTER_CORRUPT when a weight is not finite
 */
export function assembleAdapter(
  facts: StoredAdapter['facts'],
  params: StoredAdapter['params'],
  where: string,
): Adapter {
  const { kind, base, training } = facts
  checkFormat(facts, where)
  if (!isObject(base) || !isSize(base.dimensions)) throw wrong(where, '"base" must have "dimensions"')
  const adapter = { kind, base, training, params } as unknown as Adapter
  validateAdapter(adapter, where)
  return adapter
}

/** @throws ADAPTER_FORMAT when the file is of another format than {@link ADAPTER_FORMAT} */
export function checkFormat({ format }: Readonly<Record<string, unknown>>, where: string): void {
  if (format === ADAPTER_FORMAT) return
  throw wrong(
    where,
    `has ${format === undefined ? 'no "format"' : `format ${JSON.stringify(format)}`}, but this release reads "${ADAPTER_FORMAT}" adapter files; update adapter-train or train again`,
  )
}

/** The same names with other values. */
export function mapValues<A, B>(
  values: Readonly<Record<string, A>>,
  map: (value: A, name: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]))
}

export function isObject(x: unknown): x is Record<string, unknown> {
  return typeof x === 'object' && x !== null && !Array.isArray(x)
}

const isSize = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) > 0
