import type { Adapter } from '../adapters/adapter.js'
import { parseAdapter } from '../adapters/parse-adapter.js'
import { looksLikeSafetensors } from '../adapters/safetensors.js'
import { readSafetensorsAdapter } from '../adapters/safetensors-adapter.js'
import { assembleAdapter, checkSha256, type StoredAdapter } from '../adapters/stored-adapter.js'
import { fromBase64 } from '../math/base64.js'

/** What messages call the file, whose name is not known. */
const WHERE = 'adapter'

/** An adapter file: its text, what `JSON.parse` made of it, or its bytes, of JSON or of safetensors. */
export type AdapterSource = string | object | ArrayBuffer | ArrayBufferView

/**
 * Reads an adapter without any Node API. Getting the file is the caller's: `loadAdapter(await (await fetch(url)).arrayBuffer())`.
 *
 * Format, shapes, lengths and values are checked always, the checksums where the host has `crypto.subtle`, which browsers offer to
 * pages from https and localhost only.
 *
 * @throws ADAPTER_FORMAT when it is not an adapter, or of a format, kind or shape that this release does not know
 * @throws ADAPTER_CORRUPT when a checksum does not match or a weight is not finite
 */
export async function loadAdapter(source: AdapterSource): Promise<Adapter> {
  const { facts, params, stored } = takeApart(source)
  const subtle = globalThis.crypto?.subtle
  if (subtle) {
    for (const part of stored) {
      const digest = new Uint8Array(await subtle.digest('SHA-256', part.bytes as Uint8Array<ArrayBuffer>))
      checkSha256(part, Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join(''))
    }
  }
  return assembleAdapter(facts, params, WHERE)
}

function takeApart(source: AdapterSource): StoredAdapter {
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : isBuffer(source) && new Uint8Array(source)
  if (bytes && looksLikeSafetensors(bytes)) return readSafetensorsAdapter(bytes, WHERE)
  return parseAdapter(bytes ? new TextDecoder().decode(bytes) : source, WHERE, fromBase64)
}

/** Not by instanceof: the buffer may come from another realm, such as a frame. */
const isBuffer = (x: AdapterSource): x is ArrayBuffer => (x as Partial<ArrayBuffer> | null)?.byteLength !== undefined
