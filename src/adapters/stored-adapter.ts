import { AdapterTrainError, messageOf } from '../errors.js'
import { isObject } from '../json.js'
import { readFloats } from '../math/bytes.js'
import { type Matrix, matrix } from '../math/matrix.js'
import { type Projection, projectionMatrix } from '../math/projection.js'
import { type Adapter, validateAdapter, wrong } from './adapter.js'
import { adapterMap } from './index.js'

export { wrong }

/** The `format` of the files that this release writes and reads. */
export const ADAPTER_FORMAT = 'adapter-train/1'
/** The `format` of a file with text terms or an index: a reader that does not know them refuses it, rather than to leave them out. */
const NEXT_ADAPTER_FORMAT = 'adapter-train/2'

/** Says which format holds an adapter. */
export function formatOf({ index, terms }: { readonly index?: unknown; readonly terms?: unknown }): string {
  return index || terms ? NEXT_ADAPTER_FORMAT : ADAPTER_FORMAT
}

/** Number type of stored weights: float32 or float16, little-endian. */
export type TensorType = 'F32' | 'F16'

/** Bytes with the checksum that the file has of them. */
interface StoredBytes {
  /** Names file and parameter, for messages. */
  readonly where: string
  readonly bytes: Uint8Array
  /** SHA-256, hex; absent if the file has none. */
  readonly sha256?: unknown
}

/** Parts of an adapter file, not yet checked. Checksums are left to the caller, as some hosts can only await them. */
export interface StoredAdapter {
  /** Everything but the weights. */
  readonly facts: Readonly<Record<string, unknown>>
  readonly params: Readonly<Record<string, Matrix>>
  readonly stored: readonly StoredBytes[]
}

/** Decodes the weights of a file. `read`: gives a parameter's bytes and checksum. */
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
  if (!Array.isArray(shape) || !shape.every(isSize) || !(shape.length === 1 || shape.length === 2))
    throw wrong(where, '"shape" must be [rows, columns] or [length]')
  const [cols, rows = 1] = [...shape].reverse()
  if (bytes.length !== rows * cols * size)
    throw damaged(where, `${bytes.length} bytes of data, but shape [${shape.join(', ')}] needs ${rows * cols * size}`)
  return matrix(rows, cols, readFloats(bytes, size))
}

/** @throws ADAPTER_CORRUPT if `found`, the SHA-256 of the bytes in hex, is not the file's checksum */
export function checkSha256({ where, sha256 }: StoredBytes, found: string): void {
  if (sha256 !== undefined && sha256 !== found) throw damaged(where, `checksum ${found} does not match ${sha256}`)
}

/** Checks the facts that applying the adapter does not need. */
export function checkFacts({ kind, base, index, training }: StoredAdapter['facts'], where: string): void {
  if (typeof kind !== 'string') throw wrong(where, '"kind" must be a string')
  if (!isObject(base) || typeof base.id !== 'string' || !isSize(base.dimensions) || typeof base.normalized !== 'boolean') {
    throw wrong(where, '"base" must be { "id": string, "dimensions": positive integer, "normalized": boolean }')
  }
  if (isObject(base.provider)) checkProjection(base.provider.pca, where)
  checkIndex(kind, index, where)
  if (!isObject(training)) throw wrong(where, '"training" must be an object')
  checkShape(training, TRAINING, `${where}: "training`)
}

/** Checks the projection of a composed model that is reduced. @throws ADAPTER_FORMAT */
export function checkProjection(pca: unknown, where: string): void {
  if (pca === undefined) return
  try {
    const { shape } = pca as Projection
    if (shape.length === 2 && shape.every(isSize) && projectionMatrix(pca as Projection).data.every(Number.isFinite)) return
  } catch {
    // Of another form.
  }
  throw wrong(where, '"base.provider.pca" must be { "shape": [rows, columns], "data": base64 of as many float32 values }')
}

/** Form of a value: its type, or an object with the forms of its values, `*` for those without a name. */
type Shape = 'string' | 'number' | 'boolean' | { readonly [name: string]: Shape }

