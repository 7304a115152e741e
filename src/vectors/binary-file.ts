import { type FileHandle, open } from 'node:fs/promises'
import { fileError, invalidFile } from '../dataset/text-file.js'
import { AdapterTrainError } from '../errors.js'
import { type Matrix, matrix } from '../math/matrix.js'

/** File that is read from its first byte to its last. */
export interface BinaryFile {
  readonly path: string
  readonly size: number
  /** Fills `bytes`, less than 2 GiB, with the next ones. */
  fill(bytes: Uint8Array): Promise<void>
}

/** Opens a file while `use` runs. */
export async function withBinaryFile<T>(path: string, use: (file: BinaryFile) => Promise<T>): Promise<T> {
  const failed = (cause: unknown): never => {
    throw fileError(path, cause)
  }
  const handle = await open(path).catch(failed)
  try {
    const stats = await handle.stat().catch(failed)
    if (!stats.isFile()) throw fileError(path, new Error('expected a file and found a folder or device'))
    return await use({ path, size: stats.size, fill: bytes => fill(handle, path, bytes, failed) })
  } finally {
    await handle.close()
  }
}

async function fill(handle: FileHandle, path: string, bytes: Uint8Array, failed: (cause: unknown) => never) {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, null).catch(failed)
    if (bytesRead === 0)
      throw invalidFile({ file: path }, `is cut short: ${bytes.length - at} more bytes were expected at its end`)
    at += bytesRead
  }
}

/** @throws ENGINE_MEMORY if there is no room for the vectors of a file */
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
