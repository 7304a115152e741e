import { throwIfAborted } from '../abort.js'
import { mix } from '../dataset/near-duplicates.js'
import { UNSPACED } from '../dataset/text.js'
import { usageError } from '../errors.js'
import { normalizeInPlace } from '../math/matrix.js'
import { checkOptions } from './check.js'
import type { EmbeddingProvider, ProviderFactory, ProviderOptions } from './provider.js'

const DEFAULT_DIMENSIONS = 512
const MAX_DIMENSIONS = 65_536
const MIN_GRAM = 3
const MAX_GRAM = 5
const WORD_WEIGHT = 2
/** Seeds keep the three kinds of feature apart: the word "pay" is not the n-gram "pay". */
const SEED = { gram: 0, word: 1, raw: 2 } as const

// Of scripts written without spaces the features are single characters and pairs instead of words.
const RUN = new RegExp(`(${UNSPACED.source}+)|(?:(?!${UNSPACED.source})[\\p{L}\\p{M}\\p{N}])+`, 'gu')

/**
 * Feature hashing of words and of character n-grams within words: no model, no network, equal vectors on every machine.
 *
 * Each feature f adds sign(f) * weight * (1 + ln tf) to the bucket hash(f) mod d; the sum is scaled to length 1. It captures
 * spelling, not meaning: for trying the program and for tests.
 * @see https://arxiv.org/abs/0902.2206 (Weinberger et al., 2009: the hashing trick with signs)
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.feature_extraction.text.HashingVectorizer.html
 * @see https://arxiv.org/abs/1607.04606 (fastText: n-grams of words with boundary marks)
 */
export const hashing: ProviderFactory = {
  name: 'hashing',
  description: 'Words and character n-grams hashed into a vector; no model and no network, for trying the program',
  keyVariables: [],
  create: async options => createHashing(options),
}

function createHashing(options: ProviderOptions): EmbeddingProvider {
  checkOptions('hashing', options)
  const dimensions = options.dimensions ?? DEFAULT_DIMENSIONS
  if (dimensions > MAX_DIMENSIONS)
    throw usageError(`hashing: dimensions: expected at most ${MAX_DIMENSIONS}, found ${dimensions}`)
  const space = `hashing/words+char${MIN_GRAM}-${MAX_GRAM}@${dimensions}`
  return {
    id: options.baseId ?? space,
    dimensions,
    limits: { maxInputs: Math.min(1024, options.maxInputs ?? 1024), maxConcurrency: 1 },
    price: 0,
    isLocal: true,
    facts: { name: 'hashing', dimensions, baseId: options.baseId },
    // The number rises with every change of the vectors.
    cacheKey: () => `${space}#1`,
    countTokens: text => Math.ceil(Buffer.byteLength(text) / 3),
    async embed(texts, _role, { signal } = {}) {
      throwIfAborted(signal, 'embedding was stopped')
      // Texts repeat words, and hashing them again would take most of the time.
      const cache = new Map<string, Features>()
      return texts.map(text => hashText(text, dimensions, cache))
    },
  }
}

/** Hashes of the features of a run of characters, as signed integers, which need no heap object in V8. */
type Features = { readonly grams: readonly number[]; readonly units: readonly number[] }

function hashText(text: string, dimensions: number, cache: Map<string, Features>): Float32Array {
  const grams = new Map<number, number>()
  const units = new Map<number, number>()
  for (const [run, unspaced] of text.normalize('NFKC').toLowerCase().matchAll(RUN)) {
    let features = cache.get(run)
    if (!features) {
      features = unspaced === undefined ? wordFeatures(run) : { grams: [], units: ngrams(run, 1, 2, SEED.word) }
      cache.set(run, features)
    }
    for (const hash of features.grams) grams.set(hash, (grams.get(hash) ?? 0) + 1)
    for (const hash of features.units) units.set(hash, (units.get(hash) ?? 0) + 1)
  }
  const out = new Float32Array(dimensions)
  for (const [hash, tf] of grams) add(out, hash, 1 + Math.log(tf))
  for (const [hash, tf] of units) add(out, hash, WORD_WEIGHT * (1 + Math.log(tf)))
  // No feature at all (only punctuation), or features that cancelled out.
  if (out.every(value => value === 0)) add(out, murmur3(utf8.encode(text), SEED.raw), 1)
  return normalizeInPlace(out)
}

function wordFeatures(word: string): Features {
  const grams = ngrams(`<${word}>`, MIN_GRAM, MAX_GRAM, SEED.gram)
  return { grams, units: [murmur3(utf8.encode(word), SEED.word) | 0] }
}

/** The top bit is the sign, the others the bucket. */
function add(out: Float32Array, hash: number, value: number): void {
  out[(hash & 0x7fffffff) % out.length] += hash >>> 31 ? -value : value
}

const utf8 = new TextEncoder()

/** Hashes of all n-grams of code points, min <= n <= max. */
function ngrams(run: string, min: number, max: number, seed: number): number[] {
  const bytes = utf8.encode(run)
  // Where each code point begins: bytes that are not continuation bytes (10xxxxxx).
  const starts: number[] = []
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] & 0xc0) !== 0x80) starts.push(i)
  starts.push(bytes.length)
  const hashes: number[] = []
  for (let n = min; n <= max; n++) {
    for (let i = 0; i + n < starts.length; i++) hashes.push(murmur3(bytes, seed, starts[i], starts[i + n]) | 0)
  }
  return hashes
}

/**
 * MurmurHash3, x86 32-bit, of bytes `start` (inclusive) to `end` (exclusive).
 * @see https://github.com/aappleby/smhasher (MurmurHash3.cpp, public domain)
 */
export function murmur3(bytes: Uint8Array, seed = 0, start = 0, end = bytes.length): number {
  const scramble = (k: number): number => {
    const m = Math.imul(k, 0xcc9e2d51)
    return Math.imul((m << 15) | (m >>> 17), 0x1b873593)
  }
  let h = seed
  let i = start
  for (; i + 4 <= end; i += 4) {
    h ^= scramble(bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24))
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let j = end - 1; j >= i; j--) tail = (tail << 8) | bytes[j]
  if (i < end) h ^= scramble(tail)
  return mix(h ^ (end - start))
}
