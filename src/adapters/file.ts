import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AdapterTrainError, messageOf } from '../errors.js'
import { type Matrix, matrix } from '../math/matrix.js'
import { writeFileAtomic } from '../write-file-atomic.js'
import { type Adapter, validateAdapter } from './adapter.js'
import type { Weights } from './kind.js'

/** The `format` of the files that this release writes and reads. */
export const ADAPTER_FORMAT = 'adapter-train/1'

/** One parameter in the file: little-endian float32, row-major, in base64. A single row is stored as a vector. */
interface StoredParam {
  readonly dtype: 'F32'
  readonly shape: readonly number[]
  /** SHA-256 of the bytes, hex. */
  readonly sha256: string
  readonly data: string
}

/**
 * Writes an adapter file: readable JSON, the weights last. The file appears whole or not at all.
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT when the adapter is not valid
 * @throws FILE_WRITE when the file cannot be written
 */
export function saveAdapter(adapter: Adapter, path: string): void {
  validateAdapter(adapter)
  writeFileAtomic(path, encodeAdapter(adapter))
}

/**
 * Reads an adapter file.
 * @throws FILE_NOT_FOUND, FILE_READ when it cannot be read
 * @throws ADAPTER_FORMAT when it is not an adapter file, or of a format, kind or shape that this release does not know
 * @throws ADAPTER_CORRUPT when a checksum does not match or a weight is not finite
 */
export function loadAdapter(path: string): Adapter {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new AdapterTrainError(
      missing ? 'FILE_NOT_FOUND' : 'FILE_READ',
      missing ? `there is no adapter file ${path}` : `cannot read the adapter file ${path}: ${messageOf(error)}`,
      { cause: error, details: { path } },
    )
  }
  return decodeAdapter(text, path)
}

/** The text of an adapter file. Equal adapters give equal texts. */
export function encodeAdapter(adapter: Adapter): string {
  const { kind, base, training, params } = adapter
  const stored = Object.fromEntries(Object.entries(params).map(([name, m]) => [name, encodeParam(m)]))
  return `${JSON.stringify({ format: ADAPTER_FORMAT, kind, base, training, params: stored }, null, 2)}\n`
}

/**
 * Parses the text of an adapter file.
 * @param where its name, for messages
 * @throws as {@link loadAdapter}
 */
export function decodeAdapter(text: string, where = 'adapter'): Adapter {
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch (error) {
    throw new AdapterTrainError('ADAPTER_FORMAT', `${where} is not an adapter file: ${messageOf(error)}`, {
      cause: error,
    })
  }
  const wrong = (what: string): AdapterTrainError => new AdapterTrainError('ADAPTER_FORMAT', `${where}: ${what}`)
  if (!isObject(file)) throw wrong('expected a JSON object, an adapter file written by adapter-train')
  if (file.format !== ADAPTER_FORMAT) {
    throw wrong(
      file.format === undefined
        ? `has no "format"; expected an adapter file written by adapter-train ("${ADAPTER_FORMAT}")`
        : `has format ${JSON.stringify(file.format)}, but this release reads "${ADAPTER_FORMAT}"; update adapter-train or train again`,
    )
  }
  const { kind, base, training, params } = file
  if (typeof kind !== 'string') throw wrong('"kind" must be a string')
  if (
    !isObject(base) ||
    typeof base.id !== 'string' ||
    !isSize(base.dimensions) ||
    typeof base.normalized !== 'boolean'
  ) {
    throw wrong('"base" must be { "id": string, "dimensions": positive integer, "normalized": boolean }')
  }
  if (!isObject(training)) throw wrong('"training" must be an object')
  if (!isObject(params)) throw wrong('"params" must be an object')
  const weights: Weights = Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, decodeParam(value, `${where}: parameter "${name}"`)]),
  )
  const adapter: Adapter = {
    kind,
    base: { id: base.id, dimensions: base.dimensions, normalized: base.normalized },
    training: training as unknown as Adapter['training'],
    params: weights,
  }
  validateAdapter(adapter, where)
  return adapter
}

/** Names the map itself: SHA-256 (hex) of kind, base and weights, whatever else the file says. */
export function adapterHash(adapter: Adapter): string {
  const hash = createHash('sha256').update(JSON.stringify([adapter.kind, adapter.base.id, adapter.base.dimensions]))
  for (const name of Object.keys(adapter.params).sort()) hash.update(name).update(paramBytes(adapter.params[name]))
  return hash.digest('hex')
}

function paramBytes(m: Matrix): Buffer {
  const bytes = Buffer.alloc(m.data.length * 4)
  m.data.forEach((value, i) => {
    bytes.writeFloatLE(value, i * 4)
  })
  return bytes
}

function encodeParam(m: Matrix): StoredParam {
  const bytes = paramBytes(m)
  return {
    dtype: 'F32',
    shape: m.rows === 1 ? [m.cols] : [m.rows, m.cols],
    sha256: sha256(bytes),
    data: bytes.toString('base64'),
  }
}

function decodeParam(value: unknown, where: string): Matrix {
  const wrong = (what: string): AdapterTrainError => new AdapterTrainError('ADAPTER_FORMAT', `${where}: ${what}`)
  if (!isObject(value)) throw wrong('expected an object')
  const { dtype, shape, sha256: expected, data } = value
  if (dtype !== 'F32') throw wrong(`has dtype ${JSON.stringify(dtype)}, expected "F32"`)
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 2 || !shape.every(isSize)) {
    throw wrong('"shape" must be [rows, columns] or [length]')
  }
  if (typeof data !== 'string' || typeof expected !== 'string') throw wrong('"data" and "sha256" must be strings')
  const bytes = Buffer.from(data, 'base64')
  const [rows, cols] = shape.length === 1 ? [1, shape[0]] : (shape as [number, number])
  if (bytes.length !== rows * cols * 4) {
    throw new AdapterTrainError(
      'ADAPTER_CORRUPT',
      `${where}: ${bytes.length} bytes of data, but shape [${shape.join(', ')}] needs ${rows * cols * 4}; the file is damaged`,
    )
  }
  const found = sha256(bytes)
  if (found !== expected) {
    throw new AdapterTrainError(
      'ADAPTER_CORRUPT',
      `${where}: checksum ${found} does not match ${expected}; the file is damaged`,
    )
  }
  const values = new Float32Array(rows * cols)
  for (let i = 0; i < values.length; i++) values[i] = bytes.readFloatLE(i * 4)
  return matrix(rows, cols, values)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function isObject(x: unknown): x is Record<string, unknown> {
  return typeof x === 'object' && x !== null && !Array.isArray(x)
}

function isSize(x: unknown): x is number {
  return Number.isSafeInteger(x) && (x as number) > 0
}
