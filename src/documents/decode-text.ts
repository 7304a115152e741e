import { isUtf8 } from 'node:buffer'
import { firstInvalidByte, lineOfByte } from '../dataset/text-file.js'
import type { Loaded } from './loaders/loader.js'

/** Bytes of a file in which a zero byte shows that it is not text. */
const HEAD = 1 << 16

function decodeText(bytes: Buffer, otherwise: (bytes: Buffer) => string | undefined) {
  const label = encodingOf(bytes) ?? otherwise(bytes)
  if (label === undefined) return { problem: whyNotText(bytes) }
  let text: string
  try {
    text = new TextDecoder(label, { fatal: true }).decode(bytes)
  } catch {
    return { problem: `is not valid ${label.toUpperCase()}: save it as UTF-8` }
  }
  if (text.slice(0, HEAD).includes('\0')) return { problem: 'looks like a binary file: it holds zero bytes' }
  return { text: normalizeText(text) }
}

/** Makes line breaks line feeds and removes control characters. */
export function normalizeText(text: string): string {
  return (
    text
      .replace(/\r\n?|\u2028|\u2029|\u0085/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are removed
      .replace(/[\x00-\x08\x0e-\x1f\x7f\ufeff]/g, '')
      .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
      .replace(/[\f\v]/g, '\n')
  )
}

/** Normalises a text and makes every run of white space a space. */
export const onOneLine = (text: string): string => normalizeText(text).replace(/\s+/gu, ' ').trim()

/** Makes a loader's `load` from a reader of UTF-8, or UTF-16 with a mark; its line breaks are line feeds. */
export function loadText(
  read: (text: string) => Loaded | Promise<Loaded>,
  otherwise: (bytes: Buffer) => string | undefined = () => undefined,
): (bytes: Buffer) => Promise<Loaded> {
  return async bytes => {
    const decoded = decodeText(bytes, otherwise)
    return decoded.problem === undefined ? read(decoded.text) : { ...decoded, sections: [] }
  }
}

function encodingOf(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return isUtf8(bytes) ? 'utf-8' : undefined
}

function whyNotText(bytes: Buffer): string {
  if (bytes.subarray(0, HEAD).includes(0)) return 'looks like a binary file: it holds zero bytes'
  const line = lineOfByte(bytes, firstInvalidByte(bytes))
  return `is not UTF-8 (line ${line}): save it as UTF-8, or as UTF-16 with a byte order mark`
}
