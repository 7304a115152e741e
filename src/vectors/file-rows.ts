import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, type Stats, statfsSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { invalidFile } from '../dataset/text-file.js'
import { AdapterTrainError, messageOf } from '../errors.js'
import { makeFolder } from '../files.js'
import type { Matrix } from '../math/matrix.js'
import { type RowSource, rowRange } from '../math/row-source.js'
import { allocateMatrix, attempt, type BinaryFile, fill, withBinaryFile } from './binary-file.js'
import { decodeFloats, type FloatType, littleEndianBytes } from './floats.js'

/** Place of vectors in a file, row after row. */
export interface FileLayout {
  readonly path: string
  readonly start: number
  readonly type: FloatType
  readonly rows: number
  readonly cols: number
}

/** Values read at once, at most: 16 MiB of float32. */
const MOST = 1 << 22

/** Makes a source that reads rows of a file on demand; the operating system caches them. The file is open only while rows are read. */
export function createFileRows(layout: FileLayout): RowSource {
  const { path, rows: count, cols } = layout
  const read = createReader(layout)
  const before = attempt(path, () => statSync(path))
  return {
    rows: count,
    cols,
    gather: (rows, out) =>
      withBinaryFile(path, file => {
        if (!isSame(before, file.stats)) throw invalidFile({ file: path }, 'has changed while it was in use')
        read(file, rows, out)
      }),
  }
}

const isSame = (a: Stats, b: Stats): boolean => a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino

/** Reads all rows of a file. @throws ENGINE_MEMORY */
export function readAll(file: BinaryFile, layout: FileLayout): Matrix {
  const out = allocateMatrix(layout.path, layout.rows, layout.cols)
  if (out.data.length > 0) createReader(layout)(file, rowRange(0, layout.rows), out.data)
  return out
}

/** Makes a reader of rows of an open file, which reads consecutive rows together. */
export function createReader({ start, type, rows: count, cols }: FileLayout) {
  const rowBytes = cols * type.bytes
  const most = Math.max(1, Math.min(count, Math.floor(MOST / cols)))
  const block = type.bytes === 4 ? undefined : new ArrayBuffer(most * rowBytes)
  return (file: Pick<BinaryFile, 'fill'>, rows: Uint32Array, out: Float32Array): void => {
    for (let from = 0; from < rows.length; ) {
      let to = from + 1
      while (to < rows.length && to - from < most && rows[to] === rows[to - 1] + 1) to++
      const length = (to - from) * rowBytes
      const bytes = block ? Buffer.from(block, 0, length) : Buffer.from(out.buffer, out.byteOffset + from * rowBytes, length)
      file.fill(bytes, start + rows[from] * rowBytes)
      decodeFloats(bytes, type, out, from * cols)
      from = to
    }
  }
}

/** Vectors in a temporary file, zero until written. */
export interface TemporaryRows extends RowSource {
  /** @throws FILE_WRITE if the disk is full */
  set(row: number, vector: Float32Array): void
  close(): void
}

/** Makes room for vectors on disk, in a file without a name, of which nothing is left however the process ends. */
export function createTemporaryRows(folder: string, rows: number, cols: number): TemporaryRows {
  const path = join(folder, `.adapter-train-${randomBytes(8).toString('hex')}.f32`)
  const rowBytes = 4 * cols
  const file = attemptWrite(path, () => {
    makeFolder(folder)
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize < rows * rowBytes) {
      const [needed, free] = [rows * rowBytes, bavail * bsize].map(bytes => (bytes / 1e9).toFixed(1))
      throw new Error(`${rows} vectors of ${cols} values take ${needed} GB, and only ${free} GB are free`)
    }
    const opened = openSync(path, 'wx+', 0o600)
    // If an open file cannot be deleted, `close` does it.
    rm(path)
    return opened
  })
  // A hole at the end, so that rows that are never written can be read.
  const write = (bytes: Uint8Array, position: number): void => {
    for (let at = 0; at < bytes.length; ) {
      at += attemptWrite(path, () => writeSync(file, bytes, at, bytes.length - at, position + at))
    }
  }
  if (rows * rowBytes > 0) write(new Uint8Array(1), rows * rowBytes - 1)
  const read = createReader({ path, start: 0, type: { bytes: 4, littleEndian: true }, rows, cols })
  let open = true
  return {
    rows,
    cols,
    gather: (wanted, out) => read({ fill: (bytes, position) => fill(path, file, bytes, position) }, wanted, out),
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

function attemptWrite<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const message = `cannot keep vectors in ${path}: ${messageOf(cause)}. Give more memory, or another folder.`
    throw new AdapterTrainError('FILE_WRITE', message, { cause, details: { file: path } })
  }
}
