import type { Anchor, Engine, Tensor } from '../engines/engine.js'
import type { Matrix } from '../math/matrix.js'

/** One trainable matrix of an adapter kind. */
export interface ParamSpec {
  readonly name: string
  readonly rows: number
  readonly cols: number
  /** The value at which the adapter is the identity map: decay pulls toward it, and training starts there. */
  readonly anchor: Anchor
  /** Standard deviation of normal starting values, where a start at the anchor would have no gradient. */
  readonly start?: number
}

/** Gives a tensor of the asked shape for values in between, the same one for the same name and shape. */
export type Scratch = (name: string, rows: number, cols: number) => Tensor

/** Tensors by parameter name. */
export type Params = Readonly<Record<string, Tensor>>

/** Weights by parameter name, in host memory. */
export type Weights = Readonly<Record<string, Matrix>>

/** A family of query transformations q' = f(q), as an adapter file holds them and a query meets them. */
export interface AdapterMap {
  readonly name: string
  /** One line for `--help`. */
  readonly description: string
  /** Whether it is a matrix and a bias, the bias being the parameter `b`: formats that hold nothing else hold it then. */
  readonly affine?: boolean
  /**
   * Name and default of the one size that an adapter of this kind has beside d, such as the rank; absent for kinds without one.
   */
  readonly size?: {
    readonly name: string
    /** Kinds may take less where the embedding has few dimensions. */
    readonly default: number
    /** Undefined where the weights do not tell. */
    of(weights: Weights): number | undefined
  }
  /**
   * The matrices of an adapter for d-dimensional embeddings.
   * @param size see {@link AdapterMap.size}
   * @param outputs dimensions of q', d by default; asked of kinds with {@link AdapterMap.outputs} alone
   */
  params(d: number, size?: number, outputs?: number): readonly ParamSpec[]
  /** Dimensions of q', for kinds that can give fewer than they take; absent where it is d, undefined where the weights do not tell. */
  outputs?(weights: Weights): number | undefined
  /**
   * Z = f(X)
   * @param X [B, d] queries
   * @param Z [B, d], or the kind's outputs for d, written
   */
  forward(engine: Engine, params: Params, X: Tensor, Z: Tensor, scratch: Scratch): void | Promise<void>
  /**
   * One query: out = f(q).
   * @param q [d]
   * @param out [d], or the kind's outputs for d, written
   */
  apply(weights: Weights, q: Float32Array, out: Float32Array): void
  /**
   * The map of fixed weights, prepared for many queries: it may copy the weights. Absent where `apply` is as fast.
   */
  compile?(weights: Weights): QueryMap
}

/**
 * A map that is trained step by step.
 *
 * `forward` and `backward` are written against the engine's operations and so run on every engine; `apply` is the same map in
 * plain TypeScript, for query time.
 */
export interface AdapterKind extends AdapterMap {
  forward(engine: Engine, params: Params, X: Tensor, Z: Tensor, scratch: Scratch): void
  /**
   * Gradients of the parameters from the gradient of Z.
   * @param X [B, d] queries
   * @param dZ [B, d]
   * @param grads written, one a parameter
   * @param scratch the one that `forward` had, with what it left there
   */
  backward(engine: Engine, params: Params, X: Tensor, dZ: Tensor, grads: Params, scratch: Scratch): void
}

/** out = f(q) for one query, q and out of d values; `out` may not share memory with `q`. */
export type QueryMap = (q: Float32Array, out: Float32Array) => void
