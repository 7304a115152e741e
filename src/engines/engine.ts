import type { Matrix } from '../math/matrix.js'

/** A matrix on an engine's device, which only that engine can use. */
export interface Tensor {
  readonly rows: number
  readonly cols: number
}

/** Rows of (column, value) pairs in compressed form: row i holds entries `offsets[i]` to `offsets[i + 1]`. */
export interface SparseRows {
  /** Length rows + 1, starts at 0, never decreases. */
  readonly offsets: Uint32Array
  readonly columns: Uint32Array
  /** One value per entry; absent means 1 each. */
  readonly values?: Float32Array
}

/** out = alpha op(a) op(b) + beta out. */
export interface GemmOptions {
  readonly transposeA?: boolean
  readonly transposeB?: boolean
  /** Factor of the product, 1 by default. */
  readonly alpha?: number
  /** Factor of what `out` held before, 0 by default (then `out` is not read). */
  readonly beta?: number
}

/** Scale, sparse targets, masked columns and offsets of the logits. */
export interface CrossEntropyOptions {
  /** The target distribution of every row: weights of its positive columns. A row's weights need not sum to 1. */
  readonly targets: SparseRows
  /** Columns that are left out of a row's softmax: known positives and duplicates that must not count as negatives. */
  readonly masked?: SparseRows
  /** [1, P] added to every row's logits: the sampling correction log(pool / sample) of a sampled pool. */
  readonly offset?: Tensor
  /** Scale: the factor that turns a cosine into a logit. */
  readonly scale: number
  /** Factor of the gradient, such as 1 / B for a mean loss. */
  readonly gradientScale: number
}

/** Options of one block of {@link Engine.onlineSoftmax}; `masked` and `offset` are relative to the block's columns. */
export type OnlineSoftmaxOptions = Pick<CrossEntropyOptions, 'masked' | 'offset' | 'scale'>
/** Target of a parameter's decay: the value at which the adapter is the identity. */
export type Anchor = 'zero' | 'one' | 'identity'

/**
 * One step of AdamW whose decay pulls toward a given map.
 * @see https://arxiv.org/abs/1711.05101 (Loshchilov and Hutter)
 */
export interface AdamWOptions {
  /** Learning rate of this step. */
  readonly lr: number
  readonly beta1: number
  readonly beta2: number
  readonly eps: number
  /** Number of this step, from 1; for the bias correction of the moments. */
  readonly step: number
  /** Decoupled decay: the parameter moves by lr * decay * (anchor - parameter). */
  readonly decay: number
  /** Coupled pull: l2 * (parameter - anchor) is added to the gradient. */
  readonly l2: number
  readonly anchor: Anchor
  /** Scales the gradient down if the root of `squaredNorm` ([1, 1]) exceeds `max`. */
  readonly clip?: { readonly squaredNorm: Tensor; readonly max: number }
}

/**
 * The operations of a training step.
 *
 * Tensors stay on the engine's device; only {@link Engine.read} brings numbers back. Calls may return before the work
 * is done, but take effect in order; arrays passed in must not change before the next {@link Engine.sync} or read.
 * `out` may not share memory with an input unless the operation says so. Engines assume that sizes fit.
 */
export interface Engine {
  readonly name: string
  /** Device and libraries, such as "onnxruntime 1.30.0, 2 threads; WebAssembly SIMD". */
  readonly description?: string
  /** Copies a matrix to the device. */
  upload(m: Matrix): Tensor
  /** Makes a tensor of zeros. */
  alloc(rows: number, cols: number): Tensor
  /** Returns rows `start` to `start + count` of `t` as a view, which shares `t`'s memory and must not be freed. */
  view(t: Tensor, start: number, count: number): Tensor
  /** Frees the memory; the tensor must not be used afterwards. */
  free(t: Tensor): void
  /** Copies the values, row-major, once everything enqueued before is done. */
  read(t: Tensor): Promise<Float32Array>
  /**
   * Waits until everything enqueued before is done and gives the event loop a turn. Training calls it every few steps,
   * so that the queue stays short and an abort is noticed.
   */
  sync(): Promise<void>
  /** Frees every tensor and the device. */
  dispose(): void

