import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EmbeddingCache } from '../cache/cache.js'
import type { Matrix } from '../math/matrix.js'
import type { Rows } from '../math/row-source.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { throwIfStopped } from './abort.js'
import { checkLengths, checkTexts, indexLabel, type Label } from './check-texts.js'
import { changedModel } from './check-vectors.js'
import { lookUp } from './look-up.js'
import { type MatrixBuilder, matrixBuilder } from './matrix-builder.js'
import { type UniqueTexts, uniqueTexts } from './unique-texts.js'

/** Texts counted before the event loop gets a turn. */
const CHUNK = 256

/** Texts that were found sound, with what the cache has of them already in place. */
export interface EmbeddingPlan<V extends Rows = Matrix> {
  readonly provider: EmbeddingProvider
  readonly role: Role
  /** The provider's `cacheKey(role)`. */
  readonly space: string
  readonly label: Label
  readonly unique: UniqueTexts
  /** One row a text; rows of duplicates and missing texts are not filled yet. */
  readonly rows: MatrixBuilder<V>
  readonly hits: number
  /** Distinct texts to ask for; `row` is that of the text's first occurrence. */
  readonly missing: readonly { readonly text: string; readonly textHash: Uint8Array; readonly row: number }[]
  /** Tokens of each missing text. */
  readonly tokens: readonly number[]
}

/** What the plan of an embedding depends on. */
export interface PlanOptions {
  readonly cache?: EmbeddingCache
  readonly signal?: AbortSignal
  /** Names a text in messages; default its index. */
  readonly label?: Label
}

/**
 * Does all of an embedding run that sends no request: checks the texts, reads the cache, counts the tokens of what is missing.
 *
 * @param rows takes the vectors; by default a matrix in memory
 * @throws PROVIDER_INPUT when a text is empty, not well-formed, or too long for the model
 * @throws VECTOR_INVALID when the cached vectors have another length than the provider's
 * @throws ABORTED when `signal` was aborted
 */
export function planEmbedding(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  options?: PlanOptions,
): Promise<EmbeddingPlan>
export function planEmbedding<V extends Rows>(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  options: PlanOptions,
  rows: MatrixBuilder<V>,
): Promise<EmbeddingPlan<V>>
export async function planEmbedding(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  { cache, signal, label = indexLabel }: PlanOptions = {},
  rows: MatrixBuilder<Rows> = matrixBuilder(texts.length),
): Promise<EmbeddingPlan<Rows>> {
  checkTexts(provider.id, texts, label)
  const space = provider.cacheKey(role)
  const unique = uniqueTexts(texts)
  const missing: { text: string; textHash: Uint8Array; row: number }[] = []
  const place = (index: number, textHash: Uint8Array, vector: Float32Array | undefined): void => {
    const row = unique.first[index]
    if (vector === undefined) {
      missing.push({ text: unique.texts[index], textHash, row })
      return
    }
    const expected = provider.dimensions ?? vector.length
    if (vector.length !== expected) throw changedModel(provider, space, vector.length, expected)
    rows.set(row, vector)
  }
  await lookUp(unique.texts, space, cache, place, signal)

  const tokens: number[] = []
  for (const { text } of missing) {
    if (tokens.length % CHUNK === CHUNK - 1) {
      await nextTurn()
      throwIfStopped(signal)
    }
    tokens.push(provider.countTokens(text))
  }
  const { maxInputTokens = Number.POSITIVE_INFINITY } = provider.limits
  const missingRows = missing.map(m => m.row)
  checkLengths(provider.id, texts, missingRows, tokens, maxInputTokens, label)
  return { provider, role, space, label, unique, rows, hits: unique.texts.length - missing.length, missing, tokens }
}
