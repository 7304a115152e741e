import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { assertFile, fileError, invalidFile } from '../dataset/text-file.js'
import { AdapterTrainError } from '../errors.js'
import { type Matrix, matrix } from '../math/matrix.js'

export interface BinaryFile {
  readonly path: string
  readonly stats: Stats
  /** Fills `bytes`, less than 2 GiB, with those from `position` on. */
  fill(bytes: Uint8Array, position: number): void
}

/** Opens a file while `use` runs. */
export function withBinaryFile<T>(path: string, use: (file: BinaryFile) => T): T {
  assertFile(path)
  const file = attempt(path, () => openSync(path, 'r'))
  try {
    const stats = attempt(path, () => fstatSync(file))
    if (!stats.isFile()) throw fileError(path, new Error('expected a file and found a folder or device'))
    return use({ path, stats, fill: (bytes, position) => fill(path, file, bytes, position) })
  } finally {
    closeSync(file)
  }
}

/** Fills `bytes` with those of an open file from `position` on. */
export function fill(path: string, file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    const found = attempt(path, () => readSync(file, bytes, at, bytes.length - at, position + at))
    if (found === 0) throw invalidFile({ file: path }, `is cut short: it ends at byte ${position + at}`)
    at += found
  }
}

/** @throws FILE_NOT_FOUND, FILE_READ for an error of the file system */
export function attempt<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    throw fileError(path, cause)
  }
}

/** @throws ENGINE_MEMORY if there is no room for the vectors of a file */
export function allocateMatrix(path: string, rows: number, cols: number): Matrix {
  try {
    return matrix(rows, cols)
  } catch (cause) {
    const gigabytes = ((rows * cols * 4) / 1e9).toFixed(1)
    const message = `no memory for ${path}: ${rows} vectors of ${cols} values take ${gigabytes} GB`
    const details = { file: path, rows, cols }
    throw new AdapterTrainError('ENGINE_MEMORY', `${message}. Use fewer or shorter vectors.`, { cause, details })
  }
}