  /** out[i, :] = source[rows[i], :] */
  gatherRows(source: Tensor, rows: Uint32Array, out: Tensor): void
  /** out = alpha * op(a) op(b) + beta * out */
  gemm(a: Tensor, b: Tensor, out: Tensor, options?: GemmOptions): void
  /** out = a * b element by element; b may have one row, which then counts for every row of a. `out` may be `a`. */
  multiply(a: Tensor, b: Tensor, out: Tensor): void
  /** out = max(x, 0). `out` may be `x`. */
  relu(x: Tensor, out: Tensor): void
  /** out = grad where y > 0, else 0, for y = relu(x). `out` may be `grad`. */
  reluBackward(y: Tensor, grad: Tensor, out: Tensor): void
  /** x[i, :] += v, with v of shape [1, cols] */
  addRowVector(x: Tensor, v: Tensor): void
  /** out[0, j] = sum over i of x[i, j] */
  sumRows(x: Tensor, out: Tensor): void
  /** out[i, :] = x[i, :] / n_i, norms[i, 0] = n_i = max(|x[i, :]|, 1e-12). `out` may be `x`. */
  normalizeRows(x: Tensor, out: Tensor, norms: Tensor): void
  /** Gradient of {@link Engine.normalizeRows}: out_i = (g_i - z_i (g_i . z_i)) / n_i for the unit rows z. `out` may be `grad`. */
  normalizeRowsBackward(unit: Tensor, norms: Tensor, grad: Tensor, out: Tensor): void
  /**
   * Softmax cross-entropy of every row against sparse targets, and its gradient, in place.
   *
   * With logits L = scale * scores + offset over the columns that are not masked, p = softmax(L) and a row's target weights w:
   * loss[i, 0] = -sum_t w_t log p_t, and scores becomes gradientScale * scale * (p * sum(w) - w), 0 where masked.
   * @param scores [B, P], overwritten by the gradient
   * @param loss [B, 1]
   */
  softmaxCrossEntropy(scores: Tensor, options: CrossEntropyOptions, loss: Tensor): void
  /**
   * One block of columns of a softmax that is too wide to hold: the online softmax of FlashAttention.
   *
   * With L as in {@link Engine.softmaxCrossEntropy} over this block's columns, top' = max(top, max_j L_j) and r =
   * exp(top - top'): sum = r sum + sum_j exp(L_j - top'), acc[i, :] *= r, scores becomes exp(L - top') (0 where
   * masked), top = top'. Before the first block top is -3e38, sum 0 and acc 0.
   * @param scores [B, n], overwritten
   * @param top [B, 1] running maximum of the logits
   * @param sum [B, 1] running sum of exp(L - top)
   * @param acc [B, d] running sum of exp(L - top) d_j; the caller then adds this block's part, acc += scores D_block
   * @see https://arxiv.org/abs/2205.14135 (Dao et al.)
   */
  onlineSoftmax(scores: Tensor, options: OnlineSoftmaxOptions, top: Tensor, sum: Tensor, acc: Tensor): void
  /**
   * After the last block: loss[i, 0] = sum_t w_t (top + log sum - L_t), and acc becomes the gradient with respect to
   * the query side, gradientScale * scale * (sum(w) acc / sum - sum_t w_t D[t, :]).
   * @param z [B, d] unit rows of the adapted queries, for L_t = scale * (z . D[t, :]) + offset[t]
   * @param pool [P, d] all documents of the pool; `targets.columns` are its rows
   * @param options with `offset` of shape [1, P]
   */
  finishSoftmax(z: Tensor, pool: Tensor, options: CrossEntropyOptions, top: Tensor, sum: Tensor, acc: Tensor, loss: Tensor): void
  /** out[0, 0] = (accumulate ? out[0, 0] : 0) + sum of x squared */
  squaredNorm(x: Tensor, out: Tensor, accumulate: boolean): void
  /** out[0, 0] += sum of x: keeps a running loss on the device. */
  addSum(x: Tensor, out: Tensor): void
  /** Sets every value of `x`. */
  fill(x: Tensor, value: number): void
  /**
   * One AdamW update of `param` and its moments `m` and `v`, in place.
   *
   * g = grad * min(1, max / (norm + 1e-6)) + l2 (param - anchor); m = beta1 m + (1 - beta1) g; v = beta2 v + (1 -
   * beta2) g^2; param -= lr decay (param - anchor) + lr mhat / (sqrt(vhat) + eps).
   * @see https://arxiv.org/abs/1711.05101 (Loshchilov and Hutter)
   */
  adamw(param: Tensor, grad: Tensor, m: Tensor, v: Tensor, options: AdamWOptions): void
}

export type DescribedEngine = Engine & { readonly description: string }

export const ANCHOR_CODES: Readonly<Record<Anchor, number>> = { zero: 0, one: 1, identity: 2 }

/** Value of the anchor at element k of a matrix with `cols` columns. */
export function anchorAt(anchor: Anchor, k: number, cols: number): number {
  if (anchor === 'zero') return 0
  if (anchor === 'one') return 1
  return Math.floor(k / cols) === k % cols ? 1 : 0
}
