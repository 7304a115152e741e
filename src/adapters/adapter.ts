import { AdapterTrainError } from '../errors.js'
import { firstNonFinite, type Matrix, matrix, row } from '../math/matrix.js'
import { wrong } from './file-errors.js'
import { adapterMap } from './index.js'
import type { QueryMap, Weights } from './kind.js'

/** The embedding space that an adapter belongs to. */
export interface AdapterBase {
  /** The provider's id, such as `openai/text-embedding-3-small`. */
  readonly id: string
  readonly dimensions: number
  /** Whether the provider's vectors had length 1 in training. */
  readonly normalized: boolean
}

/** What is known of how an adapter came about; free of secrets and of texts. */
export interface TrainingFacts {
  /** Name and version of the program that trained it. */
  readonly tool: string
  /** ISO 8601, UTC. */
  readonly date: string
  readonly data: Readonly<Record<string, unknown>>
  readonly options: Readonly<Record<string, unknown>>
  readonly metrics: Readonly<Record<string, unknown>>
  /** Whether the adapter was proven, and why. */
  readonly gate?: unknown
  /** How far training was when it was stopped; absent where it was done. */
  readonly interrupted?: unknown
}

/** A trained adapter: pure data, as it stands in its file. */
export interface Adapter {
  readonly kind: string
  readonly base: AdapterBase
  readonly training: TrainingFacts
  /** Not to be changed once the adapter has been applied, which may have copied them; make a new object for other weights. */
  readonly params: Weights
}

/**
 * Checks that the parameters are those of the adapter's kind: names, shapes, finite values.
 * @param where the file or other origin, for the message
 * @throws ADAPTER_FORMAT when a parameter is missing, unknown or of the wrong shape, or the kind is not known
 * @throws ADAPTER_CORRUPT when a weight is not finite
 */
export function validateAdapter(adapter: Adapter, where = 'adapter'): void {
  const { kind, base, params } = adapter
  const { params: specsFor, size, outputs } = adapterMap(kind, where)
  const specs = specsFor(base.dimensions, size?.of(params), atMost(base.dimensions, outputs?.(params)))
  const unknown = Object.keys(params).find(name => !specs.some(spec => spec.name === name))
  if (unknown !== undefined) {
    throw wrong(where, `a ${kind} adapter has no parameter "${unknown}"`)
  }
  for (const { name, rows, cols } of specs) {
    const m = params[name]
    if (!m) throw wrong(where, `parameter "${name}" of the ${kind} adapter is missing`)
    if (m.rows !== rows || m.cols !== cols) {
      throw wrong(
        where,
        `parameter "${name}" is ${m.rows} x ${m.cols}, but a ${kind} adapter for ${base.dimensions} dimensions needs ${rows} x ${cols}`,
      )
    }
    const bad = firstNonFinite(m.data)
    if (bad >= 0) {
      throw new AdapterTrainError(
        'ADAPTER_CORRUPT',
        `${where}: parameter "${name}" holds ${m.data[bad]} at row ${Math.floor(bad / cols)}, column ${bad % cols}; every weight must be finite`,
      )
    }
  }
}

/** Dimensions of adapted queries: those of the base, or the fewer that an adapter for truncated documents gives. */
export function outputDimensions({ kind, base, params }: Pick<Adapter, 'kind' | 'base' | 'params'>): number {
  return adapterMap(kind).outputs?.(params) ?? base.dimensions
}

/** An adapter that gives more than it takes is refused for its shape. */
function atMost(d: number, outputs: number | undefined): number | undefined {
  return outputs === undefined ? undefined : Math.min(d, outputs)
}

/**
 * Adapts query vectors: q' = W q + b for a linear adapter. The result is not normalised; rankings by cosine, and by dot product
 * for one query, do not depend on its length.
 *
 * The first call checks and compiles the weights; later ones run at the speed of memory.
 *
 * @param vectors one vector, several vectors, or a matrix with one vector a row; not changed
 * @returns float32, in the form of the argument, each as long as the rows of the map (`d`, or the dimensions that the index stores); equal vectors give equal results in every form
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT where kind, shapes or values are not those of an adapter
 * @throws VECTOR_INVALID when a vector does not have `adapter.base.dimensions` finite values
 */
export function applyAdapter(adapter: Adapter, vectors: Matrix): Matrix
export function applyAdapter(adapter: Adapter, vectors: readonly ArrayLike<number>[]): Float32Array[]
export function applyAdapter(adapter: Adapter, vectors: ArrayLike<number>): Float32Array
export function applyAdapter(
  adapter: Adapter,
  vectors: Matrix | readonly ArrayLike<number>[] | ArrayLike<number>,
): Matrix | Float32Array[] | Float32Array {
  const map = compiled.get(adapter.params) ?? compile(adapter)
  const d = adapter.base.dimensions
  if (isMatrix(vectors)) {
    const out = matrix(vectors.rows, outputDimensions(adapter))
    for (let i = 0; i < vectors.rows; i++) map(checkVector(row(vectors, i), d, `row ${i}`), row(out, i))
    return out
  }
  const outputs = outputDimensions(adapter)
  const one = (v: ArrayLike<number>, what: string): Float32Array => {
    const out = new Float32Array(outputs)
    map(checkVector(v, d, what), out)
    return out
  }
  if (isVectorList(vectors)) return vectors.map((v, i) => one(v, `vector ${i}`))
  return one(vectors, 'the vector')
}

/** The maps of the adapters that have been applied, for as long as their weights live. */
const compiled = new WeakMap<Weights, QueryMap>()

function compile(adapter: Adapter): QueryMap {
  validateAdapter(adapter)
  const { params } = adapter
  const kind = adapterMap(adapter.kind)
  const map: QueryMap = kind.compile?.(params) ?? ((q, out) => kind.apply(params, q, out))
  compiled.set(params, map)
  return map
}

function isMatrix(x: unknown): x is Matrix {
  return typeof x === 'object' && x !== null && 'rows' in x && 'cols' in x && 'data' in x
}

function isVectorList(x: readonly ArrayLike<number>[] | ArrayLike<number>): x is readonly ArrayLike<number>[] {
  return Array.isArray(x) && (x.length === 0 || typeof x[0] === 'object')
}

function checkVector(v: ArrayLike<number>, d: number, what: string): Float32Array {
  if (v.length !== d) {
    throw new AdapterTrainError(
      'VECTOR_INVALID',
      `${what} has ${v.length} dimensions, but the adapter was trained for ${d}; embed the query with the adapter's base model`,
    )
  }
  const q = v instanceof Float32Array ? v : toFloat32(v)
  const bad = firstNonFinite(q)
  if (bad >= 0)
    throw new AdapterTrainError('VECTOR_INVALID', `${what} holds ${v[bad]} at index ${bad}; every value must be finite`)
  return q
}

/** As `Float32Array.from`, without its iterator, which takes longer than the map. */
function toFloat32(v: ArrayLike<number>): Float32Array {
  const out = new Float32Array(v.length)
  for (let i = 0; i < out.length; i++) out[i] = v[i]
  return out
}
