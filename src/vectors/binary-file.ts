import { type FileHandle, open } from 'node:fs/promises'
import { invalidFile } from '../dataset/place.js'
import { fileError } from '../dataset/text-file.js'

/** A file that is read from its first byte to its last. */
export interface BinaryFile {
  readonly path: string
  /** Bytes in the file. */
  readonly size: number
  /** Fills `bytes`, less than 2 GiB, with what comes next. */
  fill(bytes: Uint8Array): Promise<void>
}

/**
 * Opens a file for the time of `use`.
 *
 * @throws FILE_NOT_FOUND, FILE_READ
 * @throws DATASET_INVALID (from `fill`) when the file ends before `bytes` are filled
 */
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

async function fill(
  handle: FileHandle,
  path: string,
  bytes: Uint8Array,
  failed: (cause: unknown) => never,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, null).catch(failed)
    if (bytesRead === 0) {
      throw invalidFile({ file: path }, `is cut short: ${bytes.length - at} more bytes were expected at its end`)
    }
    at += bytesRead
  }
}
