import { constants, inflateRawSync, inflateSync } from 'node:zlib'

/** True if an error says that more came out of inflating than was allowed. */
const isTooLarge = (error: unknown): boolean => (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'

const [END_RECORD, ENTRY] = [0x06054b50, 0x02014b50]
/** What a tag counts at least: it costs memory however short it is. */
const BYTES_A_TAG = 25

function countOf(bytes: Buffer, word: string): number {
  let count = 0
  for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + 1)) count++
  return count
}

/** Measures a ZIP's XML by inflating it: bytes, Infinity above `limit`, undefined if the archive is broken. */
export function inflatedZipBytes(archive: Buffer, limit: number): number | undefined {
  try {
    let end = archive.length - 22
    while (archive.readUInt32LE(end) !== END_RECORD) end--
    let total = 0
    let at = archive.readUInt32LE(end + 16)
    for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
      if (archive.readUInt32LE(at) !== ENTRY) return undefined
      const [method, size] = [archive.readUInt16LE(at + 10), archive.readUInt32LE(at + 20)]
      const [name, extra, comment] = [28, 30, 32].map(field => archive.readUInt16LE(at + field))
      const local = archive.readUInt32LE(at + 42)
      if (/\.(xml|rels)$/i.test(archive.toString('latin1', at + 46, at + 46 + name))) {
        const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
        const content = archive.subarray(start, start + size)
        const maxOutputLength = Math.max(1, limit - total)
        const xml = method === 8 ? inflateRawSync(content, { maxOutputLength }) : content
        total += Math.max(xml.length, countOf(xml, '<') * BYTES_A_TAG)
        if (total > limit) return Number.POSITIVE_INFINITY
        checkXml(xml)
      }
      at += 46 + name + extra + comment
    }
    return total
  } catch (error) {
    if (error instanceof Error && !('code' in error)) throw error
    return isTooLarge(error) ? Number.POSITIVE_INFINITY : undefined
  }
}

/** Nesting above which a file is not given to a parser. */
const MOST_LEVELS = 512
const TOO_DEEP = `it is nested deeper than ${MOST_LEVELS} levels`

/** Tags, comments and declarations around the root element of XML that Word writes one of, or none. */
const MOST_OUTSIDE = 100
const SPANS = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
] as const

/** @throws Error if elements are nested too deep, or markup is open or outside the root: the parser's time grows with its square */
function checkXml(xml: Buffer): void {
  let [depth, outside] = [0, 0]
  for (let at = xml.indexOf('<'); at >= 0; at = xml.indexOf('<', at + 1)) {
    const next = xml[at + 1]
    if (next === 0x2f) depth--
    else if (next === 0x21 || next === 0x3f) {
      const start = xml.toString('latin1', at, at + 9)
      const [opening, end] = SPANS.find(([opening]) => start.startsWith(opening)) ?? []
      if (end === undefined) outside++
      else at = xml.indexOf(end, at)
      if (at < 0) throw new Error(`its XML has a ${opening} without ${end}`)
    } else if (xml[xml.indexOf('>', at) - 1] !== 0x2f && ++depth > MOST_LEVELS) throw new Error(TOO_DEEP)
    if (depth <= 0) outside++
    if (outside > MOST_OUTSIDE) throw new Error('its XML has markup outside its root element')
  }
}

/** Objects of a PDF that do not end, each of which a parser follows to the end of the file. */
const MOST_OPEN = 200

/** Checks the nesting of a PDF's dictionaries and arrays, and that its strings end, object by object. */
export function checkPdfDepth(file: Buffer): void {
  const is = (at: number, word: string): boolean => file.toString('latin1', at, at + word.length) === word
  const tooMany = (open: number): void => {
    if (open > MOST_OPEN) throw new Error(`it has more than ${MOST_OPEN} objects without an end`)
  }
  tooMany(countOf(file, ' obj') - countOf(file, 'endobj'))
  let [dictionaries, arrays, strings, open] = [0, 0, 0, 0]
  let hex = false
  for (let at = 0; at < file.length; at++) {
    const byte = file[at]
    if (byte === 0x65 && is(at, 'endobj')) {
      if (dictionaries > 0 || arrays > 0 || strings > 0 || hex) tooMany(++open)
      dictionaries = arrays = strings = 0
      hex = false
    } else if (byte === 0x5c) at++
    else if (byte === 0x28) strings++
    else if (strings > 0) strings -= byte === 0x29 ? 1 : 0
    else if (byte === 0x5b) arrays++
    else if (byte === 0x5d) arrays--
    else if ((byte === 0x3c || byte === 0x3e) && file[at + 1] === byte) {
      dictionaries += byte === 0x3c ? 1 : -1
      at++
    } else if (byte === 0x3c || byte === 0x3e) hex = byte === 0x3c
    else if (byte === 0x73 && is(at, 'stream')) {
      const end = file.indexOf('endstream', at)
      at = end < 0 ? at : end + 8
    }
    if (dictionaries + Math.max(0, arrays) > MOST_LEVELS) throw new Error(TOO_DEEP)
  }
}

/** Filters one after the other that are followed. */
const MOST_FILTERS = 8
/** Bytes before a stream in which its dictionary is looked for. */
const DICTIONARY = 2000

