import { AdapterTrainError } from '../errors.js'
import { type Matrix, matrix } from '../math/matrix.js'

/**
 * A zero matrix for the vectors of a file.
 * @throws ENGINE_MEMORY when there is no room for it
 */
export function allocateMatrix(path: string, rows: number, cols: number): Matrix {
  try {
    return matrix(rows, cols)
  } catch (cause) {
    const gigabytes = ((rows * cols * 4) / 1e9).toFixed(1)
    const message = `no memory for ${path}: ${rows} vectors of ${cols} values take ${gigabytes} GB`
    throw new AdapterTrainError('ENGINE_MEMORY', `${message}. Use fewer or shorter vectors.`, {
      cause,
      details: { file: path, rows, cols },
    })
  }
}
