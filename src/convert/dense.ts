import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import { adapterMap } from '../adapters/index.js'
import { AdapterTrainError } from '../errors.js'
import { identity, type Matrix, matrix } from '../math/matrix.js'

/**
 * A map without a bend as one matrix and one bias: q' = W q + b.
 *
 * @param format named in the refusal
 * @returns W [k, d], b [1, k]
 * @throws CONVERT_UNSUPPORTED when the map is not affine
 */
export function toDense(adapter: Adapter, format: string): { readonly W: Matrix; readonly b: Matrix } {
  const { kind, params } = adapter
  if (kind === 'linear') return { W: params.W, b: params.b }
  if (!adapterMap(kind).affine) {
    throw new AdapterTrainError(
      'CONVERT_UNSUPPORTED',
      `a ${kind} adapter cannot be written as ${format}, which is one matrix and a bias: its map is not affine; use --format onnx or safetensors`,
      { details: { kind, format } },
    )
  }
  const d = adapter.base.dimensions
  // Column j is f(e_j) - b. Without its bias the map is linear, so that the columns are exact but for the rounding of the map.
  const zero = { ...adapter, params: { ...params, b: matrix(1, params.b.cols) } }
  const columns = applyAdapter(zero, identity(d))
  const W = matrix(columns.cols, d)
  for (let j = 0; j < columns.rows; j++) {
    for (let i = 0; i < columns.cols; i++) W.data[i * d + j] = columns.data[j * columns.cols + i]
  }
  return { W, b: params.b }
}