/** True if the streams of a PDF, other than images, inflate to more than `limit` bytes together. */
export function pdfInflatesAbove(file: Buffer, limit: number): boolean {
  let total = 0
  for (let at = file.indexOf('stream'); at >= 0; at = file.indexOf('stream', at + 6)) {
    if (file.toString('latin1', at - 3, at) === 'end') continue
    const before = file.toString('latin1', Math.max(0, at - DICTIONARY), at)
    const dictionary = before.slice(before.lastIndexOf(' obj'))
    if (/\/Subtype\s*\/Image/.test(dictionary)) continue
    let start = at + 6
    while (file[start] === 13 || file[start] === 10) start++
    const end = file.indexOf('endstream', start)
    let content: Uint8Array = file.subarray(start, end < 0 ? undefined : end)
    const named = filtersOf(dictionary)
    for (let layer = 0; layer < MOST_FILTERS; layer++) {
      const filter = named ? named[layer] : isDeflated(content) ? 'Fl' : undefined
      const decode = filter === undefined ? undefined : FILTERS[filter]
      if (!decode) break
      const found = decode(content, limit - total)
      if (found === undefined) break
      if (found.length > limit - total) return true
      content = found
      total += content.length
    }
  }
  return total > limit
}

/** Reads the names of a stream's filters, shortened; undefined if they do not stand there. */
function filtersOf(dictionary: string): string[] | undefined {
  const found = /\/(?:Filter|F)\s*(\[[^\]]*\]|\/\w+)/.exec(dictionary)?.[1]
  return found?.match(/\w+/g)?.map(name => SHORT[name] ?? name)
}

const SHORT: Readonly<Record<string, string>> = {
  FlateDecode: 'Fl',
  LZWDecode: 'LZW',
  RunLengthDecode: 'RL',
  ASCII85Decode: 'A85',
  ASCIIHexDecode: 'AHx',
}

/** Decodes a filter until `room` bytes are exceeded; undefined for bytes that are not of the filter. */
type Decode = (bytes: Uint8Array, room: number) => Uint8Array | undefined

/**
 * The filters that can make more of less, and those that can hide them.
 * @see https://opensource.adobe.com/dc-acrobat-sdk-docs/pdfstandards/PDF32000_2008.pdf (7.4)
 */
const FILTERS: Readonly<Record<string, Decode>> = {
  Fl(bytes, room) {
    try {
      return inflateSync(bytes, { maxOutputLength: Math.max(1, room), finishFlush: constants.Z_SYNC_FLUSH })
    } catch (error) {
      return isTooLarge(error) ? new Uint8Array(Math.max(0, room) + 1) : undefined
    }
  },
  AHx(bytes) {
    const digits = Buffer.from(bytes)
      .toString('latin1')
      .split('>')[0]
      .replace(/[^0-9a-f]/gi, '')
    return Buffer.from(digits.length % 2 ? `${digits}0` : digits, 'hex')
  },
  A85(bytes) {
    const out = new Uint8Array(4 * bytes.length + 4)
    let [value, count, size] = [0, 0, 0]
    for (const byte of bytes) {
      if (byte === 0x7e) break
      if (byte === 0x7a && count === 0) size += 4
      else if (byte >= 0x21 && byte <= 0x75) {
        value = value * 85 + byte - 0x21
        if (++count < 5) continue
        for (let shift = 24; shift >= 0; shift -= 8) out[size++] = value >>> shift
        value = count = 0
      }
    }
    for (let i = count; i > 0 && i < 5; i++) value = value * 85 + 84
    for (let i = 1; i < count; i++) out[size++] = value >>> (32 - 8 * i)
    return out.subarray(0, size)
  },
  RL(bytes, room) {
    const parts: Uint8Array[] = []
    let size = 0
    for (let at = 0; at < bytes.length && bytes[at] !== 128 && size <= room; ) {
      const length = bytes[at]
      const part = length < 128 ? bytes.subarray(at + 1, at + 2 + length) : new Uint8Array(257 - length).fill(bytes[at + 1])
      parts.push(part)
      size += part.length
      at += length < 128 ? length + 2 : 2
    }
    return Buffer.concat(parts)
  },
  LZW(bytes, room) {
    let table: Uint8Array[] = []
    const parts: Uint8Array[] = []
    let [size, bits, held, width] = [0, 0, 0, 9]
    let last: Uint8Array | undefined
    for (const byte of bytes) {
      held = ((held << 8) | byte) & 0xfffff
      bits += 8
      if (bits < width) continue
      bits -= width
      const code = (held >>> bits) & ((1 << width) - 1)
      if (code === 257 || size > room) break
      if (code === 256) {
        ;[table, last, width] = [[], undefined, 9]
        continue
      }
      const known: Uint8Array | undefined = code < 256 ? Uint8Array.of(code) : table[code - 258]
      const part: Uint8Array | undefined = known ?? (last && Buffer.concat([last, last.subarray(0, 1)]))
      if (!part) break
      if (last && table.length < 4096 - 258) table.push(Buffer.concat([last, part.subarray(0, 1)]))
      last = part
      parts.push(part)
      size += part.length
      width = Math.min(12, Math.max(9, Math.floor(Math.log2(table.length + 259)) + 1))
    }
    return Buffer.concat(parts)
  },
}

function isDeflated(bytes: Uint8Array): boolean {
  return bytes.length > 2 && (bytes[0] & 15) === 8 && ((bytes[0] << 8) | bytes[1]) % 31 === 0
}
