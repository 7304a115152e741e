import { createHash, hash } from 'node:crypto'
import { closeSync, openSync, readSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { AdapterTrainError, messageOf } from '../errors.js'
import { MAX_FILE_BYTES, readNamedFile, readRegularFile, writeFileAtomic } from '../files.js'
import { isObject, parseJsonText } from '../json.js'
import { type Adapter, outputDimensions, validateAdapter } from './adapter.js'
import { checkSafetensors } from './check-safetensors.js'
import { encodeTensor, tensorOf } from './safetensors.js'
import type { StoredAdapter, TensorType } from './stored-adapter.js'
import {
  ADAPTER_FORMAT,
  assembleAdapter,
  checkFacts,
  checkIndex,
  checkSha256,
  damaged,
  formatOf,
  mapValues,
  parseAdapter,
  wrong,
} from './stored-adapter.js'
import type { AdapterTerms, TermsFacts } from './terms.js'
import { decodeTerms, encodeTerms } from './terms-file.js'

export { ADAPTER_FORMAT }

/** What an adapter file says of its text terms, which stand in a file of their own beside it. */
interface StoredTerms extends TermsFacts {
  readonly file: string
  /** SHA-256 of its bytes, hex. */
  readonly sha256: string
  readonly bytes: number
}

/** Bytes of a file of text terms. */
const MAX_TERMS_BYTES = 2 ** 31 - 1
const TERMS_SLACK = 2 ** 21
/** Weight beyond which the words are all that is left of a query. */
const MAX_ALPHA = 1e6

/**
 * Writes an adapter file: readable JSON, the weights last. The file appears whole or not at all. Text terms are written first, to a
 * file beside it whose name holds their hash; one that the adapter file named before and does no longer is removed.
 * @param options `keepTerms` leaves that one, for a version of the adapter file that still needs it
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT if the adapter is not valid
 * @throws FILE_WRITE if the file cannot be written
 */
export function saveAdapter(adapter: Adapter, path: string, { keepTerms = false } = {}): void {
  validateAdapter(adapter)
  const before = keepTerms ? undefined : namedTerms(path)
  const bytes = adapter.terms && encodeTerms(adapter.terms)
  const stored = bytes && storedTerms(adapter.terms!, bytes, path)
  if (stored) writeFileAtomic(join(dirname(path), stored.file), bytes)
  writeFileAtomic(path, encode(adapter, 'F32', stored))
  if (before !== undefined && before !== stored?.file) rmSync(join(dirname(path), before), { force: true })
}

function storedTerms({ source, alpha, corpus, proven, linear }: AdapterTerms, bytes: Uint8Array, path: string) {
  const sha256 = hash('sha256', bytes)
  const file = `${basename(path).replace(/\.json$/, '')}.terms-${sha256.slice(0, 12)}.bin`
  return { source, alpha, corpus, proven, ...(linear && { linear }), file, sha256, bytes: bytes.length }
}

/** The file of terms that an adapter file names, if it is one as this package writes them. */
function namedTerms(path: string): string | undefined {
  const file = looksLikeAdapter(path) ? termsFacts(path)?.file : undefined
  const stem = basename(path).replace(/\.json$/, '')
  return file?.startsWith(`${stem}.terms-`) && basename(file) === file ? file : undefined
}

/** What an adapter file says of its text terms; undefined if it has none, or cannot be read. */
export function termsFacts(path: string): (TermsFacts & { readonly file: string }) | undefined {
  try {
    return (parseJsonText(readRegularFile(path).toString('utf8')) as { terms?: StoredTerms }).terms
  } catch {
    return undefined
  }
}

/**
 * Reads an adapter file: a regular file of at most `MAX_FILE_BYTES`, its text terms of at most `MAX_TERMS_BYTES`.
 * @throws FILE_NOT_FOUND, FILE_READ if it cannot be read
 * @throws ADAPTER_FORMAT if it is not an adapter file, or this release does not know its format, kind or shape
 * @throws ADAPTER_CORRUPT if a checksum does not match or a weight is not finite
 */
export function loadAdapter(path: string): Adapter {
  const { adapter, terms } = decode(readNamedFile(path, 'adapter file', MAX_FILE_BYTES), path)
  return terms ? { ...adapter, terms: readTerms(adapter, terms, path) } : adapter
}

function readTerms(adapter: Adapter, stored: StoredTerms, path: string): AdapterTerms {
  const { file, sha256: expected, bytes: size, ...facts } = stored
  const place = join(dirname(path), file)
  let bytes: Buffer
  try {
    // A file of another size fails its checksum; this only bounds what is read.
    bytes = readRegularFile(place, Math.min(size + TERMS_SLACK, MAX_TERMS_BYTES))
  } catch (cause) {
    const message = `cannot read ${place}, which holds the text terms of ${path}: ${messageOf(cause)}`
    throw new AdapterTrainError('FILE_READ', `${message}. Copy it beside the adapter file, or train again`, {
      cause,
      details: { path: place },
    })
  }
  if (hash('sha256', bytes) !== expected) throw damaged(place, `checksum does not match the one in ${path}`)
  checkSafetensors(bytes, place)
  const terms = decodeTerms(bytes, facts, outputDimensions(adapter), place)
  const { icu } = terms.analysis
  if (icu !== undefined && icu !== process.versions.icu) {
    const problem = `its words were found by ICU ${icu}, this program has ${process.versions.icu}`
    const advice = 'in scripts without spaces some words may differ. Make the terms anew with adapter-train refresh'
    process.emitWarning(`${path}: ${problem}: ${advice}`, { code: 'ADAPTER_TRAIN_ICU' })
  }
  return terms
}

/**
 * Encodes an adapter as the text of a file, without text terms: these need `saveAdapter`. Equal adapters give equal texts.
 * @param dtype `F16` halves the file and rounds the weights
 * @throws ADAPTER_FORMAT if a weight is too large for float16
 */
export function encodeAdapter(adapter: Adapter, dtype: TensorType = 'F32'): string {
  return encode(adapter, dtype)
}

function encode(adapter: Adapter, dtype: TensorType, terms?: StoredTerms): string {
  const { kind, base, index, training, params } = adapter
  checkIndex(kind, index, 'adapter')
  const stored = mapValues(params, (m, name) => {
    const { shape, bytes } = tensorOf(name, m, dtype)
    return { dtype, shape, sha256: hash('sha256', bytes), data: Buffer.from(bytes.buffer).toString('base64') }
  })
  const facts = { format: formatOf({ index, terms }), kind, base, ...(index && { index }), ...(terms && { terms }) }
  return `${JSON.stringify({ ...facts, training, params: stored }, null, 2)}\n`
}

/**
 * Parses the text of an adapter file.
 * @param where its name, for messages
 * @param linearPart leave text terms out, which the text does not hold; without it, a file that has some is refused
 * @throws as {@link loadAdapter}
 */
export function decodeAdapter(text: string, where = 'adapter', linearPart = false): Adapter {
  const { adapter, terms } = decode(text, where)
  if (terms && !linearPart) {
    const fix = 'Read both with loadAdapter and the path of the adapter file'
    throw wrong(where, `its text terms are in ${terms.file}. ${fix}`)
  }
  return adapter
}

function decode(text: string, where: string): { readonly adapter: Adapter; readonly terms?: StoredTerms } {
  const { facts, params, stored } = parseAdapter(parsed(text, where), where, data => Buffer.from(data, 'base64'), true)
  checkFacts(facts, where)
  for (const part of stored) checkSha256(part, hash('sha256', part.bytes))
  return { adapter: assembleAdapter(facts, params, where), ...termsOf(facts, where) }
}

function parsed(text: string, where: string): unknown {
  try {
    return parseJsonText(text)
  } catch (cause) {
    throw new AdapterTrainError('ADAPTER_FORMAT', `${where} is not an adapter file: ${messageOf(cause)}`, { cause })
  }
}

/** Checks what a file says of its text terms, as far as reading and applying them relies on it. */
function termsOf({ format, index, terms }: StoredAdapter['facts'], where: string): { readonly terms?: StoredTerms } {
  if (format === ADAPTER_FORMAT || (terms === undefined && index !== undefined)) return {}
  const { file, sha256: hash, bytes, source, alpha, corpus, proven } = isObject(terms) ? terms : {}
  const strings = [file, hash, source].every(value => typeof value === 'string') && basename(file as string) === file
  if (
    !strings ||
    !Number.isSafeInteger(bytes) ||
    !(typeof alpha === 'number' && Math.abs(alpha) <= MAX_ALPHA) ||
    !isObject(corpus) ||
    typeof proven !== 'boolean'
  ) {
    throw wrong(where, '"terms" must have "file", "sha256", "bytes", "source", "alpha", "corpus" and "proven"')
  }
  return { terms: terms as unknown as StoredTerms }
}

/** SHA-256 (hex) of kind, base model, index, weights and text terms; training metadata does not count. */
export function adapterHash(adapter: Adapter): string {
  const { kind, base, index } = adapter
  const facts = [kind, base.id, base.dimensions, ...(index ? [index.id] : [])]
  const whole = createHash('sha256').update(JSON.stringify(facts))
  for (const name of Object.keys(adapter.params).sort()) {
    whole.update(name).update(encodeTensor(name, adapter.params[name], 'F32'))
  }
  if (adapter.terms) whole.update(JSON.stringify(adapter.terms.alpha)).update(encodeTerms(adapter.terms))
  return whole.digest('hex')
}

const HEAD = 512

/** True if a file begins like an adapter file; false also if it cannot be read. */
export function looksLikeAdapter(path: string): boolean {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const head = Buffer.alloc(HEAD)
    const length = readSync(file, head, 0, HEAD, 0)
    return /^\s*\{\s*"format"\s*:\s*"adapter-train\//.test(head.toString('utf8', 0, length))
  } catch {
    return false
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
