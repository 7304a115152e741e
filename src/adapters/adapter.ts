import { createLinearKernel } from '../engines/cpu/linear-kernel.js'
import { AdapterTrainError } from '../errors.js'
import { fromBase64, readFloats } from '../math/bytes.js'
import { firstNonFinite, type Matrix, matrix, row } from '../math/matrix.js'
import type { Projection } from '../math/projection.js'
import type { ProviderFacts } from '../providers/provider.js'
import { adapterMap } from './index.js'
import type { QueryMap, Weights } from './kind.js'
import type { AdapterTerms } from './terms.js'

/** Base model of an adapter. */
export interface AdapterBase {
  /** The provider's id, such as `openai/text-embedding-3-small`. */
  readonly id: string
  readonly dimensions: number
  /** True if the provider's vectors had unit length in training. */
  readonly normalized: boolean
  /** Facts that open it again; absent for vectors of your own and in older files. */
  readonly provider?: ProviderFacts
}

/** Model of the documents that adapted queries search, if it is not the base model. */
export interface AdapterIndex {
  /** The provider's id, or another name of the space. */
  readonly id: string
  readonly dimensions: number
  /** Similarity that the index ranks by, such as `cosine`. */
  readonly metric: string
}

/** Training metadata, free of secrets and texts. */
export interface TrainingFacts {
  /** Name and version of the program that trained it. */
  readonly tool: string
  /** ISO 8601, UTC. */
  readonly date: string
  readonly data: Readonly<Record<string, unknown>>
  readonly options: Readonly<Record<string, unknown>>
  readonly metrics: Readonly<Record<string, unknown>>
  /** Differences from the base on the set of `metrics`, by metric, with 95% intervals. */
  readonly difference?: unknown
  /** Hashes of the training queries: two adapters are compared on queries new to both. */
  readonly queries?: unknown
  /** Sketch of the training queries, to tell whether a query is like them. */
  readonly familiarity?: unknown
  /** Quantiles of the best score of held-out queries, before and after. */
  readonly topScore?: unknown
  /** Verdict of the gate, with its reason. */
  readonly gate?: unknown
  /** Comparison with the adapter that was in use. */
  readonly duel?: unknown
  /** Progress at the stop; absent if training was complete. */
  readonly interrupted?: unknown
}

/** A trained adapter: pure data, as in its file. */
export interface Adapter {
  readonly kind: string
  readonly base: AdapterBase
  /** Present if the documents are of another model: W is then [`index.dimensions`, `base.dimensions`]. */
  readonly index?: AdapterIndex
  readonly training: TrainingFacts
  /** Not to be changed once the adapter has been applied: the compiled map may hold a copy. */
  readonly params: Weights
  /** Mixes the words of a query into its vector, if the text is given; see {@link applyAdapter}. */
  readonly terms?: AdapterTerms
}

/** The error of an adapter in an unknown form. */
export const wrong = (where: string, what: string): AdapterTrainError =>
  new AdapterTrainError('ADAPTER_FORMAT', `${where}: ${what}`)

