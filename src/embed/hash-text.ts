import { createHash } from 'node:crypto'

/** The text's part of a cache key: the 32 bytes of SHA-256 over its UTF-8 bytes. */
export function hashText(text: string): Uint8Array {
  return createHash('sha256').update(text, 'utf8').digest()
}
