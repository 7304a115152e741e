import { AdapterTrainError } from '../errors.js'
import { toFloat16Bits } from '../math/float16.js'
import type { Matrix } from '../math/matrix.js'
import type { TensorType } from './stored-adapter.js'

/** The exponent of a float16 that is infinite or NaN. */
const INFINITE_FLOAT16 = 0x7c00

/** The shape of a parameter in a file: a single row is stored as a vector. */
export function tensorShape({ rows, cols }: Matrix): readonly number[] {
  return rows === 1 ? [cols] : [rows, cols]
}

/**
 * The bytes of a parameter in a file: little-endian, row-major.
 * @param name of the parameter, for the message
 * @throws ADAPTER_FORMAT when a weight is too large for float16
 */
export function encodeTensor(name: string, { cols, data }: Matrix, dtype: TensorType): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.length * (dtype === 'F32' ? 4 : 2))
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < data.length; i++) {
    if (dtype === 'F32') {
      view.setFloat32(4 * i, data[i], true)
      continue
    }
    const bits = toFloat16Bits(data[i])
    if ((bits & INFINITE_FLOAT16) === INFINITE_FLOAT16) {
      const place = `"${name}" at row ${Math.floor(i / cols)}, column ${i % cols}`
      throw new AdapterTrainError(
        'ADAPTER_FORMAT',
        `parameter ${place} is ${data[i]}, which float16 cannot hold (at most 65504); store the adapter in float32`,
      )
    }
    view.setUint16(2 * i, bits, true)
  }
  return bytes
}
