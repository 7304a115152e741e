import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { AdapterTrainError, messageOf } from '../errors.js'
import type { RowSource } from '../math/row-source.js'
import { createReader } from './file-rows.js'
import { littleEndianBytes } from './floats.js'

/** Vectors in a temporary file, zero where nothing was written. */
export interface TemporaryRows extends RowSource {
  /** @throws FILE_WRITE when the disk is full */
  set(row: number, vector: Float32Array): void
  /** Gives the disk space back; the rows must not be used afterwards. */
  close(): void
}

/**
 * Makes room for vectors on disk. The file has no name from the start, so that nothing of it is left when the process ends, however
 * it ends.
 *
 * @param folder made where it does not exist; it should be on a disk and not in memory
 * @throws FILE_WRITE when it cannot be made, or the disk has no room for it
 */
export function createTemporaryRows(folder: string, rows: number, cols: number): TemporaryRows {
  const path = join(folder, `.adapter-train-${randomBytes(8).toString('hex')}.f32`)
  const rowBytes = 4 * cols
  const file = attempt(path, () => {
    mkdirSync(folder, { recursive: true })
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize < rows * rowBytes) {
      const [needed, free] = [rows * rowBytes, bavail * bsize].map(bytes => (bytes / 1e9).toFixed(1))
      throw new Error(`${rows} vectors of ${cols} values take ${needed} GB, and only ${free} GB are free`)
    }
    const opened = openSync(path, 'wx+', 0o600)
    // Where an open file cannot be deleted, `close` does it.
    rm(path)
    return opened
  })
  // A hole at the end, so that rows that are never written can be read.
  const write = (bytes: Uint8Array, position: number): void => {
    for (let at = 0; at < bytes.length; ) {
      at += attempt(path, () => writeSync(file, bytes, at, bytes.length - at, position + at))
    }
  }
  if (rows * rowBytes > 0) write(new Uint8Array(1), rows * rowBytes - 1)
  const read = createReader({ path, start: 0, type: { bytes: 4, littleEndian: true }, rows, cols })
  let open = true
  return {
    rows,
    cols,
    gather: (wanted, out) => read(file, wanted, out),
    set: (row, vector) => write(littleEndianBytes(vector), row * rowBytes),
    close() {
      if (!open) return
      open = false
      closeSync(file)
      rm(path)
    },
  }
}

function rm(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Still open.
  }
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const message = `cannot keep vectors in ${path}: ${messageOf(cause)}. Give more memory, or another folder.`
    throw new AdapterTrainError('FILE_WRITE', message, { cause, details: { file: path } })
  }
}
