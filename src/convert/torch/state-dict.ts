import type { Weights } from '../../adapters/kind.js'
import { damaged, wrong } from '../../adapters/stored-adapter.js'
import { fromFloat16Bits } from '../../math/bytes.js'
import { type Matrix, matrix } from '../../math/matrix.js'
import { isParameter } from '../facts.js'
import type { TensorReference } from './unpickle.js'

/**
 * Finds the parameters of an adapter among the tensors of a module, by the names in `torch.nn.Linear`, Sentence Transformers'
 * Dense, LlamaIndex's LinearLayer and TwoLayerNN, or in an adapter itself.
 */
export function paramsOfModule(tensors: ReadonlyMap<string, Matrix>, where: string): Weights {
  const names = [...tensors.keys()]
  const take = (name: string): Matrix => tensors.get(name) as Matrix
  const biasOf = (name: string, weight: Matrix): Matrix => tensors.get(name) ?? matrix(1, weight.rows)
  const only = (...known: readonly string[]): boolean => names.every(name => known.includes(name))

  const prefix = tensors.has('linear.weight') ? 'linear.' : ''
  if (tensors.has(`${prefix}weight`) && only(`${prefix}weight`, `${prefix}bias`)) {
    const W = take(`${prefix}weight`)
    return { W, b: biasOf(`${prefix}bias`, W) }
  }
  const layers = ['linear1.weight', 'linear1.bias', 'linear2.weight', 'linear2.bias', 'residual_weight']
  if (tensors.has(layers[0]) && tensors.has(layers[2]) && only(...layers)) {
    const [W1, W2] = [take(layers[0]), take(layers[2])]
    const scale = tensors.get('residual_weight')?.data[0] ?? 1
    const scaled = ({ rows, cols, data }: Matrix) => matrix(rows, cols, scale === 1 ? data : data.map(x => x * scale))
    return { W1, b1: biasOf(layers[1], W1), W2: scaled(W2), b2: scaled(biasOf(layers[3], W2)) }
  }
  if (names.some(isParameter)) {
    const params = Object.fromEntries(tensors)
    return params.W && !params.b && !params.W1 ? { ...params, b: biasOf('b', params.W) } : params
  }
  const expected = 'expected linear.weight and linear.bias, or the parameters of an adapter'
  throw wrong(where, `holds the tensors ${names.join(', ') || '(none)'}; ${expected}`)
}

type FloatKind = { readonly bytes: number; get(view: DataView, at: number): number }

const bfloat16 = new DataView(new ArrayBuffer(4))

const FLOATS: Readonly<Record<string, FloatKind>> = {
  FloatStorage: { bytes: 4, get: (view, at) => view.getFloat32(at, true) },
  DoubleStorage: { bytes: 8, get: (view, at) => view.getFloat64(at, true) },
  HalfStorage: { bytes: 2, get: (view, at) => fromFloat16Bits(view.getUint16(at, true)) },
  BFloat16Storage: {
    bytes: 2,
    get(view, at) {
      // The upper half of a float32.
      bfloat16.setUint32(0, view.getUint16(at, true) * 65536)
      return bfloat16.getFloat32(0)
    },
  },
}

/** PyTorch's storage of each floating-point type of a safetensors file. */
export const STORAGES: Readonly<Record<string, string>> = {
  F32: 'FloatStorage',
  F64: 'DoubleStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
}

/** Reads a tensor of any strides as a float32 matrix; a scalar or a vector is one row. */
export function readStrided(
  { storage, offset, shape, strides }: Omit<TensorReference, 'key'>,
  bytes: Uint8Array,
  where: string,
): Matrix {
  const type = FLOATS[storage]
  if (!type) throw wrong(where, `holds values of type ${storage}, expected floating-point numbers`)
  if (shape.length > 2 || shape.includes(0)) throw wrong(where, `has shape [${shape.join(', ')}], expected a vector or a matrix`)
  const [cols = 1, rows = 1] = [...shape].reverse()
  const [colStride = 0, rowStride = 0] = [...strides].reverse()
  const count = bytes.length / type.bytes
  const last = offset + (rows - 1) * rowStride + (cols - 1) * colStride
  // A tensor of more values than its storage repeats some; no trained weight does.
  if (!(last < count) || rows * cols > count) throw damaged(where, `reaches beyond its ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const out = matrix(rows, cols)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      out.data[i * cols + j] = type.get(view, (offset + i * rowStride + j * colStride) * type.bytes)
    }
  }
  return out
}
