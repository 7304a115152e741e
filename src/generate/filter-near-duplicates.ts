import { type EmbedTextsOptions, embedTexts } from '../embed/embed-texts.js'
import type { Engine, Tensor } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import { type Matrix, matrix, normalizedRows } from '../math/matrix.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { FilteredOut, FilteredQuestions } from './filtered-questions.js'
import type { GeneratedQuestion } from './generate-questions.js'

const NEAR_DUPLICATE_COSINE = 0.95

/** Questions compared at a time. */
const BLOCK = 1024

/**
 * Drops questions that are nearly the same as an earlier one of another chunk, which stays: two chunks cannot both be the only
 * right answer to one question.
 *
 * @param threshold cosine similarity from which on two questions count as the same
 * @throws as `embedTexts`, and ABORTED when the signal was aborted
 */
export async function filterNearDuplicates(
  questions: readonly GeneratedQuestion[],
  provider: EmbeddingProvider,
  engine: Engine,
  { threshold = NEAR_DUPLICATE_COSINE, ...embed }: EmbedTextsOptions & { readonly threshold?: number } = {},
): Promise<FilteredQuestions> {
  if (questions.length === 0) return { kept: [], dropped: [] }
  const texts = questions.map(({ text }) => text)
  const { vectors } = await embedTexts(provider, texts, 'query', embed)
  const gone = new Map<number, { readonly like: number; readonly similarity: number }>()
  for await (const { i, j, similarity } of similarPairs(engine, normalizedRows(vectors), threshold)) {
    if (embed.signal?.aborted) {
      throw new AdapterTrainError('ABORTED', 'the filter was stopped', { cause: embed.signal.reason })
    }
    if (gone.has(i) || gone.has(j) || questions[i].chunk === questions[j].chunk) continue
    gone.set(i, { like: j, similarity })
  }
  const dropped = [...gone].map(([i, { like, similarity }]): FilteredOut => {
    return { ...questions[i], reason: 'near-duplicate', like: questions[like].id, similarity }
  })
  return { kept: questions.filter((_, i) => !gone.has(i)), dropped }
}

/** Pairs of rows j < i with a dot product of at least `threshold`; those of a row as i come before those of it as j. */
async function* similarPairs(
  engine: Engine,
  units: Matrix,
  threshold: number,
): AsyncGenerator<{ readonly i: number; readonly j: number; readonly similarity: number }> {
  const { rows: n, cols, data } = units
  const block = (start: number): Tensor => {
    const count = Math.min(BLOCK, n - start)
    return engine.upload(matrix(count, cols, data.subarray(start * cols, (start + count) * cols)))
  }
  for (let top = 0; top < n; top += BLOCK) {
    const queries = block(top)
    for (let start = 0; start <= top; start += BLOCK) {
      const others = block(start)
      const S = engine.alloc(queries.rows, others.rows)
      engine.gemm(queries, others, S, { transposeB: true })
      const scores = await engine.read(S)
      engine.free(S)
      engine.free(others)
      for (let row = 0; row < queries.rows; row++) {
        for (let column = 0; column < others.rows && start + column < top + row; column++) {
          const similarity = scores[row * others.rows + column]
          if (similarity >= threshold) yield { i: top + row, j: start + column, similarity }
        }
      }
    }
    engine.free(queries)
  }
}
