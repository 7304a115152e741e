import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import { normalizeInPlace } from '../math/matrix.js'

/** Settings of {@link adaptQuery}. */
export interface AdaptQueryOptions {
  /** Scales the result to unit length. Off by default: the result is exactly f(q). */
  readonly normalize?: boolean
}

/**
 * Adapts one query vector, in the form used by embedding services and vector databases.
 * @param vector [d], not changed
 * @returns [k], float32 values; a plain array for a plain array
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT, VECTOR_INVALID as {@link applyAdapter}
 */
export function adaptQuery(adapter: Adapter, vector: readonly number[], options?: AdaptQueryOptions): number[]
export function adaptQuery(adapter: Adapter, vector: Float32Array, options?: AdaptQueryOptions): Float32Array
export function adaptQuery(
  adapter: Adapter,
  vector: readonly number[] | Float32Array,
  { normalize = false }: AdaptQueryOptions = {},
): number[] | Float32Array {
  const adapted = applyAdapter(adapter, vector)
  if (normalize) normalizeInPlace(adapted)
  return Array.isArray(vector) ? Array.from(adapted) : adapted
}
