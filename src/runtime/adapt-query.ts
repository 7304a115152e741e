import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import { normalizeInPlace } from '../math/matrix.js'

/** How a query is adapted. */
export interface AdaptQueryOptions {
  /** Scale the result to length 1. Off by default: the result is exactly f(q). */
  readonly normalize?: boolean
}

/**
 * Adapts one query vector, in the form in which embedding services and vector databases take and give it.
 *
 * @param vector [d], not changed
 * @returns float32 values; a plain array for a plain array
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
