import { crc32 } from 'node:zlib'
import { damaged, wrong } from '../../adapters/stored-adapter.js'

const LOCAL_HEADER = 0x04034b50
const CENTRAL_HEADER = 0x02014b50
const END_RECORD = 0x06054b50
const LOCAL_BYTES = 30
const CENTRAL_BYTES = 46
const END_BYTES = 22
/** Longest comment after the end record, in bytes. */
const MAX_COMMENT = 0xffff
/** Alignment of contents, in bytes, so that they can be mapped into memory. */
const ALIGNMENT = 64
/** 1 January 1980, the first day of the format: equal contents give equal files. */
const DATE = 0x21
/** Name of the extra field that holds PyTorch's padding. */
const PADDING_FIELD = 0x4246

/** Writes a ZIP archive of uncompressed files, aligned as by PyTorch. */
export function encodeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = []
  const central: Uint8Array[] = []
  let at = 0
  for (const [name, content] of files) {
    const nameBytes = Buffer.from(name)
    const { length } = content
    // Time, date, checksum, sizes and length of the name, the same in both headers.
    const common = fields([0, 2], [DATE, 2], [crc32(content), 4], [length, 4], [length, 4], [nameBytes.length, 2])
    // Signature; versions, flags and method. Then lengths of extra field and comment, disk, attributes and place.
    central.push(fields([CENTRAL_HEADER, 4], [0, 4], [0, 4]), common, fields([0, 4], [0, 4], [0, 4], [at, 4]), nameBytes)
    const unpadded = at + LOCAL_BYTES + nameBytes.length + 4
    const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT
    const local = [fields([LOCAL_HEADER, 4], [0, 6]), common, fields([4 + padding, 2])]
    parts.push(...local, nameBytes, fields([PADDING_FIELD, 2], [padding, 2]), Buffer.alloc(padding), content)
    at = unpadded + padding + length
  }
  const size = central.reduce((sum, bytes) => sum + bytes.length, 0)
  const end = fields([END_RECORD, 4], [0, 4], [files.size, 2], [files.size, 2], [size, 4], [at, 4], [0, 2])
  return Buffer.concat([...parts, ...central, end])
}

/** Little-endian whole numbers, each of so many bytes. */
function fields(...list: readonly (readonly [value: number, bytes: number])[]): Buffer {
  const out = Buffer.alloc(list.reduce((sum, [, bytes]) => sum + bytes, 0))
  let at = 0
  for (const [value, bytes] of list) at = out.writeUIntLE(value, at, bytes)
  return out
}

/** Reads the files of a ZIP archive that compresses nothing, as written by PyTorch; views of `bytes`. */
export function decodeZip(bytes: Uint8Array, where: string): Map<string, Uint8Array> {
  const archive = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  try {
    return readEntries(archive, where)
  } catch (error) {
    // A Buffer refuses to read beyond its end.
    if (error instanceof RangeError) throw damaged(where, 'its ZIP archive is cut short')
    throw error
  }
}

function readEntries(archive: Buffer, where: string): Map<string, Uint8Array> {
  let end = archive.length - END_BYTES
  const last = Math.max(0, end - MAX_COMMENT)
  while (end >= last && archive.readUInt32LE(end) !== END_RECORD) end--
  if (end < last) throw damaged(where, 'its ZIP archive has no end')
  const files = new Map<string, Uint8Array>()
  const spans: [start: number, end: number][] = []
  let total = 0
  let at = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    if (archive.readUInt32LE(at) !== CENTRAL_HEADER) throw damaged(where, 'its ZIP archive has a broken directory')
    const [flags, method] = [archive.readUInt16LE(at + 8), archive.readUInt16LE(at + 10)]
    const [sum, size] = [archive.readUInt32LE(at + 16), archive.readUInt32LE(at + 24)]
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map(field => archive.readUInt16LE(at + field))
    const local = archive.readUInt32LE(at + 42)
    const name = archive.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes)
    if (method !== 0 || (flags & 1) !== 0 || [size, local].includes(0xffffffff)) {
      const expected = 'expected it as torch.save writes a state dict'
      throw wrong(where, `its "${name}" is compressed, encrypted or above 4 GiB; ${expected}`)
    }
    if (archive.readUInt32LE(local) !== LOCAL_HEADER) throw damaged(where, `its "${name}" is not where it should be`)
    const start = local + LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    spans.push([local, start + size])
    const content = archive.subarray(start, start + size)
    total += content.length
    if (total > archive.length) throw damaged(where, 'entries of its ZIP archive overlap')
    if (content.length !== size || crc32(content) !== sum) throw damaged(where, `the checksum of its "${name}" does not match`)
    files.set(name, content)
    at += CENTRAL_BYTES + nameBytes + extraBytes + commentBytes
  }
  spans.sort((a, b) => a[0] - b[0])
  if (spans.some(([start], i) => i > 0 && start < spans[i - 1][1])) throw damaged(where, 'entries of its ZIP archive overlap')
  return files
}
