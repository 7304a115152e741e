import type { Chunk } from '../documents/chunk.js'
import { type EmbedDatasetOptions, embedDataset } from '../embed/embed-dataset.js'
import type { Engine } from '../engines/engine.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { topKOn } from '../evaluate/top-k-on.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import type { FilteredOut, FilteredQuestions } from './filtered-questions.js'
import type { GeneratedQuestion } from './generate-questions.js'

const FILTER_K = 10

/**
 * Keeps the questions that find their own chunk: round-trip consistency.
 *
 * @param chunks all that are searched
 * @param k a question is kept whose chunk is among the first k of the base model's ranking
 * @throws as `embedDataset`, and ABORTED when the signal was aborted
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
  const { datasets } = await embedDataset(
    provider,
    [
      {
        name: 'the generated questions',
        queries: new Map(questions.map(({ id, text }) => [id, text])),
        corpus: new Map(chunks.map(({ id, text }) => [id, text])),
        qrels: new Map(),
      },
    ],
    embed,
  )
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
