import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { closeSync, fstatSync, openSync, readSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileError, invalidFile } from '../dataset/text-file.js'
import { AdapterTrainError, messageOf } from '../errors.js'
import { makeFolder } from '../files.js'
import type { RowSource } from '../math/row-source.js'
import { createRoom, decodeFloats, type FloatType, littleEndianBytes } from './floats.js'

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

/**
 * Makes a source that reads rows of a file on demand; the operating system caches them. The file is open only while rows are read.
 */
export function createFileRows(layout: FileLayout): RowSource {
  const { path, rows: count, cols } = layout
  const read = createReader(layout)
  const before = attempt(path, () => statSync(path))
  return {
    rows: count,
    cols,
    gather(rows, out) {
      const file = attempt(path, () => openSync(path, 'r'))
      try {
        if (!isSame(before, fstatSync(file))) throw invalidFile({ file: path }, 'has changed while it was in use')
        read(file, rows, out)
      } finally {
        closeSync(file)
      }
    },
  }
}

/** Makes a reader of rows of an open file, which reads consecutive rows together. */
export function createReader(layout: FileLayout): (file: number, rows: Uint32Array, out: Float32Array) => void {
  const { path, start, type, cols } = layout
  const rowBytes = cols * type.bytes
  const most = Math.max(1, Math.floor(MOST / cols))
  const roomFor = createRoom(type, most * cols)
  return (file, rows, out) => {
    for (let from = 0; from < rows.length; ) {
      let to = from + 1
      while (to < rows.length && to - from < most && rows[to] === rows[to - 1] + 1) to++
      const bytes = roomFor(out, from * cols, (to - from) * cols)
      fill(path, file, bytes, start + rows[from] * rowBytes)
      decodeFloats(bytes, type, out, from * cols)
      from = to
    }
  }
}

function fill(path: string, file: number, bytes: Buffer<ArrayBufferLike>, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    const found = attempt(path, () => readSync(file, bytes, at, bytes.length - at, position + at))
    if (found === 0) throw invalidFile({ file: path }, `is cut short: it ends at byte ${position + at}`)
    at += found
  }
}

const isSame = (a: Stats, b: Stats): boolean => a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino

function attempt<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    throw fileError(path, cause)
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

function attemptWrite<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const message = `cannot keep vectors in ${path}: ${messageOf(cause)}. Give more memory, or another folder.`
    throw new AdapterTrainError('FILE_WRITE', message, { cause, details: { file: path } })
  }
}
