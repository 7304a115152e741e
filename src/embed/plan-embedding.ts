import type { EmbeddingCache } from '../cache/cache.js'
import type { Matrix } from '../math/matrix.js'
import type { Rows } from '../math/row-source.js'
import type { EmbeddingProvider, ProviderLimits, Role } from '../providers/provider.js'
import { changedModel, checkLengths, checkTexts, indexLabel, isZero, type Label } from './check.js'
import { countTokens, lookUp, type ModelTokens, type UniqueTexts, uniqueTexts } from './look-up.js'
import { type MatrixBuilder, matrixBuilder } from './matrix-builder.js'

/** Checked texts, with the vectors that the cache has in place. */
export interface EmbeddingPlan<V extends Rows = Matrix> {
  readonly provider: EmbeddingProvider
  readonly role: Role
  readonly space: string
  readonly label: Label
  readonly unique: UniqueTexts
  /** One row per text; rows of duplicates and missing texts are not filled yet. */
  readonly rows: MatrixBuilder<V>
  readonly hits: number
  /** Distinct texts to embed; `row` is that of the text's first occurrence. */
  readonly missing: readonly { readonly text: string; readonly textHash: Uint8Array; readonly row: number }[]
  /** Rows whose vectors are zeros, of those found in the cache. */
  readonly zeros: readonly number[]
  /** Of each missing text, over all models that lack it. */
  readonly tokens: readonly number[]
  /** Same, of each model. */
  readonly counts: readonly ModelTokens[]
}

/** Cache, limits and cancellation of an embedding that is planned. */
export interface EmbedPlanOptions {
  readonly cache?: EmbeddingCache
  readonly signal?: AbortSignal
  /** Default: its index. */
  readonly label?: Label
}

/**
 * Does the part of an embedding run without requests: checks the texts, reads the cache, counts the tokens of what is missing.
 * @param rows takes the vectors; by default a matrix in memory
 */
export function planEmbedding(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  options?: EmbedPlanOptions,
): Promise<EmbeddingPlan>
export function planEmbedding<V extends Rows>(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  options: EmbedPlanOptions,
  rows: MatrixBuilder<V>,
): Promise<EmbeddingPlan<V>>
export async function planEmbedding(
  provider: EmbeddingProvider,
  texts: readonly string[],
  role: Role,
  { cache, signal, label = indexLabel }: EmbedPlanOptions = {},
  rows: MatrixBuilder<Rows> = matrixBuilder(texts.length),
): Promise<EmbeddingPlan<Rows>> {
  const given = { providerId: provider.id, texts, label }
  checkTexts(given)
  const space = provider.cacheKey(role)
  const unique = uniqueTexts(texts)
  const missing: { text: string; textHash: Uint8Array; row: number }[] = []
  const zeros: number[] = []
  const place = (index: number, textHash: Uint8Array, vector: Float32Array | undefined): void => {
    const row = unique.first[index]
    if (vector === undefined) {
      missing.push({ text: unique.texts[index], textHash, row })
      return
    }
    const expected = provider.dimensions ?? vector.length
    if (vector.length !== expected) throw changedModel(provider, space, vector.length, expected)
    rows.set(row, vector)
    if (isZero(vector)) zeros.push(row)
  }
  await lookUp(unique.texts, { provider, role }, cache, place, signal)

  const counts = await countTokens(provider, role, missing, cache, signal)
  const missingRows = missing.map(m => m.row)
  for (const { model, tokens } of counts) {
    const { maxInputTokens = Number.POSITIVE_INFINITY } = model.limits
    checkLengths({ ...given, providerId: model.id }, missingRows, tokens, maxInputTokens)
  }
  const tokens = missing.map((_, i) => counts.reduce((sum, { tokens }) => sum + tokens[i], 0))
  const hits = unique.texts.length - missing.length
  return { provider, role, space, label, unique, rows, hits, missing, zeros, tokens, counts }
}

/**
 * Groups texts into requests, longest texts first: texts of like length share a batch, which keeps a local model's padding small,
 * and a batch too large for the memory fails at once instead of hours later.
 * @returns per request the indices of its texts; a text above `maxRequestTokens` gets a request of its own
 */
export function planBatches(tokens: readonly number[], limits: Pick<ProviderLimits, 'maxInputs' | 'maxRequestTokens'>) {
  const { maxInputs, maxRequestTokens = Number.POSITIVE_INFINITY } = limits
  const longestFirst = tokens.map((_, i) => i).sort((a, b) => tokens[b] - tokens[a] || a - b)
  const batches: number[][] = []
  let batch: number[] = []
  let batchTokens = 0
  for (const i of longestFirst) {
    if (batch.length > 0 && (batch.length >= maxInputs || batchTokens + tokens[i] > maxRequestTokens)) {
      batches.push(batch)
      batch = []
      batchTokens = 0
    }
    batch.push(i)
    batchTokens += tokens[i]
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
