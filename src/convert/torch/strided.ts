import { damaged, wrong } from '../../adapters/stored-adapter.js'
import { fromFloat16Bits } from '../../math/float16.js'
import { type Matrix, matrix } from '../../math/matrix.js'
import type { TensorReference } from './unpickle.js'

interface FloatKind {
  readonly bytes: number
  get(view: DataView, at: number): number
}

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

/**
 * A tensor of any strides as a float32 matrix; a scalar or a vector is one row.
 * @throws ADAPTER_FORMAT when it has more than two dimensions or none of them, or an unknown type
 * @throws ADAPTER_CORRUPT when it reaches beyond its storage
 */
export function readStrided(
  { storage, offset, shape, strides }: Omit<TensorReference, 'key'>,
  bytes: Uint8Array,
  where: string,
): Matrix {
  const type = FLOATS[storage]
  if (!type) throw wrong(where, `holds values of type ${storage}, expected floating-point numbers`)
  if (shape.length > 2 || shape.includes(0)) {
    throw wrong(where, `has shape [${shape.join(', ')}], expected a vector or a matrix`)
  }
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
