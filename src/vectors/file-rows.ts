import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { invalidFile } from '../dataset/place.js'
import { fileError } from '../dataset/text-file.js'
import type { RowSource } from '../math/row-source.js'
import { createRoom, decodeFloats, type FloatType } from './floats.js'

/** Where vectors stand in a file, row after row. */
export interface FileLayout {
  readonly path: string
  /** Bytes before the first value. */
  readonly start: number
  readonly type: FloatType
  readonly rows: number
  readonly cols: number
}

/** Values that are read at once, at most: 16 MiB of float32. */
const MOST = 1 << 22

/**
 * The rows of a file, read when they are asked for; the operating system keeps what memory has room for. The file is open only
 * while rows are read.
 *
 * @throws FILE_NOT_FOUND, FILE_READ
 * @throws DATASET_INVALID from `gather`, when the file has changed since
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

/** Reads rows of an open file; neighbours that are asked for one after the other are read together. */
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

function isSame(a: Stats, b: Stats): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    throw fileError(path, cause)
  }
}
