import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AdapterTrainError, messageOf } from '../errors.js'
import type { Matrix } from '../math/matrix.js'
import { writeFileAtomic } from '../write-file-atomic.js'
import { type Adapter, validateAdapter } from './adapter.js'
import { encodeTensor, tensorShape } from './encode-tensor.js'
import { parseAdapter } from './parse-adapter.js'
import { ADAPTER_FORMAT, assembleAdapter, checkFacts, checkSha256, type TensorType } from './stored-adapter.js'

export { ADAPTER_FORMAT }

/** One parameter in the file: little-endian, row-major, in base64. A single row is stored as a vector. */
interface JsonParam {
  readonly dtype: TensorType
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

/**
 * The text of an adapter file. Equal adapters give equal texts.
 * @param dtype `F16` halves the file and rounds the weights
 * @throws ADAPTER_FORMAT when a weight is too large for float16
 */
export function encodeAdapter(adapter: Adapter, dtype: TensorType = 'F32'): string {
  const { kind, base, training, params } = adapter
  const stored = Object.fromEntries(Object.entries(params).map(([name, m]) => [name, encodeParam(name, m, dtype)]))
  return `${JSON.stringify({ format: ADAPTER_FORMAT, kind, base, training, params: stored }, null, 2)}\n`
}

/**
 * Parses the text of an adapter file.
 * @param where its name, for messages
 * @throws as {@link loadAdapter}
 */
export function decodeAdapter(text: string, where = 'adapter'): Adapter {
  const { facts, params, stored } = parseAdapter(text, where, data => Buffer.from(data, 'base64'))
  checkFacts(facts, where)
  for (const part of stored) checkSha256(part, sha256(part.bytes))
  return assembleAdapter(facts, params, where)
}

/** Names the map itself: SHA-256 (hex) of kind, base and weights, whatever else the file says. */
export function adapterHash(adapter: Adapter): string {
  const hash = createHash('sha256').update(JSON.stringify([adapter.kind, adapter.base.id, adapter.base.dimensions]))
  for (const name of Object.keys(adapter.params).sort()) {
    hash.update(name).update(encodeTensor(name, adapter.params[name], 'F32'))
  }
  return hash.digest('hex')
}

function encodeParam(name: string, m: Matrix, dtype: TensorType): JsonParam {
  const bytes = encodeTensor(name, m, dtype)
  return {
    dtype,
    shape: tensorShape(m),
    sha256: sha256(bytes),
    data: Buffer.from(bytes.buffer).toString('base64'),
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
