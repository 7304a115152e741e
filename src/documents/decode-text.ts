import { isUtf8 } from 'node:buffer'

/** How much of a file is looked at to tell whether it is text. */
const HEAD = 1 << 16

/**
 * Decodes UTF-8 (with or without a byte order mark) or UTF-16 with one; line breaks become line feeds.
 *
 * @param otherwise tells the encoding of bytes that are neither, as a label of the Encoding Standard
 * @returns the text, or why there is none
 */
export function decodeText(
  bytes: Buffer,
  otherwise: (bytes: Buffer) => string | undefined = () => undefined,
): { text: string; problem?: undefined } | { problem: string } {
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

/** Makes line breaks line feeds, and takes out characters that stand for nothing. */
export function normalizeText(text: string): string {
  return (
    text
      .replace(/\r\n?|\u2028|\u2029|\u0085/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
      .replace(/[\x00-\x08\x0e-\x1f\x7f\ufeff]/g, '')
      .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
      .replace(/[\f\v]/g, '\n')
  )
}

function encodingOf(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return isUtf8(bytes) ? 'utf-8' : undefined
}

function whyNotText(bytes: Buffer): string {
  if (bytes.subarray(0, HEAD).includes(0)) return 'looks like a binary file: it holds zero bytes'
  let line = 1
  let from = 0
  // A line feed is no part of a longer UTF-8 sequence: the first line that is not UTF-8 holds the first wrong byte.
  for (let to = bytes.indexOf(10); to >= 0 && isUtf8(bytes.subarray(from, to)); to = bytes.indexOf(10, from)) {
    from = to + 1
    line++
  }
  return `is not UTF-8 (line ${line}): save it as UTF-8, or as UTF-16 with a byte order mark`
}
