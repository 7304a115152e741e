import { writeFileSync } from 'node:fs'
import type { Matrix } from '../../src/math/matrix.js'
import { littleEndianBytes } from '../../src/vectors/floats.js'
import { npyHeader } from '../../src/vectors/npy.js'

/** Writes a matrix as `numpy.save` does, byte for byte: version 1.0, little-endian float32, by rows. */
export function writeNpy(m: Matrix, path: string): void {
  writeFileSync(path, Buffer.concat([npyHeader(m.rows, m.cols), littleEndianBytes(m.data)]))
}

/** Writes float32 values, row after row. */
export function writeRaw(m: Matrix, path: string): void {
  writeFileSync(path, littleEndianBytes(m.data))
}