const SCORES: Shape = { '*': 'number' }
/** Facts of the training that are shown; others may have any form, and any may be absent. */
const TRAINING: Shape = {
  tool: 'string',
  date: 'string',
  options: {},
  data: { sha256: 'string' },
  metrics: { split: 'string', base: SCORES, adapted: SCORES, rejected: SCORES },
  difference: { '*': { mean: 'number', low: 'number', high: 'number', p: 'number' } },
  gate: { passed: 'boolean', reason: 'string' },
}

function checkShape(value: unknown, shape: Shape, place: string): void {
  if (value === undefined) return
  const isText = typeof shape === 'string'
  if (isText ? typeof value !== shape : !isObject(value)) {
    throw wrong(`${place}"`, `expected ${isText ? `a ${shape}` : 'an object'}, found ${JSON.stringify(value).slice(0, 60)}`)
  }
  if (isText) return
  for (const [name, own] of Object.entries(value as Record<string, unknown>)) {
    const known = Object.hasOwn(shape, name) ? shape[name] : shape['*']
    if (known) checkShape(own, known, `${place}.${name}`)
  }
}

/** Checks that a kind of adapter may have an index, and its form. @throws ADAPTER_FORMAT */
export function checkIndex(kind: string, index: unknown, where: string): void {
  if (index === undefined) return
  if (!adapterMap(kind, where).rectangular) {
    throw wrong(where, `"index": expected a linear or residual-mlp adapter, found ${kind}, which cannot map to another model`)
  }
  const { id, dimensions, metric } = isObject(index) ? index : {}
  if (typeof id === 'string' && isSize(dimensions) && typeof metric === 'string') return
  throw wrong(where, '"index" must be { "id": string, "dimensions": positive integer, "metric": string }')
}

/** Builds an adapter of facts whose format was checked, and checks all that applying it relies on. */
export function assembleAdapter(facts: StoredAdapter['facts'], params: Adapter['params'], where: string): Adapter {
  const { kind, base, index, training } = facts
  if (!isObject(base) || !isSize(base.dimensions)) throw wrong(where, '"base", expected "dimensions"')
  const adapter = { kind, base, index, training, params } as unknown as Adapter
  validateAdapter(adapter, where)
  return adapter
}

/** `withTerms`: true if the caller reads text terms as well. */
export function checkFormat({ format, terms }: Readonly<Record<string, unknown>>, where: string, withTerms?: boolean) {
  if (format === NEXT_ADAPTER_FORMAT ? withTerms || !terms : format === ADAPTER_FORMAT && !terms) return
  throw wrong(
    where,
    `has ${format ? `format ${JSON.stringify(format)}` : 'no "format"'}, but this reads "${ADAPTER_FORMAT}" and "${NEXT_ADAPTER_FORMAT}" adapter files${withTerms ? '' : ' without text terms'}; update adapter-train or train again`,
  )
}

/** Returns the same names with other values. */
export function mapValues<A, B>(values: Readonly<Record<string, A>>, map: (value: A, name: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]))
}

const isSize = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) > 0

/** Parses an adapter file in JSON. Needs no Node API. */
export function parseAdapter(
  file: unknown,
  where: string,
  fromBase64: (text: string) => Uint8Array,
  withTerms?: boolean,
): StoredAdapter {
  const parsed = typeof file === 'string' ? parseJson(file, where) : file
  if (!isObject(parsed)) throw wrong(where, 'expected a JSON object, an adapter file written by adapter-train')
  checkFormat(parsed, where, withTerms)
  const { params, ...facts } = parsed
  return {
    facts,
    ...readParams(params, where, ({ data, sha256 }, place) => {
      if (typeof data !== 'string' || typeof sha256 !== 'string') throw wrong(place, '"data" and "sha256" must be strings')
      try {
        return { bytes: fromBase64(data), sha256 }
      } catch {
        throw damaged(place, '"data" is not base64')
      }
    }),
  }
}

/** @throws ADAPTER_FORMAT if the text is not JSON */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AdapterTrainError('ADAPTER_FORMAT', `${where} is not an adapter file: ${messageOf(cause)}`, { cause })
  }
}

/** The error of a file whose bytes have changed. */
export const damaged = (where: string, what: string): AdapterTrainError =>
  new AdapterTrainError('ADAPTER_CORRUPT', `${where}: ${what}; the file is damaged`)
