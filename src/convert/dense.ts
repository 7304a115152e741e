import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import { adapterMap } from '../adapters/index.js'
import { AdapterTrainError } from '../errors.js'
import { identity, type Matrix, matrix } from '../math/matrix.js'
import { multiplyTransposed, transpose } from '../math/product.js'
import { projectionMatrix } from '../math/projection.js'

/** Writes an affine adapter as one matrix and one bias: q' = W q + b. `format`: named in the error. Returns W [k, d], b [1, k]. */
export function toDense(adapter: Adapter, format: string): { readonly W: Matrix; readonly b: Matrix } {
  const { kind, params } = adapter
  if (kind === 'linear') return { W: params.W, b: params.b }
  if (!adapterMap(kind).affine) {
    const problem = `a ${kind} adapter is not affine, so it cannot be written as ${format}, one matrix and a bias`
    const message = `${problem}. Use --format onnx or safetensors`
    throw new AdapterTrainError('CONVERT_UNSUPPORTED', message, { details: { kind, format } })
  }
  const d = adapter.base.dimensions
  // Column j is f(e_j) - b. Without its bias the adapter is linear, so the columns are exact except for its rounding.
  const zero = { ...adapter, params: { ...params, b: matrix(1, params.b.cols) } }
  return { W: transpose(applyAdapter(zero, identity(d))), b: params.b }
}

/**
 * Folds the projection of a reduced composed model into the weights, for programs that know no projection: the vectors of the parts go
 * in, side by side. Any other adapter stays as it is.
 *
 * @param format named in the error
 * @throws CONVERT_UNSUPPORTED if the adapter has no matrix to fold it into
 */
export function foldProjection(adapter: Adapter, format: string): Adapter {
  const { kind, base, index, params } = adapter
  if (!base.provider?.pca) return adapter
  const { pca, ...provider } = base.provider
  const columns = transpose(projectionMatrix(pca))
  const folded = (W: Matrix): Matrix => {
    const out = matrix(W.rows, columns.rows)
    multiplyTransposed(W, columns, out)
    return out
  }
  const dense = kind === 'residual-mlp' ? undefined : toDense(adapter, format)
  const { W = identity(base.dimensions), W1 } = params
  return {
    ...adapter,
    kind: dense ? 'linear' : kind,
    base: { id: base.id.replace(/@\d+\?pca=\w+$/, ''), dimensions: columns.rows, normalized: false, provider },
    index: index ?? { id: base.id, dimensions: base.dimensions, metric: 'cosine' },
    params: dense ? { W: folded(dense.W), b: dense.b } : { ...params, W: folded(W), W1: folded(W1) },
  }
}
