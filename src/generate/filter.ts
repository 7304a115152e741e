import type { Chunk } from '../documents/chunk.js'
import { type EmbedDatasetOptions, embedDataset } from '../embed/embed-dataset.js'
import { type EmbedTextsOptions, embedTexts } from '../embed/embed-texts.js'
import type { Engine, Tensor } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { topKOn } from '../evaluate/top-k-on.js'
import { type Matrix, matrix, normalizedRows } from '../math/matrix.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { GeneratedQuestion } from './generate-questions.js'
import type { DropReason } from './reject.js'

/** Question dropped by a filter. */
export interface FilteredOut extends GeneratedQuestion {
  readonly reason: DropReason
  readonly like?: string
  readonly similarity?: number
}

export interface FilteredQuestions {
  readonly kept: readonly GeneratedQuestion[]
  readonly dropped: readonly FilteredOut[]
}

const NEAR_DUPLICATE_COSINE = 0.95
const BLOCK = 1024

/** Drops near-duplicates of an earlier question of another chunk: two chunks cannot both be the only right answer to one question. */
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
    if (embed.signal?.aborted) throw new AdapterTrainError('ABORTED', 'the filter was stopped', { cause: embed.signal.reason })
    if (gone.has(i) || gone.has(j) || questions[i].chunk === questions[j].chunk) continue
    gone.set(i, { like: j, similarity })
  }
  const dropped = [...gone].map(([i, { like, similarity }]): FilteredOut => {
    return { ...questions[i], reason: 'near-duplicate', like: questions[like].id, similarity }
  })
  return { kept: questions.filter((_, i) => !gone.has(i)), dropped }
}

/** Finds pairs of rows j < i with a dot product of at least `threshold`; those of a row as i come before those of it as j. */
async function* similarPairs(engine: Engine, units: Matrix, threshold: number) {
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

const FILTER_K = 10

/**
 * Keeps the questions that find their own chunk: round-trip consistency.
 * @param k a question is kept if its chunk ranks in the base model's top k
 * @see https://arxiv.org/abs/1906.05416 (Alberti et al., 2019)
 */
export async function filterRoundTrip(
  questions: readonly GeneratedQuestion[],
  chunks: readonly Chunk[],
  provider: EmbeddingProvider,
  engine: Engine,
  { k = FILTER_K, ...embed }: EmbedDatasetOptions & { readonly k?: number } = {},
): Promise<FilteredQuestions> {
  if (questions.length === 0) return { kept: [], dropped: [] }
  const dataset = {
    name: 'the generated questions',
    queries: new Map(questions.map(({ id, text }) => [id, text])),
    corpus: new Map(chunks.map(({ id, text }) => [id, text])),
    qrels: new Map(),
  }
  const { datasets } = await embedDataset(provider, [dataset], embed)
  const { queries, docs, docIds } = datasets[0]
  const top = await topKOn(engine, queries, docs, k, tieRankOf(docIds), { signal: embed.signal })
  const kept: GeneratedQuestion[] = []
  const dropped: FilteredOut[] = []
  questions.forEach((question, i) => {
    const found = top.rows.subarray(i * top.k, (i + 1) * top.k)
    if (found.some(doc => docIds[doc] === question.chunk)) kept.push(question)
    else dropped.push({ ...question, reason: 'round-trip' })
  })
  return { kept, dropped }
}
