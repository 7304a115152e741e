import type { Anchor, Engine, Tensor } from '../engines/engine.js'
import type { Matrix } from '../math/matrix.js'

/** One trainable matrix of an adapter kind. */
export interface ParamSpec {
  readonly name: string
  readonly rows: number
  readonly cols: number
  /** The value at which the adapter is the identity: decay pulls toward it, and training starts there. */
  readonly anchor: Anchor
  /** Standard deviation of normal starting values, if a start at the anchor would have no gradient. */
  readonly start?: number
}

/** Returns a tensor for intermediate values, the same one for the same name and shape. */
export type Scratch = (name: string, rows: number, cols: number) => Tensor

/** Tensors by parameter name. */
export type Params = Readonly<Record<string, Tensor>>
/** Weights by parameter name, in host memory. */
export type Weights = Readonly<Record<string, Matrix>>

/** A family of query transformations q' = f(q). */
export interface AdapterMap {
  readonly name: string
  /** One line for `--help`. */
  readonly description: string
  /** True if it is a matrix and a bias, the parameter `b`, which formats for linear layers can hold. */
  readonly affine?: boolean
  /** True if it can map to the space of another model, of more or fewer dimensions. */
  readonly rectangular?: true
  /** The one size that an adapter of this kind has besides d, such as the rank; absent for kinds without one. */
  readonly size?: {
    readonly name: string
    /** Kinds may take less for embeddings of few dimensions. */
    readonly default: number
    /** Undefined if the weights do not determine it. */
    of(weights: Weights): number | undefined
  }
  /**
   * The matrices of an adapter for d-dimensional embeddings.
   * @param outputs dimensions of q' if they are not d, or W stands before the map; only for kinds with {@link AdapterMap.outputs}
   */
  params(d: number, size?: number, outputs?: number): readonly ParamSpec[]
  /** Dimensions of q' for kinds that can give others than d; undefined if the weights do not determine them. */
  outputs?(weights: Weights): number | undefined
  /** Computes Z = f(X) for queries X [B, d] with the given texts [B], if known; Z is [B, d], or [B, outputs]. */
  forward(
    engine: Engine,
    params: Params,
    X: Tensor,
    Z: Tensor,
    scratch: Scratch,
    texts?: readonly (string | undefined)[],
  ): void | Promise<void>
  /** Computes out = f(q) for one query q [d]; out is [d], or [outputs]. */
  apply(weights: Weights, q: Float32Array, out: Float32Array, text?: string): void
  /** Prepares the map for many queries: it may copy the weights. Absent if `apply` is as fast. */
  compile?(weights: Weights): QueryMap
}

/** Map trained step by step: `forward` and `backward` run on every engine, `apply` in TypeScript at query time. */
export interface AdapterKind extends AdapterMap {
  forward(engine: Engine, params: Params, X: Tensor, Z: Tensor, scratch: Scratch): void
  /** Computes the gradients of the parameters from dZ [B, d], with the scratch of `forward` and its values. */
  backward(engine: Engine, params: Params, X: Tensor, dZ: Tensor, grads: Params, scratch: Scratch): void
}

/**
 * Computes out = f(q) for one query of d values; `out` may not share memory with `q`.
 * @param text the query itself, if known, for kinds that use its words
 */
export type QueryMap = (q: Float32Array, out: Float32Array, text?: string) => void

/** Computes out = X, exactly. `X`: [B, d]. `out`: [B, d], written. */
export function copyTensor(engine: Engine, X: Tensor, out: Tensor, scratch: Scratch): void {
  const ones = scratch('ones', 1, X.cols)
  engine.fill(ones, 1)
  engine.multiply(X, ones, out)
}
