import { checkSha256, parseAdapter, wrong } from '../adapters/stored-adapter.js'
import type { AdapterTerms, TermsFacts } from '../adapters/terms.js'
import { decodeTerms } from '../adapters/terms-file.js'
import type { ErrorCode } from '../errors.js'
import { fromBase64 } from '../math/bytes.js'
import type { Matrix } from '../math/matrix.js'

export type { ErrorCode, Matrix }

/** A linear adapter with text terms. */
export interface TermsAdapter {
  readonly base: { readonly id: string; readonly dimensions: number }
  /** [outputs, dimensions] */
  readonly W: Matrix
  /** [1, outputs] */
  readonly b: Matrix
  readonly terms: Pick<AdapterTerms, 'mix' | 'source' | 'alpha'>
}

/** Bytes, whoever made them. */
export type Bytes = ArrayBuffer | ArrayBufferView

const WHERE = 'adapter'
const PLACE = 'text terms'

/**
 * Reads an adapter with text terms without any Node API. Getting both files is the caller's.
 *
 * Checksums are compared if the host has `crypto.subtle`.
 * @param adapter the adapter file: its text, or the value that `JSON.parse` gave
 * @param terms the file that it names in `terms.file`
 * @throws ADAPTER_FORMAT if it is not a linear adapter with text terms, or the file is not one of terms
 * @throws ADAPTER_CORRUPT if a checksum does not match
 */
export async function loadAdapter(adapter: string | object, terms: Bytes): Promise<TermsAdapter> {
  const { facts, params, stored } = parseAdapter(adapter, WHERE, fromBase64, true)
  const {
    base,
    kind,
    terms: said,
  } = facts as unknown as TermsAdapter & { readonly kind: string; readonly terms: TermsFacts & { readonly sha256: string } }
  const { W, b } = params
  if (!said || kind !== 'linear' || W?.cols !== base?.dimensions || b?.cols !== W.rows)
    throw wrong(WHERE, 'expected a linear adapter with W, b and text terms')
  const bytes = ArrayBuffer.isView(terms)
    ? new Uint8Array(terms.buffer, terms.byteOffset, terms.byteLength)
    : new Uint8Array(terms)
  for (const part of [...stored, { where: PLACE, bytes, sha256: said?.sha256 }]) {
    const digest = await globalThis.crypto?.subtle?.digest('SHA-256', part.bytes as Uint8Array<ArrayBuffer>)
    if (digest) checkSha256(part, Array.from(new Uint8Array(digest), x => x.toString(16).padStart(2, '0')).join(''))
  }
  return { base, W, b, terms: decodeTerms(bytes, said, W.rows, PLACE) }
}

/**
 * Adapts one query: norm(norm(W q + b) + alpha norm(direction of its words)).
 * @param vector [d]
 * @param text the query itself
 * @returns float32 values of length 1; a plain array for a plain array
 * @throws ADAPTER_FORMAT if the vector has other dimensions than the adapter
 */
export function adaptQuery(adapter: TermsAdapter, vector: readonly number[], text: string): number[]
export function adaptQuery(adapter: TermsAdapter, vector: Float32Array, text: string): Float32Array
export function adaptQuery(
  { W, b, terms }: TermsAdapter,
  vector: readonly number[] | Float32Array,
  text: string,
): number[] | Float32Array {
  if (vector.length !== W.cols) throw wrong('the vector', `expected ${W.cols} dimensions, found ${vector.length}`)
  const out = new Float32Array(W.rows)
  for (let i = 0; i < W.rows; i++) {
    let sum = b.data[i]
    for (let j = 0; j < W.cols; j++) sum += W.data[i * W.cols + j] * vector[j]
    out[i] = sum
  }
  terms.mix(out, text)
  return Array.isArray(vector) ? Array.from(out) : out
}
