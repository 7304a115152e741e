import { crc32 } from 'node:zlib'
import { damaged, wrong } from '../../adapters/stored-adapter.js'

const LOCAL_HEADER = 0x04034b50
const CENTRAL_HEADER = 0x02014b50
const END_RECORD = 0x06054b50
const LOCAL_BYTES = 30
const CENTRAL_BYTES = 46
const END_BYTES = 22
/** The comment after the end record is at most so long. */
const MAX_COMMENT = 0xffff
/** PyTorch aligns what it stores to this, so that it can be mapped into memory. */
const ALIGNMENT = 64
/** 1 January 1980, the first day of the format, so that equal contents give equal files. */
const DATE = 0x21
/** Name of the extra field that PyTorch fills up with. */
const PADDING_FIELD = 0x4246

/** A ZIP archive of uncompressed files, aligned as PyTorch does. */
export function encodeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = []
  const central: Uint8Array[] = []
  let at = 0
  const add = (bytes: Uint8Array): void => {
    parts.push(bytes)
    at += bytes.length
  }
  for (const [name, content] of files) {
    const nameBytes = Buffer.from(name)
    // Date, checksum, sizes and length of the name stand the same in both headers.
    const common = Buffer.alloc(18)
    common.writeUInt16LE(DATE, 2)
    common.writeUInt32LE(crc32(content), 4)
    common.writeUInt32LE(content.length, 8)
    common.writeUInt32LE(content.length, 12)
    common.writeUInt16LE(nameBytes.length, 16)

    const centralHeader = Buffer.alloc(CENTRAL_BYTES)
    centralHeader.writeUInt32LE(CENTRAL_HEADER)
    common.copy(centralHeader, 12)
    centralHeader.writeUInt32LE(at, 42)
    central.push(centralHeader, nameBytes)

    const unpadded = at + LOCAL_BYTES + nameBytes.length + 4
    const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT
    const local = Buffer.alloc(LOCAL_BYTES)
    local.writeUInt32LE(LOCAL_HEADER)
    common.copy(local, 10)
    local.writeUInt16LE(4 + padding, 28)
    const extra = Buffer.alloc(4 + padding)
    extra.writeUInt16LE(PADDING_FIELD)
    extra.writeUInt16LE(padding, 2)
    for (const bytes of [local, nameBytes, extra, content]) add(bytes)
  }
  const end = Buffer.alloc(END_BYTES)
  end.writeUInt32LE(END_RECORD)
  end.writeUInt16LE(files.size, 8)
  end.writeUInt16LE(files.size, 10)
  end.writeUInt32LE(
    central.reduce((sum, bytes) => sum + bytes.length, 0),
    12,
  )
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, ...central, end])
}

/**
 * The files of a ZIP archive that compresses nothing, as PyTorch writes it; views of `bytes`.
 * @throws ADAPTER_FORMAT when it is no such archive
 * @throws ADAPTER_CORRUPT when a checksum does not match or the archive is cut short
 */
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
  let at = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    if (archive.readUInt32LE(at) !== CENTRAL_HEADER) throw damaged(where, 'its ZIP archive has a broken directory')
    const [flags, method] = [archive.readUInt16LE(at + 8), archive.readUInt16LE(at + 10)]
    const [sum, size] = [archive.readUInt32LE(at + 16), archive.readUInt32LE(at + 24)]
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map(field => archive.readUInt16LE(at + field))
    const local = archive.readUInt32LE(at + 42)
    const name = archive.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes)
    if (method !== 0 || (flags & 1) !== 0 || [size, local].includes(0xffffffff)) {
      throw wrong(
        where,
        `its "${name}" is compressed, encrypted or above 4 GiB; expected it as torch.save writes a state dict`,
      )
    }
    if (archive.readUInt32LE(local) !== LOCAL_HEADER) throw damaged(where, `its "${name}" is not where it should be`)
    const start = local + LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const content = archive.subarray(start, start + size)
    if (content.length !== size || crc32(content) !== sum)
      throw damaged(where, `the checksum of its "${name}" does not match`)
    files.set(name, content)
    at += CENTRAL_BYTES + nameBytes + extraBytes + commentBytes
  }
  return files
}