/** Checks that the parameters are those of the adapter's kind: names, shapes, finite values. */
export function validateAdapter(adapter: Adapter, where = 'adapter'): void {
  const { kind, base, index, params } = adapter
  const { params: specsFor, size, outputs } = adapterMap(kind, where)
  const d = base.dimensions
  const given = outputs?.(params)
  // Without an index, an adapter that gives more than it takes is refused for its shape.
  const specs = specsFor(d, size?.of(params), index?.dimensions ?? (given && Math.min(d, given)))
  const unknown = Object.keys(params).find(name => !specs.some(spec => spec.name === name))
  if (unknown !== undefined) throw wrong(where, `a ${kind} adapter has no parameter "${unknown}"`)
  for (const { name, rows, cols } of specs) {
    const m = params[name]
    if (!m) throw wrong(where, `parameter "${name}" of the ${kind} adapter is missing`)
    if (m.rows !== rows || m.cols !== cols) {
      throw wrong(
        where,
        `parameter "${name}" is ${m.rows} x ${m.cols}, but a ${kind} adapter for ${d} dimensions needs ${rows} x ${cols}`,
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

/** Dimensions of adapted queries: those of the base model, or fewer for truncated documents. */
export function outputDimensions({ kind, base, params }: Pick<Adapter, 'kind' | 'base' | 'params'>): number {
  return adapterMap(kind).outputs?.(params) ?? base.dimensions
}

/**
 * Adapts query vectors: q' = W q + b for a linear adapter. The result is not normalised, except by text terms; rankings by cosine,
 * and by dot product for one query, do not depend on its length. Without texts, text terms are left out. The first call checks and
 * compiles the weights.
 * @param vectors one vector, several vectors, or a matrix with one vector per row; not changed
 * @param texts the queries themselves, one per vector, if known
 * @returns float32 in the form of the argument, of `outputDimensions` values; equal vectors give equal results in every form
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT if kind, shapes or values are not those of an adapter
 * @throws VECTOR_INVALID if a vector does not have `adapter.base.dimensions` finite values, or as many as the parts of a reduced
 *   composed model together
 */
export function applyAdapter(adapter: Adapter, vectors: Matrix, texts?: QueryTexts): Matrix
export function applyAdapter(adapter: Adapter, vectors: readonly ArrayLike<number>[], texts?: QueryTexts): Float32Array[]
export function applyAdapter(adapter: Adapter, vector: ArrayLike<number>, text?: string): Float32Array
export function applyAdapter(
  adapter: Adapter,
  vectors: Matrix | readonly ArrayLike<number>[] | ArrayLike<number>,
  texts?: QueryTexts | string,
): Matrix | Float32Array[] | Float32Array {
  const linear = compiled.get(adapter.params) ?? compile(adapter)
  const map: QueryMap = adapter.terms
    ? (q, out, text) => {
        linear(q, out, text)
        if (text !== undefined) adapter.terms!.mix(out, text)
      }
    : linear
  const { base } = adapter
  const textOf = (i: number): string | undefined => (typeof texts === 'string' ? texts : texts?.[i])
  if (isMatrix(vectors)) {
    const out = matrix(vectors.rows, outputDimensions(adapter))
    for (let i = 0; i < vectors.rows; i++) map(checkVector(row(vectors, i), base, `row ${i}`), row(out, i), textOf(i))
    return out
  }
  const outputs = outputDimensions(adapter)
  const one = (v: ArrayLike<number>, what: string, text?: string): Float32Array => {
    const out = new Float32Array(outputs)
    map(checkVector(v, base, what), out, text)
    return out
  }
  if (isVectorList(vectors)) return vectors.map((v, i) => one(v, `vector ${i}`, textOf(i)))
  return one(vectors, 'the vector', textOf(0))
}

/** The text of each query; undefined if it is not known. */
type QueryTexts = readonly (string | undefined)[]

const compiled = new WeakMap<Weights | Projection, QueryMap>()

function compile(adapter: Adapter): QueryMap {
  validateAdapter(adapter)
  const { params } = adapter
  const kind = adapterMap(adapter.kind)
  const map: QueryMap = kind.compile?.(params) ?? ((q, out, text) => kind.apply(params, q, out, text))
  compiled.set(params, map)
  return map
}

function isMatrix(x: object): x is Matrix {
  return 'data' in x
}

function isVectorList(x: readonly ArrayLike<number>[] | ArrayLike<number>): x is readonly ArrayLike<number>[] {
  return Array.isArray(x) && typeof x[0] !== 'number'
}

/**
 * Gives the vector of a query as the base model has it: a composed model's whole vector is reduced.
 * @throws VECTOR_INVALID unless it has `dimensions` finite values
 */
export function checkVector(given: ArrayLike<number>, { dimensions: d, provider }: AdapterBase, what: string): Float32Array {
  const pca = provider?.pca
  const v = pca && given.length === pca.shape[1] ? reduce(pca, given) : given
  if (v.length !== d) {
    throw new AdapterTrainError(
      'VECTOR_INVALID',
      `${what} has ${v.length} dimensions, but the adapter was trained for ${d}; embed the query with the adapter's base model`,
    )
  }
  const q = v instanceof Float32Array ? v : new Float32Array(v)
  const bad = firstNonFinite(q)
  if (bad >= 0)
    throw new AdapterTrainError('VECTOR_INVALID', `${what} holds ${v[bad]} at index ${bad}; every value must be finite`)
  return q
}

/** Reduces the vectors of a composed model's parts, side by side, as its provider does. */
function reduce(pca: Projection, v: ArrayLike<number>): Float32Array {
  const map = compiled.get(pca) ?? createLinearKernel(readFloats(fromBase64(pca.data), 4), undefined, v.length)
  compiled.set(pca, map)
  const out = new Float32Array(pca.shape[0])
  map(v as Float32Array, out)
  return out
}
