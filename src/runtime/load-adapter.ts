import type { Adapter } from '../adapters/adapter.js'
import { looksLikeSafetensors, readSafetensorsAdapter } from '../adapters/safetensors.js'
import { assembleAdapter, checkSha256, parseAdapter, type StoredAdapter } from '../adapters/stored-adapter.js'
import { fromBase64 } from '../math/bytes.js'

const WHERE = 'adapter'

/** An adapter file: its text, its parsed JSON, or its bytes of JSON or safetensors. */
export type AdapterSource = string | object | ArrayBuffer | ArrayBufferView

/**
 * Reads an adapter without any Node API. The caller downloads the file: `loadAdapter(await (await fetch(url)).arrayBuffer())`.
 *
 * Checks format, shapes, lengths and values, and the checksums if the host has `crypto.subtle`, which browsers offer only to pages
 * from https and localhost.
 * @throws ADAPTER_FORMAT if it is not an adapter, or of a format, kind or shape unknown to this release
 * @throws ADAPTER_CORRUPT if a checksum does not match or a weight is not finite
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

/** True for buffers, also of another realm such as a frame, unlike instanceof. */
const isBuffer = (x: AdapterSource): x is ArrayBuffer => (x as Partial<ArrayBuffer> | null)?.byteLength !== undefined
