import { constants, isUtf8 } from 'node:buffer'
import { createReadStream, type Stats, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { AdapterTrainError, type ErrorDetails, messageOf } from '../errors.js'

export type Place = { readonly file: string; readonly line?: number }

/** Formats a place as `file:line`, or the file alone. */
export const location = ({ file, line }: Place): string => (line === undefined ? file : `${file}:${line}`)

/** The error of a file that is broken as a whole, so that no single entry can be left out. */
export function invalidFile(place: Place, problem: string, cause?: unknown): AdapterTrainError {
  return new AdapterTrainError('DATASET_INVALID', `${location(place)}: ${problem}`, { cause, details: { ...place } })
}

export function formatError(file: string, message: string, details: ErrorDetails = {}): AdapterTrainError {
  return new AdapterTrainError('DATASET_FORMAT', message, { details: { file, ...details } })
}

/** Reads a UTF-8 file whole, without its byte order mark. */
export async function readTextFile(path: string): Promise<string> {
  let bytes: Buffer
  try {
    const { size } = assertFile(path)
    if (size > constants.MAX_STRING_LENGTH) {
      const limit = Math.floor(constants.MAX_STRING_LENGTH / 2 ** 20)
      const problem = `is ${Math.ceil(size / 2 ** 20)} MiB, but a JSON document is read whole and can be ${limit} MiB at most`
      const fix = 'Write it as JSON Lines or as a BEIR folder, which are read line by line.'
      throw invalidFile({ file: path }, `${problem}. ${fix}`)
    }
    bytes = await readFile(path)
  } catch (error) {
    throw error instanceof AdapterTrainError ? error : fileError(path, error)
  }
  assertNotUtf16(path, bytes)
  if (!isUtf8(bytes)) {
    const offset = firstInvalidByte(bytes)
    const place = { file: path, line: lineOfByte(bytes, offset) }
    throw invalidFile(place, `${utf8Problem(bytes[offset], offset)}. Save it as UTF-8.`)
  }
  return bytes.toString('utf8', startsWithBom(bytes) ? 3 : 0)
}

/** Reads a UTF-8 file line by line, without its byte order mark; a line that is not UTF-8 has a problem instead of text. */
export async function* readTextLines(path: string) {
  let line = 0
  let lineStart = 0
  let parts: Buffer[] = []
  const take = (end: Buffer) => {
    let bytes = parts.length === 0 ? end : Buffer.concat([...parts, end])
    const start = lineStart
    lineStart += bytes.length + 1
    parts = []
    line++
    if (line === 1 && startsWithBom(bytes)) bytes = bytes.subarray(3)
    if (isUtf8(bytes)) return { line, text: bytes.toString('utf8') }
    const offset = firstInvalidByte(bytes)
    return { line, text: '', problem: utf8Problem(bytes[offset], start + offset) }
  }
  try {
    assertFile(path)
    let first = true
    let lineEnd = 0
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
      if (first) {
        assertNotUtf16(path, chunk)
        lineEnd = lineEndOf(chunk)
      }
      first = false
      let from = 0
      for (let to = chunk.indexOf(lineEnd); to >= 0; to = chunk.indexOf(lineEnd, from)) {
        yield take(chunk.subarray(from, to))
        from = to + 1
      }
      if (from < chunk.length) parts.push(chunk.subarray(from))
    }
    if (parts.length > 0) yield take(Buffer.alloc(0))
  } catch (error) {
    throw isFileSystemError(error) ? fileError(path, error) : error
  }
}

/** Finds the byte that ends lines, from the start of a file: LF, or CR alone as old spreadsheets have it. */
export function lineEndOf(chunk: Buffer): number {
  const end = chunk.indexOf(13)
  return end >= 0 && end < chunk.length - 1 && !chunk.includes(10) ? 13 : 10
}

/** @throws FILE_READ for a device, pipe or socket, which may never end; FILE_NOT_FOUND */
export function assertFile(path: string): Stats {
  let stats: Stats
  try {
    stats = statSync(path)
  } catch (cause) {
    throw fileError(path, cause)
  }
  if (stats.isFile() || stats.isDirectory()) return stats
  const problem = `cannot read ${path}: expected a file or folder, found a device or pipe`
  throw new AdapterTrainError('FILE_READ', problem, { details: { file: path } })
}

/** Turns an error of the file system into FILE_NOT_FOUND or FILE_READ. */
export function fileError(path: string, cause: unknown): AdapterTrainError {
  if (isFileSystemError(cause) && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) {
    const absolute = resolve(path)
    const where = absolute === path ? '' : ` (looked for ${absolute})`
    return new AdapterTrainError('FILE_NOT_FOUND', `${path} does not exist${where}`, { cause, details: { file: path } })
  }
  const reason = messageOf(cause).split(', ')[0]
  return new AdapterTrainError('FILE_READ', `cannot read ${path}: ${reason}`, { cause, details: { file: path } })
}

/** @throws DATASET_INVALID if the bytes start with a UTF-16 byte order mark */
export function assertNotUtf16(path: string, bytes: Uint8Array): void {
  const little = bytes[0] === 0xff && bytes[1] === 0xfe
  if (!little && !(bytes[0] === 0xfe && bytes[1] === 0xff)) return
  const mark = little ? 'FF FE' : 'FE FF'
  const remedy = 'Save it as UTF-8, for example with: iconv -f UTF-16 -t UTF-8'
  throw invalidFile({ file: path }, `is UTF-16 (it starts with the byte order mark ${mark}), expected UTF-8. ${remedy}`)
}

function utf8Problem(byte: number, offset: number): string {
  const hex = byte.toString(16).toUpperCase().padStart(2, '0')
  return `is not valid UTF-8: byte 0x${hex} at offset ${offset} (0-based) of the file`
}

const startsWithBom = (bytes: Uint8Array): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf

/** Stands for bytes that are not valid when they are decoded. */
const REPLACEMENT = '\ufffd'
const REPLACEMENT_BYTES = Buffer.from(REPLACEMENT)

/** Index of the first byte that starts no valid UTF-8 sequence. */
export function firstInvalidByte(bytes: Buffer): number {
  const text = bytes.toString('utf8')
  let offset = 0
  let from = 0
  for (let at = text.indexOf(REPLACEMENT); at >= 0; at = text.indexOf(REPLACEMENT, from)) {
    offset += Buffer.byteLength(text.slice(from, at))
    // The file may hold the character itself.
    if (!bytes.subarray(offset, offset + REPLACEMENT_BYTES.length).equals(REPLACEMENT_BYTES)) return offset
    offset += REPLACEMENT_BYTES.length
    from = at + 1
  }
  return bytes.length
}

/** 1-based line of an offset. */
export function lineOfByte(bytes: Buffer, offset: number): number {
  let line = 1
  for (let i = bytes.indexOf(10); i >= 0 && i < offset; i = bytes.indexOf(10, i + 1)) line++
  return line
}

function isFileSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error
}
